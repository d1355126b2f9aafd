//! What a step changed of the registry, as the delta hives of a Windows layer.
//!
//! Wine keeps the registry in text files; the layer carries what is different in them as `regf`
//! hives, removed keys and values as tombstones. Left out is what Wine writes for itself at every
//! start. The account's own keys have no hive among Windows' five: they go as `User_Delta`, which
//! only Transom reads.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use image::HiveFile;
use image::hive::{Key, Layering, Value, fold, regf, wine};

/// Wine's file, the key in it, and the hive that it becomes.
const HIVES: [(&str, &str, &str); 6] = [
    ("system.reg", "Software", "Software_Delta"),
    ("system.reg", "System", "System_Delta"),
    ("system.reg", "SAM", "Sam_Delta"),
    ("system.reg", "Security", "Security_Delta"),
    ("userdef.reg", "", "DefaultUser_Delta"),
    ("user.reg", "", "User_Delta"),
];

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
    for file in ["system.reg", "userdef.reg", "user.reg"] {
        let (old, new) = (text(&before.join(file))?, text(&after.join(file))?);
        if old == new {
            continue;
        }
        let (old, new) = only_different(&old, &new);
        let (old, new) = (parse(&before.join(file), &old)?, parse(&after.join(file), &new)?);
        for (_, root, name) in HIVES.iter().filter(|(of, ..)| *of == file) {
            let none = Key::new("");
            let (old, new) = (old.find(root).unwrap_or(&none), new.find(root).unwrap_or(&none));
            let (mut old, mut new) = (old.clone(), new.clone());
            for (_, path) in INTERNAL.iter().filter(|(hive, _)| hive == name) {
                take(&mut old, path);
                take(&mut new, path);
            }
            for hive in [&mut old, &mut new].into_iter().filter(|_| *root == "System") {
                hive.at(r"CurrentControlSet\Control").values.remove(SET_AT_START);
            }
            let Some(mut delta) = difference(&old, &new) else { continue };
            if *name == "System_Delta" {
                as_stored(&mut delta);
            }
            delta.name.clear();
            if let Some(epoch) = epoch {
                date(&mut delta, filetime(epoch));
            }
            hives.push(HiveFile { name: (*name).to_owned(), data: regf::write(&delta) });
        }
    }
    Ok(hives)
}

/// The keys that are not word for word the same, with those above them: a registry has tens of
/// thousands, of which a step changes a few.
fn only_different(old: &str, new: &str) -> (String, String) {
    let (old, new) = (blocks(old), blocks(new));
    let mut wanted: HashSet<&str> = HashSet::new();
    let both = [(&old, &new), (&new, &old)];
    for (one, other) in both {
        let there: HashMap<&str, &str> = other.1.iter().copied().collect();
        for (path, block) in &one.1 {
            if there.get(path) != Some(block) {
                let ends = path.match_indices('\\').map(|(at, _)| &path[..at]);
                wanted.extend(ends.chain([*path]));
            }
        }
    }
    let kept = |(head, blocks): &Blocks<'_>| {
        let blocks = blocks.iter().filter(|(path, _)| wanted.contains(path));
        let texts = blocks.map(|(_, block)| *block);
        std::iter::once(*head).chain(texts).collect::<String>()
    };
    (kept(&old), kept(&new))
}

/// What stands before the first key, and the text of each key by its path.
type Blocks<'a> = (&'a str, Vec<(&'a str, &'a str)>);

fn blocks(text: &str) -> Blocks<'_> {
    let mut starts: Vec<usize> = text.match_indices("\n[").map(|(at, _)| at + 1).collect();
    let head = &text[..starts.first().copied().unwrap_or(text.len())];
    starts.push(text.len());
    let block = |ends: &[usize]| {
        let block = &text[ends[0]..ends[1]];
        let line = block.lines().next().unwrap_or_default();
        let end = line.rfind(']').unwrap_or(line.len());
        (line.get(1..end).unwrap_or_default(), block)
    };
    (head, starts.windows(2).map(block).collect())
}

fn text(path: &Path) -> Result<String, RegistryError> {
    let io = |source| RegistryError::Io { path: path.to_owned(), source };
    std::fs::read_to_string(path).map_err(io)
}

fn parse(path: &Path, text: &str) -> Result<Key, RegistryError> {
    let broken = |source| RegistryError::Broken { path: path.to_owned(), source };
    Ok(wine::read(text).map_err(broken)?.keys)
}

/// Removes a key with all that is below.
fn take(key: &mut Key, path: &str) {
    match path.split_once('\\') {
        None => drop(key.keys.remove(&fold(path))),
        Some((first, rest)) => {
            if let Some(below) = key.keys.get_mut(&fold(first)) {
                take(below, rest);
            }
        }
    }
}

/// The delta that makes `new` of `old`; `None` when they are the same but for their times.
fn difference(old: &Key, new: &Key) -> Option<Key> {
    let mut delta = Key { modified: new.modified, ..Key::new(&new.name) };
    let mut differs = new.link != old.link || new.class != old.class;
    delta.link = new.link;
    delta.class.clone_from(&new.class);
    for (name, value) in &new.values {
        if old.values.get(name) != Some(value) {
            delta.values.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in old.values.iter().filter(|(name, _)| !new.values.contains_key(*name)) {
        let gone = Value { name: value.name.clone(), tombstone: true, ..Value::default() };
        delta.values.insert(name.clone(), gone);
    }
    let none = Key::new("");
    for (name, below) in &new.keys {
        let before = old.keys.get(name);
        let change = difference(before.unwrap_or(&none), below);
        let added = || before.is_none().then(|| Key { keys: [].into(), ..below.clone() });
        if let Some(change) = change.or_else(added) {
            delta.keys.insert(name.clone(), change);
        }
    }
    for (name, below) in old.keys.iter().filter(|(name, _)| !new.keys.contains_key(*name)) {
        let gone = Key { layering: Layering::Tombstone, ..Key::new(&below.name) };
        delta.keys.insert(name.clone(), gone);
    }
    differs |= !delta.values.is_empty() || !delta.keys.is_empty();
    differs.then_some(delta)
}

/// Windows counts steps of 100 ns since 1601.
fn filetime(epoch: i64) -> u64 {
    u64::try_from(epoch.saturating_add(11_644_473_600)).unwrap_or(0).saturating_mul(10_000_000)
}

/// Makes no key newer than that.
fn date(key: &mut Key, latest: u64) {
    key.modified = key.modified.min(latest);
    key.keys.values_mut().for_each(|below| date(below, latest));
}

/// Windows stores the current control set under its first number.
fn as_stored(system: &mut Key) {
    if let Some(mut set) = system.keys.remove("CURRENTCONTROLSET") {
        "ControlSet001".clone_into(&mut set.name);
        system.keys.insert(fold(&set.name), set);
    }
}

#[cfg(test)]
mod tests {
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
