//! The walk over an unpacked layer: every name checked and spelled as the chain below spells it.

use engine::os::fd::OwnedFd;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine::os::fs::{
    AtFlags, FileType, Mode, Timespec, Timestamps, XattrFlags, fgetxattr, fsetxattr, mkdirat,
    mknodat, readlinkat, statat, symlinkat,
};

use super::super::fold::{Spelling, key};
use super::super::{beneath, names, target};
use super::file::{self, At};
use crate::error::{Error, IoContext, Result};

const OPAQUE: &str = "trusted.overlay.opaque";
/// The same, as a snapshotter writes it that runs without privileges.
const USER_OPAQUE: &str = "user.overlay.opaque";

/// Adopts `Files` as `fs`.
pub(super) fn files(
    original: &Path,
    making: &Path,
    fold: &Path,
    parents: &[PathBuf],
) -> Result<()> {
    let Some(from) = part(original, "Files")? else { return Ok(()) };
    let to_path = making.join("fs");
    let roots = || std::iter::once(fold).chain(parents.iter().map(PathBuf::as_path));
    let mut walk = Walk {
        original,
        to: beneath::open_root(&to_path).at("open", &to_path)?,
        from,
        spelling: Spelling::new(roots())?,
        links: Vec::new(),
    };
    walk.folder("", "")?;
    let links = std::mem::take(&mut walk.links);
    // Targets are spelled as this layer spells them, too.
    walk.spelling = Spelling::new(roots().chain([to_path.as_path()]))?;
    links.iter().try_for_each(|link| walk.link(link))
}

/// Adopts the hives, which have names of their own.
pub(super) fn hives(original: &Path, making: &Path) -> Result<()> {
    let Some(from) = part(original, "Hives")? else { return Ok(()) };
    let to_path = making.join("hives");
    let to = beneath::open_root(&to_path).at("open", &to_path)?;
    let at = |name: &str| original.join("Hives").join(name);
    for name in beneath::list_all(&from, "").at("list", &at(""))? {
        let about = statat(&from, name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        let about = about.at("look at", &at(&name))?;
        if FileType::from_raw_mode(about.st_mode) == FileType::RegularFile {
            let (from, to) = (At { folder: &from, name: &name }, At { folder: &to, name: &name });
            file::adopt(from, to).at("adopt", &at(&name))?;
        }
    }
    Ok(())
}

/// A part of the layer, if it has it. A link in its place is refused: it leads anywhere.
fn part(original: &Path, name: &str) -> Result<Option<OwnedFd>> {
    let path = original.join(name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.at("look at", &path)?,
    };
    let root = beneath::open_root(original).at("open", original)?;
    beneath::open_dir(&root, name).map(Some).at("open", &path)
}

struct Walk<'a> {
    original: &'a Path,
    from: OwnedFd,
    to: OwnedFd,
    spelling: Spelling,
    links: Vec<Link>,
}

/// A symbolic link that waits until everything else has its name.
struct Link {
    /// The folder that it is in, as it is spelled now.
    folder: String,
    name: String,
    target: String,
}

impl Walk<'_> {
    fn folder(&mut self, from: &str, to: &str) -> Result<()> {
        let at = || self.original.join("Files").join(from);
        let source = beneath::open_dir(&self.from, from).at("open", &at())?;
        let place = beneath::open_dir(&self.to, to).at("open", &at())?;
        let spelled = self.spelling.names(to)?;
        // Another spelling of this folder may have filled it already.
        let mut own: HashMap<String, String> = beneath::list(&place, "")
            .at("list", &at())?
            .into_iter()
            .map(|n| (key(&n), n))
            .collect();
        let mut found = beneath::list_all(&source, "").at("list", &at())?;
        found.sort();
        for name in found {
            // The other program makes a file of an alternate data stream.
            if names::split_stream(&name).is_some() {
                continue;
            }
            names::check(&name).map_err(|rule| self.refused(from, &name, &rule))?;
            let key = key(&name);
            let known = own.contains_key(&key);
            let here = spelled.get(&key).or_else(|| own.get(&key)).unwrap_or(&name).clone();
            own.insert(key, here.clone());
            self.entry((from, &source, &name), (to, &place, &here), known)?;
        }
        self.finish(&source, &place, from)
    }

    /// `known`: this folder has had an entry that is the same to Windows. Folders become one.
    fn entry(
        &mut self,
        (from, source, name): (&str, &OwnedFd, &str),
        (to, place, here): (&str, &OwnedFd, &str),
        known: bool,
    ) -> Result<()> {
        let at = self.original.join("Files").join(from).join(name);
        let about = statat(source, name, AtFlags::SYMLINK_NOFOLLOW).at("look at", &at)?;
        let kind = FileType::from_raw_mode(about.st_mode);
        if known && kind != FileType::Directory {
            let rule = "Windows cannot tell its name from another one's in the folder";
            return Err(self.refused(from, name, rule));
        }
        match kind {
            FileType::Directory => {
                match mkdirat(place, here, Mode::from_raw_mode(0o755)) {
                    Err(engine::os::io::Errno::EXIST) => {}
                    made => made.at("make the counterpart of", &at)?,
                }
                self.folder(&join(from, name), &join(to, here))
            }
            FileType::RegularFile => {
                let (from, to) = (At { folder: source, name }, At { folder: place, name: here });
                file::adopt(from, to).at("adopt", &at)
            }
            FileType::Symlink => {
                let target = readlinkat(source, name, Vec::new()).at("read", &at)?;
                let target = target
                    .into_string()
                    .map_err(|_| self.refused(from, name, "its target is not Unicode"))?;
                self.links.push(Link { folder: to.to_owned(), name: here.to_owned(), target });
                Ok(())
            }
            FileType::CharacterDevice if about.st_rdev == 0 => {
                mknodat(place, here, FileType::CharacterDevice, Mode::empty(), 0)
                    .at("mark as removed the counterpart of", &at)
            }
            _ => Err(self.refused(from, name, "it is a device, a pipe or a socket")),
        }
    }

    /// The looks of a folder, after everything in it.
    fn finish(&self, source: &OwnedFd, place: &OwnedFd, from: &str) -> Result<()> {
        let at = || self.original.join("Files").join(from);
        // The process may have been started with a narrow umask.
        engine::os::fs::fchmod(place, Mode::from_raw_mode(0o755)).at("set the mode of", &at())?;
        if !from.is_empty() && [OPAQUE, USER_OPAQUE].iter().any(|name| is_set(source, name)) {
            fsetxattr(place, OPAQUE, b"y", XattrFlags::empty()).at("mark", &at())?;
        }
        let about = engine::os::fs::fstat(source).at("look at", &at())?;
        let time = |seconds, nanos: u64| Timespec {
            tv_sec: seconds,
            tv_nsec: i64::try_from(nanos).unwrap_or_default(),
        };
        let times = Timestamps {
            last_access: time(about.st_atime, about.st_atime_nsec),
            last_modification: time(about.st_mtime, about.st_mtime_nsec),
        };
        engine::os::fs::futimens(place, &times).at("set the times of", &at())
    }

    fn link(&mut self, link: &Link) -> Result<()> {
        let folder: Vec<String> =
            link.folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let target = target::resolve(&folder, &link.target)
            .map_err(|rule| self.refused(&link.folder, &link.name, &rule))?;
        let target = target::relative(&folder, &self.spelled(&target)?);
        let at = self.original.join("Files").join(&link.folder).join(&link.name);
        let place = beneath::open_dir(&self.to, &link.folder).at("open", &at)?;
        symlinkat(target.as_str(), &place, link.name.as_str()).at("link", &at)
    }

    fn spelled(&mut self, parts: &[String]) -> Result<Vec<String>> {
        let mut spelled: Vec<String> = Vec::with_capacity(parts.len());
        for part in parts {
            let names = self.spelling.names(&spelled.join("/"))?;
            spelled.push(names.get(&key(part)).unwrap_or(part).clone());
        }
        Ok(spelled)
    }

    fn refused(&self, folder: &str, name: &str, rule: &str) -> Error {
        Error::Entry {
            layer: self.original.display().to_string(),
            entry: format!("Files/{}", join(folder, name)),
            rule: rule.to_owned(),
        }
    }
}

fn is_set(folder: &OwnedFd, name: &str) -> bool {
    let mut value = [0; 1];
    fgetxattr(folder, name, &mut value).is_ok_and(|length| length == 1) && value == *b"y"
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
