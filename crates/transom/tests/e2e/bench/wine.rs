//! The floor: a Windows program started by Wine on the host, with everything warm.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WINE: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";

/// A prefix with its server up; both go with this value.
pub(super) struct Wine {
    prefix: tempfile::TempDir,
}

impl Wine {
    pub(super) fn warm() -> Self {
        let prefix = tempfile::tempdir().expect("temporary folders can be made");
        let wine = Self { prefix };
        wine.run(WINE, &["wineboot", "--init"]);
        wine.run(SERVER, &["--wait"]);
        wine.run(SERVER, &["--persistent"]);
        wine.run(WINE, &["cmd", "/c", "exit"]);
        wine
    }

    /// `wine64 cmd /c exit`.
    pub(super) fn exit(&self) -> Duration {
        let started = Instant::now();
        self.run(WINE, &["cmd", "/c", "exit"]);
        started.elapsed()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.args(arguments).envs(self.places()).env("WINEDEBUG", "-all");
        command.env("WINEDLLOVERRIDES", "mshtml=;mscoree=;winemenubuilder.exe=");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().expect("Wine is installed").success(), "{command:?}");
    }

    /// The prefix, and in it what some Wines leave a folder of in `/tmp` for each.
    fn places(&self) -> [(&'static str, &Path); 2] {
        [("WINEPREFIX", self.path()), ("TMPDIR", self.path())]
    }

    /// The prefix.
    pub(super) fn path(&self) -> &Path {
        self.prefix.path()
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Its prefix goes next, so that it may as well be killed.
        let mut command = Command::new(SERVER);
        let _ = command.arg("--kill").envs(self.places()).status();
    }
}
