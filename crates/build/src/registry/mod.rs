//! What a step changed of the registry, as the delta hives of a Windows layer.
//!
//! Wine keeps the registry in text files; the layer carries what is different in them as `regf`
//! hives, removed keys and values as tombstones. Left out is what Wine writes for itself at every
//! start. The account's own keys have no hive among Windows' five: they go as `User_Delta`, which
//! only Transom reads.

mod delta;
mod text;

use std::io;
use std::path::{Path, PathBuf};

use image::HiveFile;
use image::hive::chain::{Delta, FILES, HIVES};
use image::hive::{Key, regf, wine};

use delta::{as_stored, date, difference, filetime, take};

/// Keys that are Wine's own business, below their hive.
const INTERNAL: [(&str, &str); 9] = [
    ("Software_Delta", "Wine"),
    ("Software_Delta", r"Microsoft\Windows NT\CurrentVersion\Fonts"),
    ("Software_Delta", r"Microsoft\Windows\CurrentVersion\Fonts"),
    ("Software_Delta", r"Microsoft\Windows NT\CurrentVersion\ProfileList"),
    ("System_Delta", r"CurrentControlSet\Control\ComputerName"),
    ("System_Delta", r"CurrentControlSet\Control\TimeZoneInformation"),
    ("System_Delta", r"CurrentControlSet\Services\Tcpip\Parameters"),
    ("User_Delta", "Volatile Environment"),
    ("User_Delta", r"Software\Wine"),
];

const SYSTEM: &str = "System";
/// Set anew whenever a container starts: a value below `System`'s `Control`.
const SET_AT_START: &str = "WAITTOKILLSERVICETIMEOUT";

/// Why the changes cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file could not be read.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is broken.
    #[error("{path}")]
    Broken {
        /// Which.
        path: PathBuf,
        /// Where, and what is broken.
        #[source]
        source: wine::BadFile,
    },
}

/// The hives that make of the registry in `before` that in `after`, both folders of Wine's files. No
/// key is newer than `epoch`, in seconds since 1970.
pub fn changes(
    before: &Path,
    after: &Path,
    epoch: Option<i64>,
) -> Result<Vec<HiveFile>, RegistryError> {
    let mut hives = Vec::new();
    for file in FILES {
        let (old, new) = (read(&before.join(file))?, read(&after.join(file))?);
        if old == new {
            continue;
        }
        let (old, new) = text::only_different(&old, &new);
        let (old, new) = (parse(&before.join(file), &old)?, parse(&after.join(file), &new)?);
        let mine = HIVES.iter().filter(|hive| hive.file == file);
        let changed = mine.filter_map(|hive| change(hive, &old, &new, epoch));
        hives.extend(changed);
    }
    Ok(hives)
}

/// What became another in the part of a file that is one hive.
fn change(hive: &Delta, old: &Key, new: &Key, epoch: Option<i64>) -> Option<HiveFile> {
    let part = |all: &Key| {
        let mut part = all.find(hive.root).cloned().unwrap_or_else(|| Key::new(""));
        for (_, path) in INTERNAL.iter().filter(|(of, _)| *of == hive.name) {
            take(&mut part, path);
        }
        if hive.root == SYSTEM {
            part.at(r"CurrentControlSet\Control").values.remove(SET_AT_START);
        }
        part
    };
    let mut delta = difference(&part(old), &part(new))?;
    if hive.root == SYSTEM {
        as_stored(&mut delta);
    }
    delta.name.clear();
    if let Some(epoch) = epoch {
        date(&mut delta, filetime(epoch));
    }
    Some(HiveFile { name: hive.name.to_owned(), data: regf::write(&delta) })
}

fn read(path: &Path) -> Result<String, RegistryError> {
    text::read(path).map_err(|source| RegistryError::Io { path: path.to_owned(), source })
}

fn parse(path: &Path, text: &str) -> Result<Key, RegistryError> {
    let broken = |source| RegistryError::Broken { path: path.to_owned(), source };
    Ok(wine::read(text).map_err(broken)?.keys)
}

#[cfg(test)]
mod tests {
    use image::hive::{Layering, Value};

    use super::*;

    fn file(folder: &Path, name: &str, keys: Key) {
        let root = r"REGISTRY\Machine".to_owned();
        let file = wine::File { root, arch: "win64".to_owned(), keys };
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), wine::write(&file)).unwrap();
    }

    fn dword(name: &str, number: u8) -> Value {
        Value { name: name.into(), kind: 4, data: vec![number, 0, 0, 0], tombstone: false }
    }

    #[test]
    fn what_was_added_changed_and_removed_is_in_the_hives_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let (before, after) = (dir.path().join("b"), dir.path().join("a"));
        let mut old = Key::new("");
        old.at(r"Software\App").set(dword("Kept", 1));
        old.at(r"Software\App").set(dword("Gone", 1));
        old.at(r"Software\Old\Deep").set(dword("x", 1));
        old.at(r"Software\Wine").set(dword("Own", 1));
        let mut new = Key::new("");
        new.at(r"Software\App").set(dword("Kept", 1));
        new.at(r"Software\App\New");
        new.at(r"Software\Wine").set(dword("Own", 2));
        new.at(r"System\CurrentControlSet\Services\S").set(dword("Start", 2));
        for (folder, keys) in [(&before, old.clone()), (&after, new.clone())] {
            file(folder, "system.reg", keys);
            file(folder, "user.reg", Key::new(""));
            file(folder, "userdef.reg", Key::new(""));
        }
        let hives = changes(&before, &after, None).unwrap();
        let names: Vec<_> = hives.iter().map(|hive| hive.name.as_str()).collect();
        assert_eq!(names, ["Software_Delta", "System_Delta"]);
        let software = regf::read(&hives[0].data).unwrap();
        assert!(software.find("Wine").is_none());
        assert!(software.find("App").unwrap().values["GONE"].tombstone);
        assert!(!software.find("App").unwrap().values.contains_key("KEPT"));
        assert_eq!(software.find("Old").unwrap().layering, Layering::Tombstone);
        let system = regf::read(&hives[1].data).unwrap();
        assert!(system.find(r"ControlSet001\Services\S").is_some());

        let mut merged = old.find("Software").unwrap().clone();
        image::hive::merge::merge(&mut merged, &software);
        assert_eq!(merged.find("App"), new.find(r"Software\App"));
        assert!(merged.find(r"App\New").is_some() && merged.find("Old").is_none());
    }

    #[test]
    fn what_is_below_a_key_that_did_not_change_is_found_and_the_key_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (before, after) = (dir.path().join("b"), dir.path().join("a"));
        let mut old = Key::new("");
        for number in 0..50 {
            old.at(&format!(r"Software\Many\K{number}")).set(dword("x", number));
        }
        old.at(r"Software\Same\Mid\Gone").set(dword("x", 1));
        old.at(r"Software\Same\Mid").set(dword("y", 1));
        let mut new = old.clone();
        take(&mut new, r"Software\Same\Mid\Gone");
        new.at(r"Software\Many\K7").set(dword("x", 77));
        for (folder, keys) in [(&before, old), (&after, new)] {
            file(folder, "system.reg", keys);
            file(folder, "user.reg", Key::new(""));
            file(folder, "userdef.reg", Key::new(""));
        }
        let hives = changes(&before, &after, None).unwrap();
        assert_eq!(hives.len(), 1);
        let software = regf::read(&hives[0].data).unwrap();
        let mid = software.find(r"Same\Mid").unwrap();
        assert!(mid.layering != Layering::Tombstone && mid.values.is_empty());
        assert_eq!(mid.keys["GONE"].layering, Layering::Tombstone);
        assert_eq!(software.find("Many").unwrap().keys.len(), 1);
    }

    #[test]
    fn nothing_changed_is_no_hive() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["system.reg", "user.reg", "userdef.reg"] {
            file(dir.path(), name, Key::new(""));
        }
        assert!(changes(dir.path(), dir.path(), None).unwrap().is_empty());
    }
}
