//! What is put on the drive of a container that never ran: links and folders.
//!
//! Only the scratch's upper directory is written, which nobody else has written yet, so no link in
//! it leads anywhere. The layers below are only looked at, for how they spell names.

use engine::os::unix::fs::symlink;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::platform::Platform;

/// A new drive: an empty upper directory over layers.
#[derive(Debug)]
pub struct NewDrive {
    upper: PathBuf,
    lowers: Vec<PathBuf>,
}

/// What stands at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Other,
}

impl NewDrive {
    /// The drive of a scratch over these layers and the platform.
    pub fn new(scratch: &Path, layers: &[PathBuf], platform: &Platform) -> Self {
        let lowers = layers.iter().map(|layer| layer.join("fs"));
        let lowers = lowers.chain(std::iter::once(platform.drive_c.clone())).collect();
        Self { upper: scratch.join("upper"), lowers }
    }

    /// A scratch with a limit of size is a file system that only the engine mounts.
    pub fn can_be_changed(&self) -> bool {
        self.upper.is_dir()
    }

    /// Makes a link, and the folders above it.
    pub fn link(&self, path: &str, points_to: &str) -> Result<()> {
        let path = components(path)?;
        let to = components(points_to)?;
        let (name, folders) = path.split_last().context("it has no name")?;
        let mut at = PathBuf::new();
        for folder in folders {
            at.push(
                self.spelled(&at, folder)?.map_or_else(|| (*folder).to_owned(), |(name, _)| name),
            );
            make(&self.upper.join(&at))?;
        }
        at.push(self.spelled(&at, name)?.map_or_else(|| (*name).to_owned(), |(name, _)| name));
        // Relative, so that it leads to the same place wherever the drive is mounted.
        let up: PathBuf = folders.iter().map(|_| "..").collect();
        symlink(to.iter().fold(up, |to, part| to.join(part)), self.upper.join(&at))?;
        Ok(())
    }

    /// Makes a folder where there is nothing, as docker does for a working directory. A path that
    /// is not plain, or that a layer's link or file stands in, is left to Windows to judge.
    pub fn ensure_folder(&self, path: &str) -> Result<()> {
        let Ok(path) = components(path) else { return Ok(()) };
        if !self.can_be_changed() {
            return Ok(());
        }
        let (mut at, mut missing) = (PathBuf::new(), false);
        for name in path {
            match self.spelled(&at, name)? {
                Some((_, Kind::Other)) => return Ok(()),
                Some((spelled, Kind::Folder)) => at.push(spelled),
                None => {
                    missing = true;
                    at.push(name);
                }
            }
        }
        if !missing {
            return Ok(());
        }
        let mut folder = self.upper.clone();
        for name in &at {
            folder.push(name);
            make(&folder)?;
        }
        Ok(())
    }

    /// How the drive spells a name in a folder, and what it is: Windows does not tell case apart,
    /// overlays do.
    fn spelled(&self, folder: &Path, name: &str) -> Result<Option<(String, Kind)>> {
        let lower = name.to_lowercase();
        for root in std::iter::once(&self.upper).chain(&self.lowers) {
            let entries = match fs::read_dir(root.join(folder)) {
                Ok(entries) => entries,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for entry in entries {
                let entry = entry?;
                let Ok(found) = entry.file_name().into_string() else { continue };
                if found.to_lowercase() == lower {
                    let is_folder = entry.file_type()?.is_dir();
                    return Ok(Some((found, if is_folder { Kind::Folder } else { Kind::Other })));
                }
            }
        }
        Ok(None)
    }
}

fn make(folder: &Path) -> Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// The parts of a path on `C:`.
fn components(path: &str) -> Result<Vec<&str>> {
    let rest = path.get(..2).filter(|drive| drive.eq_ignore_ascii_case("c:"));
    let rest = rest.map(|_| &path[2..]).with_context(|| format!("{path} is not on drive C:"))?;
    let parts: Vec<&str> = rest.split(['\\', '/']).filter(|part| !part.is_empty()).collect();
    let plain = |part: &&str| !matches!(*part, "." | "..") && !part.contains([':', '\0']);
    if parts.iter().all(plain) { Ok(parts) } else { bail!("{path} is not a plain path") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(folder: &Path, layer: &[&str]) -> NewDrive {
        let (upper, lower) = (folder.join("upper"), folder.join("layer"));
        fs::create_dir_all(&upper).unwrap();
        for path in layer {
            fs::create_dir_all(lower.join(path)).unwrap();
        }
        NewDrive { upper, lowers: vec![lower] }
    }

    #[test]
    fn links_are_relative_and_follow_the_layers_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let drive = drive(folder.path(), &["programdata/docker"]);
        let link = spec::secrets::Kind::Secret.link("id1", "db");
        drive.link(&link.path, &link.points_to).unwrap();
        let made = fs::read_link(drive.upper.join("programdata/docker/secrets/db")).unwrap();
        assert_eq!(made, Path::new("../../../ProgramData/Docker/internal/secrets/id1"));
    }

    #[test]
    fn a_link_stays_on_the_drive() {
        for path in [r"D:\x", r"C:\..\x", r"\x", r"C:\a:b", "x"] {
            assert!(components(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_folder_is_made_where_there_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let drive = drive(folder.path(), &["windows/system32"]);
        symlink("/etc", folder.path().join("layer/link")).unwrap();
        for path in [r"C:\Windows\System32", r"C:\link\x", r"D:\x", "", "C:\\"] {
            drive.ensure_folder(path).unwrap();
        }
        assert_eq!(fs::read_dir(&drive.upper).unwrap().count(), 0, "nothing was missing");
        drive.ensure_folder(r"C:\Windows\Work\here").unwrap();
        assert!(drive.upper.join("windows/Work/here").is_dir());
    }
}
