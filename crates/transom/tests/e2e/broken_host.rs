//! A host that fails: a full disk, a folder that cannot be written. There is an error, and no
//! half-made container.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::container::BASE;
use crate::support::host::{self, Host};

/// A file system that is there as long as this value.
struct Mounted(PathBuf);

impl Mounted {
    fn new(arguments: &[&str], at: PathBuf) -> Self {
        sh(Command::new("mount").args(arguments).arg(&at));
        Self(at)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: what still uses it is the janitor's.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_an_error_and_room_heals_it() {
    let _turn = host::alone();
    let host = Host::new("full");
    let disk = host.folder().join("disk.img");
    std::fs::File::create(&disk).and_then(|file| file.set_len(3 << 30)).unwrap();
    sh(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk));
    let image = disk.display().to_string();
    let _mounted = Mounted::new(&["-o", "loop", &image], host.root());
    let line = ["run", "--rm", BASE, "cmd", "/c", "echo room"];
    assert_eq!(host.transom(&line).succeed().text(), "room");

    let filler = host.root().join("filler");
    fill(&filler);
    let output = host.transom(&line).fail();
    assert!(output.errors().contains("No space left"), "{output:?}");
    nothing_is_half_made(&host);

    std::fs::remove_file(filler).unwrap();
    assert_eq!(host.transom(&line).succeed().text(), "room");
}

#[test]
fn a_state_folder_that_cannot_be_written_is_an_error() {
    let _turn = host::alone();
    let host = Host::new("ro");
    let state = host.state();
    {
        let itself = state.display().to_string();
        let _mounted = Mounted::new(&["--bind", &itself], state.clone());
        sh(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(&state));
        for verb in [&["run"][..], &["run", "--detach"]] {
            let line = [verb, &["--rm", BASE, "cmd", "/c", "ver"]].concat();
            let output = host.transom(&line).end_with(125);
            assert!(output.errors().contains("Read-only file system"), "{output:?}");
            nothing_is_half_made(&host);
        }
    }
    let line = ["run", "--rm", BASE, "cmd", "/c", "echo writable"];
    assert_eq!(host.transom(&line).succeed().text(), "writable");
}

#[test]
fn a_state_folder_without_room_is_an_error() {
    let _turn = host::alone();
    let host = Host::new("small");
    let state = host.state();
    let _mounted = Mounted::new(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], state.clone());
    fill(&state.join("filler"));
    let line = ["run", "--rm", BASE, "cmd", "/c", "echo room"];
    let output = host.transom(&line).end_with(125);
    assert!(output.errors().contains("No space left"), "{output:?}");
    nothing_is_half_made(&host);
    std::fs::remove_file(state.join("filler")).unwrap();
    let left: Vec<_> = std::fs::read_dir(state.join("bundles")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(host.transom(&line).succeed().text(), "room");
}

fn nothing_is_half_made(host: &Host) {
    let left = host.transom(&["ps", "--all", "--quiet"]).output();
    assert_eq!(left.text(), "", "{left:?}");
    let containers = host.root().join("containers");
    let left: Vec<_> = std::fs::read_dir(containers).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Takes what room there is, to the last block.
fn fill(file: &Path) {
    let mut dd = Command::new("dd");
    dd.args(["if=/dev/zero", "bs=1M", "status=none"]).arg(format!("of={}", file.display()));
    let full = |dd: &mut Command| !dd.status().expect("dd is a part of every Linux").success();
    assert!(full(&mut dd), "the disk is not full");
    let mut rest = Command::new("dd");
    rest.args(["if=/dev/zero", "bs=4k", "oflag=append", "conv=notrunc", "status=none"]);
    rest.arg(format!("of={}", file.display()));
    assert!(full(&mut rest), "the disk is not full");
}

fn sh(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}
