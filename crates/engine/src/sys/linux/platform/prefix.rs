//! A fresh Wine prefix, filled by Wine's own boot program on the host.
//!
//! The one place where Wine runs outside a silo: only Wine's own programs run, on nobody's input.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::nursery::Nursery;
use super::wine::Wine;
use super::{doing, fonts};

/// What a boot need not start: menus, a desktop, and two large packages that it offers to fetch.
const OVERRIDES: &str = "winemenubuilder.exe,explorer.exe,mshtml,mscoree=";
/// Where Debian's Wine puts the folder of its server's socket, which it never takes away.
const TEMPORARY: &str = "tmp";
/// Wine names the profile after its user.
const USER: &str = "ContainerAdministrator";
/// What fontconfig is told.
const FONTS: &str = "fonts.conf";

/// A prefix with a Wine server that may still run.
#[derive(Debug)]
pub(super) struct Prefix<'a> {
    wine: &'a Wine,
    path: PathBuf,
    nursery: Nursery,
}

impl<'a> Prefix<'a> {
    /// Makes and fills one, on a thread that is for this alone.
    pub(super) fn boot(wine: &'a Wine, path: &Path) -> io::Result<Self> {
        // Made by hand, or Wine would add a `Z:` that is the host's root.
        std::fs::create_dir_all(path.join("dosdevices"))?;
        std::fs::create_dir_all(path.join("drive_c"))?;
        std::fs::create_dir_all(path.join(TEMPORARY))?;
        std::os::unix::fs::symlink("../drive_c", path.join("dosdevices/c:"))?;
        let cache = path.join(TEMPORARY);
        let told = fonts::configuration(fonts::of(wine).as_deref(), &cache.to_string_lossy());
        std::fs::write(path.join(FONTS), told)?;
        let nursery = Nursery::enter().map_err(|error| doing("watching over", path, &error))?;
        let prefix = Self { wine, path: path.to_owned(), nursery };
        prefix.run(&["wineboot.exe", "--init"])?;
        for part in ["drive_c/windows/system32/ntdll.dll", "drive_c/windows/system32/cmd.exe"] {
            if !path.join(part).is_file() {
                let error = io::Error::other(format!("wineboot left no {part}"));
                return Err(doing("booting the prefix", path, &error));
            }
        }
        Ok(prefix)
    }

    /// Imports registry text.
    pub(super) fn import(&self, text: &str) -> io::Result<()> {
        let name = "platform.reg";
        std::fs::write(self.drive_c().join(name), text)?;
        self.run(&["regedit.exe", "/S", r"C:\platform.reg"])?;
        std::fs::remove_file(self.drive_c().join(name))
    }

    /// Waits until Wine has ended and written everything.
    pub(super) fn settle(&self) -> io::Result<()> {
        self.finished(self.command(&self.wine.server).arg("--kill=15"), &[0, 1])?;
        self.finished(self.command(&self.wine.server).arg("--wait"), &[0])
    }

    /// Its `C:`.
    pub(super) fn drive_c(&self) -> PathBuf {
        self.path.join("drive_c")
    }

    /// A registry file.
    pub(super) fn registry(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes what is left of it.
    pub(super) fn remove(self) -> io::Result<()> {
        let about = std::fs::metadata(&self.path)?;
        let (user, device, inode) = (about.uid(), about.dev(), about.ino());
        // Where Wine itself has the server's socket: it goes by the prefix, and would stay.
        let server = format!("/tmp/.wine-{user}/server-{device:x}-{inode:x}");
        let _ = std::fs::remove_dir_all(server);
        std::fs::remove_dir_all(&self.path)
    }

    fn run(&self, arguments: &[&str]) -> io::Result<()> {
        self.finished(self.command(&self.wine.loader).args(arguments), &[0])
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("WINEPREFIX", &self.path)
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", OVERRIDES)
            .env("FONTCONFIG_FILE", self.path.join(FONTS))
            .env("USER", USER)
            // Nowhere, so that no profile folder becomes a link to a home of the host.
            .env("HOME", self.path.join("nowhere"))
            .env("TMPDIR", self.path.join(TEMPORARY))
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    fn finished(&self, command: &mut Command, good: &[i32]) -> io::Result<()> {
        self.nursery.adopt(command)?;
        let output = command.stderr(Stdio::piped()).output();
        let output =
            output.map_err(|error| doing("starting", Path::new(command.get_program()), &error))?;
        if output.status.code().is_some_and(|code| good.contains(&code)) {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let last = words.lines().next_back().unwrap_or("it said nothing");
        Err(io::Error::other(format!(
            "{command:?} ended with {} in prefix {}: {last}",
            output.status,
            self.path.display()
        )))
    }
}
