//! The Wine session that Windows tests run in: a prefix of its own under `target`, with the test
//! doubles of HCS' DLLs in its `system32`.
//!
//! The session is started before the tests and ended after them, so that nothing of it holds on to
//! the tests' output.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::workspace::Workspace;

const LOADER: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver64";
/// Neither a browser nor .NET nor menus: none is used, and each takes its time.
const OVERRIDES: &str = "mshtml,mscoree,winemenubuilder.exe=";

/// A running session; it ends when this is dropped.
pub(crate) struct Session {
    prefix: PathBuf,
}

impl Session {
    /// Starts one, with these programs and DLLs as if they were Windows' own.
    pub(crate) fn start(workspace: &Workspace, made: &[PathBuf]) -> anyhow::Result<Self> {
        let session = Self { prefix: workspace.root().join("target/wine") };
        // One that was left over holds the old DLLs.
        session.end();
        std::fs::create_dir_all(&session.prefix)?;
        if !session.system32().join("ntdll.dll").is_file() {
            println!("Making a Wine prefix");
            session.run(&["wineboot", "-i"])?;
        }
        for file in made {
            session.install(file)?;
        }
        session.run(&["cmd", "/c", "exit"])?;
        Ok(session)
    }

    /// The environment of whoever runs Windows programs in it.
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("WINEPREFIX", self.prefix.display().to_string()),
            ("WINEDEBUG", "-all".to_owned()),
            ("WINEDLLOVERRIDES", OVERRIDES.to_owned()),
            ("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", LOADER.to_owned()),
            ("HCS_EMULATOR_FAULTS", r"C:\windows\temp\faults.json".to_owned()),
        ]
    }

    fn system32(&self) -> PathBuf {
        self.prefix.join("drive_c/windows/system32")
    }

    /// What Wine has itself stays: `bcryptprimitives.dll` since Wine 10.
    fn install(&self, file: &Path) -> anyhow::Result<()> {
        let name = file.file_name().context("a program without a name")?;
        let wines_own = Path::new("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows").join(name);
        if wines_own.exists() {
            return Ok(());
        }
        std::fs::copy(file, self.system32().join(name))
            .with_context(|| format!("cannot copy {}", file.display()))?;
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut wine = Command::new(LOADER);
        wine.args(arguments).envs(self.env());
        wine.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = wine.status().context("Wine is not there")?;
        ensure!(status.success(), "Wine failed: {}", arguments.join(" "));
        Ok(())
    }

    /// Ends everything in it, and waits until it has.
    fn end(&self) {
        for order in ["-k", "-w"] {
            let mut server = Command::new(SERVER);
            server.arg(order).envs(self.env());
            // One that does not run needs no end.
            let _ = server.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}
