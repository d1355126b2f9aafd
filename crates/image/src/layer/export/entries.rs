//! From what was found in a scratch to the entries of a layer archive.

use engine::os::fd::{AsFd, OwnedFd};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::path::PathBuf;

use engine::os::fs::Stat;

use super::kept::{self, Kept};
use super::upper::{Found, Scratch, What, attribute, name as archive_name, refused};
use super::writer::{Entry, Writer, format_time};
use super::{DESCRIPTOR_ATTRIBUTE, HiveFile, OWNER_ATTRIBUTE, security};
use crate::error::{IoContext, Result};
use crate::layer::tarball::Time;
use crate::layer::{beneath, fold, names, target};

const READONLY: u32 = 0x1;
const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;
const REPARSE_POINT: u32 = 0x400;
const HIDDEN_OR_SYSTEM: u32 = 0x6;

impl Scratch {
    fn modified(&self, stat: &Stat) -> Time {
        // Windows counts in steps of 100 ns.
        let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or(0) / 100 * 100;
        match self.epoch {
            Some(epoch) if stat.st_mtime >= epoch => Time { seconds: epoch, nanos: 0 },
            _ => Time { seconds: stat.st_mtime, nanos },
        }
    }

    /// Writes the layer archive.
    pub(super) fn write(&self, out: &mut dyn Write) -> Result<()> {
        let root = beneath::open_root(&self.upper).at("open", &self.upper)?;
        let found = self.walk(&root)?;
        let wanted: HashSet<String> =
            found.iter().map(|f| fold::key(&archive_name(f.below()))).collect();
        let folders = self.folders();
        let roots = folders.iter().map(|folder| beneath::open_root(folder).at("open", folder));
        let mut export = Export {
            scratch: self,
            roots: roots.collect::<Result<_>>()?,
            kept: kept::read(&self.below.parents, &wanted)?,
            seen: HashMap::new(),
            writer: Writer::new(out),
        };
        for found in &found {
            export.add(found)?;
        }
        export.hives()?;
        export.writer.finish().at("write the layer of", &self.upper)
    }
}

struct Export<'a, W: Write> {
    scratch: &'a Scratch,
    /// The scratch and what it lies on, the newest first.
    roots: Vec<OwnedFd>,
    kept: HashMap<String, Kept>,
    /// Files with several names, by device and number: the first name.
    seen: HashMap<(u64, u64), String>,
    writer: Writer<W>,
}

impl<W: Write> Export<'_, W> {
    fn add(&mut self, found: &Found) -> Result<()> {
        let at = self.scratch.upper.join(&found.path);
        let name = archive_name(&found.path);
        let kept = self.kept.get(&fold::key(&archive_name(found.below())));
        let kept = kept.cloned().unwrap_or_default();
        let mtime = self.scratch.modified(&found.stat);
        match &found.what {
            What::Folder => {
                let root = &self.roots[found.lies.folder];
                let dir = beneath::open_dir(root, &found.lies.path).at("open", &at)?;
                let attributes = DIRECTORY | dos_attributes(&dir).at("look at", &at)?;
                let mut records = records(&kept, attributes, mtime, security::folder);
                give_to_owner(&mut records, &dir, true).at("look at", &at)?;
                let entry = Entry { name: &name, kind: b'5', mtime, records, ..Entry::default() };
                self.writer.entry(entry, 0, io::empty()).at("add", &at)?;
            }
            What::Removed => {
                let (dir, base) =
                    name.rsplit_once('/').expect("the drive itself cannot be removed");
                let name = format!("{dir}/.wh.{base}");
                let entry = Entry { name: &name, kind: b'0', ..Entry::default() };
                // Its streams are gone with it.
                return self.writer.entry(entry, 0, io::empty()).at("add", &at);
            }
            What::Link(target) => {
                let link = windows_target(&kept, found, target)?;
                let attributes = REPARSE_POINT | recorded(&kept) & DIRECTORY;
                let records = records(&kept, attributes, mtime, security::file);
                let entry = Entry { name: &name, kind: b'2', link: &link, mtime, records };
                self.writer.entry(entry, 0, io::empty()).at("add", &at)?;
            }
            What::File => self.file(found, &name, &kept)?,
        }
        for (stream, data) in kept.streams() {
            let name = format!("{name}:{stream}");
            let entry = Entry { name: &name, kind: b'0', mtime, ..Entry::default() };
            self.writer.entry(entry, data.len() as u64, data.as_slice()).at("add", &at)?;
        }
        Ok(())
    }

    fn file(&mut self, found: &Found, name: &str, kept: &Kept) -> Result<()> {
        let at = self.scratch.upper.join(&found.path);
        let mtime = self.scratch.modified(&found.stat);
        let root = &self.roots[found.lies.folder];
        let file = beneath::open_file(root, &found.lies.path).at("open", &at)?;
        if attribute(&file, "trusted.overlay.metacopy").at("look at", &at)?.is_some() {
            return Err(refused(&found.path, "its data is still in a lower layer"));
        }
        let id = (found.stat.st_dev, found.stat.st_ino);
        let first = self.seen.get(&id).filter(|_| found.stat.st_nlink > 1).cloned();
        let readonly = if found.stat.st_mode & 0o200 == 0 { READONLY } else { 0 };
        let attributes = ARCHIVE | readonly | dos_attributes(&file).at("look at", &at)?;
        let mut records = records(kept, attributes, mtime, security::file);
        give_to_owner(&mut records, &file, false).at("look at", &at)?;
        if let Some(first) = first {
            let entry = Entry { name, kind: b'1', link: &first, mtime, records };
            return self.writer.entry(entry, 0, io::empty()).at("add", &at);
        }
        self.seen.insert(id, name.to_owned());
        let size = u64::try_from(found.stat.st_size).unwrap_or(0);
        let entry = Entry { name, kind: b'0', mtime, records, ..Entry::default() };
        self.writer.entry(entry, size, file).at("add", &at)
    }

    fn hives(&mut self) -> Result<()> {
        let folder = PathBuf::from("Hives");
        let mut add = |name: &str, kind, data: &[u8]| {
            let attributes = if kind == b'5' { DIRECTORY } else { ARCHIVE };
            let records =
                BTreeMap::from([("MSWINDOWS.fileattr".to_owned(), attributes.to_string())]);
            let entry = Entry { name, kind, records, ..Entry::default() };
            self.writer.entry(entry, data.len() as u64, data).at("add", &folder)
        };
        add("Hives", b'5', &[])?;
        for HiveFile { name, data } in &self.scratch.hives {
            names::check(name).map_err(|rule| refused(name, rule))?;
            add(&format!("Hives/{name}"), b'0', data)?;
        }
        Ok(())
    }
}

/// Attributes, descriptor and times; what a parent said counts where nothing else is known.
fn records(
    kept: &Kept,
    attributes: u32,
    mtime: Time,
    descriptor: fn() -> String,
) -> BTreeMap<String, String> {
    let mut records: BTreeMap<String, String> =
        kept.lasting().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    records.insert("MSWINDOWS.fileattr".to_owned(), attributes.to_string());
    if !records.contains_key("MSWINDOWS.sd") {
        records.entry("MSWINDOWS.rawsd".to_owned()).or_insert_with(descriptor);
    }
    records.entry("LIBARCHIVE.creationtime".to_owned()).or_insert_with(|| format_time(mtime));
    records
}

/// An owner, or a descriptor, that whoever filled the scratch named counts more than what a parent
/// said.
fn give_to_owner(
    records: &mut BTreeMap<String, String>,
    file: impl AsFd + Copy,
    is_folder: bool,
) -> io::Result<()> {
    let owner = attribute(file, OWNER_ATTRIBUTE)?.unwrap_or_default();
    let made = security::owned(&String::from_utf8_lossy(&owner), is_folder);
    let given = attribute(file, DESCRIPTOR_ATTRIBUTE)?.filter(|text| !text.is_empty());
    let given = given.and_then(|text| String::from_utf8(text).ok());
    if let Some(descriptor) = made.or(given) {
        records.remove("MSWINDOWS.sd");
        records.insert("MSWINDOWS.rawsd".to_owned(), descriptor);
    }
    Ok(())
}

fn recorded(kept: &Kept) -> u32 {
    kept.record("MSWINDOWS.fileattr").and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A link that came with a layer keeps its words; one that was made here is relative.
fn windows_target(kept: &Kept, found: &Found, target: &str) -> Result<String> {
    if !kept.link.is_empty() && found.below() == found.path {
        return Ok(kept.link.clone());
    }
    if kept.link.is_empty() && target.starts_with('/') {
        let rule = format!("its target `{target}` is no path of Windows");
        return Err(refused(&found.path, rule));
    }
    let link = if kept.link.is_empty() { target.replace('/', "\\") } else { kept.link.clone() };
    // Whoever unpacks the layer would refuse it; better to hear so now.
    let dir: Vec<String> = found.path.split('/').map(str::to_owned).collect();
    target::resolve(&dir[..dir.len() - 1], &link).map_err(|rule| refused(&found.path, rule))?;
    Ok(link)
}

/// What Wine keeps of a file's attributes.
fn dos_attributes(file: impl AsFd) -> io::Result<u32> {
    let text = attribute(file, "user.DOSATTRIB")?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let bits = u32::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(0);
    Ok(bits & HIDDEN_OR_SYSTEM)
}
