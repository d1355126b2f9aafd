//! A chain's registry: the platform's, with the delta hives of the image's layers laid over it.
//!
//! The full hives of a Microsoft base layer are left out, as are its files: the platform is the
//! Windows that runs here. Windows stores the current control set under `ControlSet001`; Wine
//! stores it under its other name, `CurrentControlSet`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use engine::storage::{MADE_FROM, chain_registry, registry_of};

use super::wine::{self, File};
use super::{Key, fold, merge, regf};

/// A hive of a layer, and where its keys are in Wine's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// What it is called in a layer, in any case.
    pub name: &'static str,
    /// Wine's file.
    pub file: &'static str,
    /// The key in it that is the hive's root.
    pub root: &'static str,
}

impl Delta {
    const fn new(name: &'static str, file: &'static str, root: &'static str) -> Self {
        Self { name, file, root }
    }
}

/// The hives that a layer may change.
pub const HIVES: [Delta; 6] = [
    Delta::new("Software_Delta", "system.reg", "Software"),
    Delta::new("System_Delta", "system.reg", "System"),
    Delta::new("Sam_Delta", "system.reg", "SAM"),
    Delta::new("Security_Delta", "system.reg", "Security"),
    Delta::new("DefaultUser_Delta", "userdef.reg", ""),
    // The account's own keys: on Windows they are a file of its profile, here a hive of Transom's.
    Delta::new("User_Delta", "user.reg", ""),
];
/// Wine's registry files.
pub const FILES: [&str; 3] = ["system.reg", "userdef.reg", "user.reg"];
/// A hive larger than this is a mistake; Windows' container hives have a few megabytes.
const MAX_HIVE: u64 = 512 << 20;

/// Why a chain's registry cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A layer's hive is broken.
    #[error("{path}")]
    Hive {
        /// Which.
        path: PathBuf,
        /// Where, and what is broken.
        #[source]
        source: regf::BadHive,
    },
    /// The platform's registry is broken.
    #[error("{path}")]
    Platform {
        /// Which file.
        path: PathBuf,
        /// Where, and what is broken.
        #[source]
        source: wine::BadFile,
    },
}

/// Makes `registry/` in the top layer's folder, if a layer of the chain changes the registry.
///
/// `layers` are the chain's folders, the nearest parent first; `platform` is the folder of the
/// platform's registry files and `key` names it. What was made from the same platform before
/// stays.
pub fn compose(layers: &[PathBuf], platform: &Path, key: &str) -> Result<(), Error> {
    let (Some(top), Some(target)) = (layers.first(), chain_registry(layers)) else { return Ok(()) };
    let deltas = deltas(layers)?;
    let made_from = fs::read_to_string(target.join(MADE_FROM)).unwrap_or_default();
    if deltas.is_empty() || made_from == key {
        return Ok(());
    }
    let folder = tempfile::Builder::new()
        .prefix(".registry")
        .tempdir_in(top)
        .map_err(|e| io_error(top, e))?;
    for name in FILES {
        write_file(&platform.join(name), &folder.path().join(name), name, &deltas)?;
    }
    let marker = folder.path().join(MADE_FROM);
    fs::write(&marker, key).map_err(|e| io_error(&marker, e))?;
    match fs::remove_dir_all(&target) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io_error(&target, e)),
        _ => {}
    }
    let folder = folder.keep();
    match fs::rename(&folder, &target) {
        // Somebody else made the same at the same time.
        Err(_) if target.join(MADE_FROM).exists() => {
            fs::remove_dir_all(&folder).map_err(|e| io_error(&folder, e))
        }
        other => other.map_err(|e| io_error(&target, e)),
    }
}

/// The folder of the registry that a container on these layers begins with: what [`compose`] made
/// from this platform, or the platform's own.
pub fn registry(layers: &[PathBuf], platform: &Path, key: &str) -> PathBuf {
    registry_of(layers, key).unwrap_or_else(|| platform.to_owned())
}

/// The delta hives of a chain, the lowest layer's first.
fn deltas(layers: &[PathBuf]) -> Result<Vec<(&'static Delta, PathBuf)>, Error> {
    let mut found = Vec::new();
    for layer in layers.iter().rev() {
        let folder = layer.join("hives");
        let entries = match fs::read_dir(&folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(|e| io_error(&folder, e))?,
        };
        for entry in entries {
            let entry = entry.map_err(|e| io_error(&folder, e))?;
            let name = fold(&entry.file_name().to_string_lossy());
            let Some(hive) = HIVES.iter().find(|known| fold(known.name) == name) else { continue };
            let size = entry.metadata().map_err(|e| io_error(&entry.path(), e))?.len();
            if size > MAX_HIVE {
                return Err(io_error(&entry.path(), io::Error::other("the hive is too large")));
            }
            // An image without registry changes carries empty files.
            if size > 0 {
                found.push((hive, entry.path()));
            }
        }
    }
    Ok(found)
}

fn write_file(
    from: &Path,
    to: &Path,
    name: &str,
    deltas: &[(&Delta, PathBuf)],
) -> Result<(), Error> {
    let text = fs::read_to_string(from).map_err(|e| io_error(from, e))?;
    let mine = deltas.iter().filter(|(hive, _)| hive.file == name);
    let mut parsed: Option<File> = None;
    for (hive, path) in mine {
        let bytes = fs::read(path).map_err(|e| io_error(path, e))?;
        let mut delta =
            regf::read(&bytes).map_err(|source| Error::Hive { path: path.clone(), source })?;
        if hive.root == "System" {
            current_control_set(&mut delta);
        }
        let file = match &mut parsed {
            Some(file) => file,
            None => parsed.insert(
                wine::read(&text)
                    .map_err(|source| Error::Platform { path: from.to_owned(), source })?,
            ),
        };
        merge::merge(file.keys.at(hive.root), &delta);
    }
    let text = parsed.map_or(text, |file| wine::write(&file));
    fs::write(to, text).map_err(|e| io_error(to, e))
}

fn current_control_set(system: &mut Key) {
    if let Some(mut set) = system.keys.remove("CONTROLSET001") {
        set.name = "CurrentControlSet".into();
        system.keys.insert(fold(&set.name), set);
    }
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;

    fn sz(name: &str, text: &str) -> Value {
        let data = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        Value { name: name.into(), kind: 1, data, tombstone: false }
    }

    #[test]
    fn the_layers_changes_are_in_wines_files_and_the_upper_one_wins() {
        let dir = tempfile::tempdir().unwrap();
        let (platform, lower, upper) =
            (dir.path().join("p"), dir.path().join("l"), dir.path().join("u"));
        fs::create_dir_all(&platform).unwrap();
        for name in FILES {
            let text = format!(
                "WINE REGISTRY Version 2\n;; All keys relative to X\n\n\
                                #arch=win64\n\n[Software\\\\Wine] 0\n\"From\"=\"{name}\"\n"
            );
            fs::write(platform.join(name), text).unwrap();
        }
        for (layer, text) in [(&lower, "lower"), (&upper, "upper")] {
            let mut software = Key::new("");
            software.at("App").set(sz("By", text));
            let mut system = Key::new("");
            system.at("ControlSet001\\Services\\S").set(sz("By", text));
            fs::create_dir_all(layer.join("hives")).unwrap();
            fs::write(layer.join("hives/Software_Delta"), regf::write(&software)).unwrap();
            fs::write(layer.join("hives/System_Delta"), regf::write(&system)).unwrap();
            fs::write(layer.join("hives/Sam_Delta"), b"").unwrap();
        }
        compose(&[upper.clone(), lower.clone()], &platform, "k1").unwrap();
        let text = fs::read_to_string(upper.join("registry/system.reg")).unwrap();
        let keys = wine::read(&text).unwrap().keys;
        assert_eq!(keys.find("Software\\App").unwrap().values["BY"], sz("By", "upper"));
        assert!(keys.find("System\\CurrentControlSet\\Services\\S").is_some());
        assert!(keys.find("Software\\Wine").is_some());
        assert!(!lower.join("registry").exists());

        // Another platform, and the files are made again.
        compose(&[upper.clone(), lower], &platform, "k2").unwrap();
        assert_eq!(fs::read_to_string(upper.join("registry/platform")).unwrap(), "k2");
        let left: Vec<_> = fs::read_dir(&upper).unwrap().collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }

    #[test]
    fn a_chain_without_changes_gets_no_registry_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        compose(&[dir.path().to_owned()], dir.path(), "k").unwrap();
        assert!(!dir.path().join("registry").exists());
    }
}
