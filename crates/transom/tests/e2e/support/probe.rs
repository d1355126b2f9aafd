//! The test program that looks at a container from inside: `tests/probe`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::host::target;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(build);

/// Where it is inside, when mounted by [`mount`].
pub(crate) const PROBE: &str = r"C:\probe\probe.exe";

/// The flag that puts it into a container.
pub(crate) fn mount() -> String {
    format!(r"--volume={}:C:\probe:ro", folder().display())
}

/// The folder with `probe.exe` in it.
pub(crate) fn folder() -> &'static Path {
    &FOLDER
}

/// Built each time: that takes less than finding out whether it must be.
fn build() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let sources = Path::new(&manifest).join("tests/probe");
    let folder = target().join("e2e/probe");
    std::fs::create_dir_all(&folder).expect("the target folder is ours");
    let output = Command::new("x86_64-w64-mingw32-gcc")
        .args(["-O1", "-Wall", "-Wextra", "-Werror", "-s", "-o"])
        .arg(folder.join("probe.exe"))
        .args(["main.c", "plain.c", "linux.c", "load.c", "pipe.c"].map(|file| sources.join(file)))
        .output()
        .expect("mingw is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}
