//! A Transom of its own, and how it is driven.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The command line, as Windows names the file that cargo built elsewhere.
fn program() -> PathBuf {
    let path = env!("CARGO_BIN_EXE_transom");
    // Wine shows the host's root as `Z:`.
    if path.starts_with('/') { PathBuf::from(format!("Z:{path}")) } else { path.into() }
}

/// `ERROR_INTERNAL_ERROR`.
const LOST: i32 = 1359;

/// Directories of its own; what runs in them is removed with it. Or the machine's.
pub(crate) struct Place {
    own: Option<TempDir>,
    /// What orders faults of the doubles, if not the file that all tests share.
    faults: Option<PathBuf>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { own: Some(TempDir::with_prefix("transom-").unwrap()), faults: None }
    }

    /// The one that is used where nothing else is said; what is made there is the test's to remove.
    pub(crate) fn of_the_machine() -> Self {
        Self { own: None, faults: None }
    }

    /// A folder for the test's own files.
    pub(crate) fn path(&self) -> &Path {
        self.own.as_ref().unwrap().path()
    }

    /// From now on this file orders faults of the doubles.
    pub(crate) fn order_faults(&mut self, file: &Path) {
        self.faults = Some(file.to_owned());
    }

    pub(crate) fn root(&self) -> PathBuf {
        let own = self.own.as_ref().map(|folder| folder.path().join("root"));
        own.unwrap_or_else(|| r"C:\ProgramData\Transom".into())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.ask(arguments).unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> io::Result<Output> {
        let mut transom = Command::new(program());
        transom.args(arguments).stdin(Stdio::null());
        if let Some(folder) = &self.own {
            transom.env("TRANSOM_ROOT", self.root());
            transom.env("TRANSOM_STATE", folder.path().join("state"));
        }
        if let Some(faults) = &self.faults {
            transom.env("HCS_EMULATOR_FAULTS", faults);
        }
        match transom.output() {
            // Wine loses one new process in thousands before it begins.
            Err(error) if error.raw_os_error() == Some(LOST) => transom.output(),
            other => other,
        }
    }

    /// What it prints when all goes well.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {} {told}", output.status);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// What it says when it does not.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} went well");
        String::from_utf8(output.stderr).unwrap().trim().to_owned()
    }

    /// Waits until a command prints what is looked for.
    pub(crate) fn until(&self, arguments: &[&str], is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let text = self.ok(arguments);
            if is_there(&text) {
                return text;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{arguments:?} never printed it: {}", self.ok(arguments));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.own.is_none() {
            return;
        }
        let listed = self.ask(&["ps", "-aq"]);
        let ids = listed.iter().flat_map(|listed| listed.stdout.split(|byte| *byte == b'\n'));
        for id in ids.filter(|id| !id.is_empty()) {
            // What is left of it is seen below, or by whoever looks for leaks.
            self.ask(&["rm", "-f", String::from_utf8_lossy(id).trim()]).ok();
        }
        // A test that has failed tells of its own failure.
        let is_well = listed.as_ref().is_ok_and(|listed| listed.status.success());
        assert!(is_well || std::thread::panicking(), "{listed:?}");
    }
}
