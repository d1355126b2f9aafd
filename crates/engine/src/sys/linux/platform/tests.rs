//! The layer, built from the installed Wine and used by it alone.
//!
//! Needs root (for a root of its own) and a Wine; both are stated where they are missing, not skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::*;

/// One layer for all of these tests, kept between runs.
fn layer() -> &'static Platform {
    static LAYER: OnceLock<Platform> = OnceLock::new();
    LAYER.get_or_init(|| Platform::ensure(&root(), &guest_exe()).expect("a layer can be built"))
}

fn root() -> PathBuf {
    target().join("tmp/engine-platform")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// The guest, built for Windows now if it is not up to date.
fn guest_exe() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    let triple = "x86_64-pc-windows-gnu";
    BUILT.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "guest", "--release", "--target", triple])
            .status();
        assert!(status.expect("cargo runs").success(), "the guest builds for {triple}");
    });
    target().join(triple).join("release/transom-guest.exe")
}

/// A prefix over a copy of the layer's registry, inside a copy of its runtime made of links, so
/// that nothing is mounted.
struct Chroot(PathBuf);

impl Chroot {
    fn new(name: &str) -> Self {
        let platform = layer();
        let path = root().join(format!("chroot-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        copy(&platform.runtime, &path, "--link");
        copy(&platform.drive_c, &path.join("wine/drive_c"), "--link");
        for file in ["system.reg", "user.reg", "userdef.reg"] {
            std::fs::copy(platform.registry.join(file), path.join("wine").join(file)).unwrap();
        }
        std::fs::create_dir(path.join("wine/dosdevices")).unwrap();
        std::os::unix::fs::symlink("../drive_c", path.join("wine/dosdevices/c:")).unwrap();
        std::fs::File::create(path.join("dev/null")).unwrap();
        Self(path)
    }

    /// Runs a Windows program in it; stdout.
    fn run(&self, arguments: &[&str]) -> String {
        // With its own /proc, as in a silo: Wine's loader asks it where it lies.
        let output = Command::new("/usr/bin/unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--root"])
            .arg(&self.0)
            .arg("--")
            .arg(&layer().loader)
            .args(arguments)
            .env_clear()
            .envs([
                ("WINEPREFIX", "/wine"),
                ("WINEDEBUG", "-all"),
                ("HOME", "/wine"),
                ("LC_ALL", "C.UTF-8"),
            ])
            .stdin(Stdio::null())
            .output()
            .expect("unshare runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {} {errors}", output.status);
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    }
}

impl Drop for Chroot {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path, how: &str) {
    let status = Command::new("cp").args(["--archive", how]).arg(from).arg(to).status().unwrap();
    assert!(status.success(), "cp {} {}", from.display(), to.display());
}

#[test]
fn with_the_runtime_as_its_root_wine_reports_windows_server_2022() {
    let chroot = Chroot::new("ver");
    assert!(chroot.run(&["cmd", "/c", "ver"]).contains("10.0.20348"));
    let query = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion";
    let answer = chroot.run(&["reg", "query", query, "/v", "ProductName"]);
    assert!(answer.contains("Windows Server 2022"), "{answer}");
}

#[test]
fn a_name_that_is_not_ascii_is_the_same_to_linux() {
    let chroot = Chroot::new("names");
    let name = "Grüße-€.txt";
    chroot.run(&["cmd", "/c", &format!(r"echo x> C:\{name}")]);
    assert!(chroot.0.join("wine/drive_c").join(name).exists(), "the name was changed");
}

#[test]
fn nothing_of_the_host_is_in_the_layer() {
    let platform = layer();
    for path in [&platform.drive_c, &platform.registry] {
        let grep = Command::new("grep")
            .args(["--recursive", "--files-with-matches", "--binary-files=without-match"])
            .arg("engine-platform")
            .arg(path)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&grep.stdout), "", "the host's paths were left behind");
    }
    for name in ["system.reg", "user.reg"] {
        let text = std::fs::read(platform.registry.join(name)).unwrap();
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains(r"unix\\usr\\share\\fonts"), "{name} has fonts of the host");
    }
    let find = Command::new("find").arg(&platform.drive_c).args(["-type", "l"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&find.stdout), "", "a link leads out of the layer");
}

#[test]
fn asking_again_finds_the_same_layer_without_building() {
    let first = layer();
    let mut steps = Vec::new();
    let again = Platform::ensure_with(&root(), &guest_exe(), |step| steps.push(step)).unwrap();
    assert_eq!((again.key, steps), (first.key.clone(), Vec::new()));
}
