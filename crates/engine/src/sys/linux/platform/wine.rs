//! Finding the installed Wine: its programs, its modules, its data.
//!
//! Programs are the loader and the server themselves, never a distribution's shell wrappers around
//! them. The shapes known are those of Debian, Ubuntu, Fedora and `WineHQ`.

use std::io;
use std::path::{Path, PathBuf};

/// An installed Wine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wine {
    /// Starts a 64-bit Windows program.
    pub(super) loader: PathBuf,
    /// Its server.
    pub(super) server: PathBuf,
    /// Windows modules: `x86_64-windows`.
    pub(super) windows: PathBuf,
    /// Their Linux halves: `x86_64-unix`.
    pub(super) unix: PathBuf,
    /// `share/wine`: code pages, `wine.inf`.
    pub(super) data: PathBuf,
}

const LOADERS: &[&str] = &[
    "/usr/lib/wine/wine64",
    "/usr/lib/x86_64-linux-gnu/wine/wine64",
    "/opt/wine-stable/bin/wine64",
    "/opt/wine-staging/bin/wine64",
    "/opt/wine-devel/bin/wine64",
    "/opt/wine-stable/bin/wine",
    "/opt/wine-staging/bin/wine",
    "/opt/wine-devel/bin/wine",
    "/usr/bin/wine64",
    "/usr/bin/wine",
];
const SERVERS: &[&str] = &["wineserver64", "wineserver"];
const MODULES: &[&str] = &["lib/x86_64-linux-gnu/wine", "lib64/wine", "lib/wine"];

impl Wine {
    /// The first one that is complete.
    pub(super) fn find() -> io::Result<Self> {
        LOADERS.iter().find_map(|loader| Self::around(Path::new(loader))).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "no 64-bit Wine is installed: `apt-get install wine64` (looked for \
                 /usr/lib/wine/wine64, /opt/wine-*/bin/wine64, /usr/bin/wine64)",
            )
        })
    }

    /// The Wine that `loader` belongs to, if all of it is there.
    fn around(loader: &Path) -> Option<Self> {
        if !is_elf(loader) {
            return None;
        }
        let bin = loader.parent()?;
        let server = SERVERS.iter().map(|name| bin.join(name)).find(|path| is_elf(path))?;
        let prefix = bin.ancestors().skip(1).find(|dir| dir.join("share/wine").is_dir())?;
        let modules = MODULES
            .iter()
            .map(|directory| prefix.join(directory))
            .find(|directory| directory.join("x86_64-unix/ntdll.so").is_file())?;
        Some(Self {
            loader: loader.to_owned(),
            server,
            windows: modules.join("x86_64-windows"),
            unix: modules.join("x86_64-unix"),
            data: prefix.join("share/wine"),
        })
    }

    /// `wine-8.0 (Debian 8.0~repack-4)`.
    pub(super) fn version(&self) -> io::Result<String> {
        let output = std::process::Command::new(&self.loader).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// A program and not a script; links are followed, as the kernel does.
fn is_elf(path: &Path) -> bool {
    use std::io::Read as _;
    let mut magic = [0; 4];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic == *b"\x7fELF"
}
