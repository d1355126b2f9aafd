//! A host that fails: a full disk, a folder that cannot be written. There is an error, and no
//! half-made container.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::container::{BASE, Container};
use crate::support::host::{self, Host};
use crate::support::probe::{self, PROBE};
use crate::support::proc;

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

#[test]
fn what_cannot_be_pruned_is_told_beside_what_is_gone_and_goes_another_time() {
    let host = Host::new("prune");
    for name in ["first", "stuck", "third"] {
        host.transom(&["volume", "create", name]).succeed();
    }
    let at = host.root().join("volumes/stuck/_data");
    let volumes = || {
        let all = std::fs::read_dir(host.root().join("volumes")).unwrap().flatten();
        all.filter(|entry| entry.path().is_dir()).count()
    };
    {
        let _mounted = Mounted::new(&["-t", "tmpfs", "tmpfs"], at);
        let pruned = host.transom(&["volume", "prune", "--all", "--force"]).end_with(1);
        assert!(pruned.errors().contains("removing volume stuck"), "{pruned:?}");
        assert_eq!(pruned.lines()[..3], ["Deleted Volumes:", "first", "third"], "{pruned:?}");
        // Its name is free, whatever became of its files.
        host.transom(&["volume", "create", "stuck"]).succeed();
        assert_eq!(volumes(), 2);
        // What is mounted goes where its folder goes.
        let gone = std::fs::read_dir(host.root().join("volumes")).unwrap().flatten();
        let gone = gone.map(|entry| entry.path().join("_data"));
        let is_hidden = |path: &PathBuf| path.to_string_lossy().contains("/.stuck.");
        drop(Mounted(gone.into_iter().find(is_hidden).unwrap()));
    }
    host.transom(&["ps"]).succeed();
    assert_eq!(volumes(), 1, "the files are gone");
    host.transom(&["volume", "inspect", "stuck"]).succeed();
}

/// A creation holds its image before there is a container to see.
#[test]
fn what_a_killed_creation_held_of_an_image_is_nobodys() {
    let host = host::shared();
    let name = format!("killed{}", std::process::id());
    let container = Container::create(&host, &[], &[BASE, "cmd"]);
    host.transom(&["commit", container.id(), &name]).succeed();
    let user = Container::create(&host, &[], &[&name, "cmd"]);
    let lease = |id: &str| host.root().join("leases").join(format!("{id}.json"));
    let killed: String = user.id().chars().rev().collect();
    std::fs::copy(lease(user.id()), lease(&killed)).unwrap();
    host.transom(&["rmi", &name]).fail();
    assert!(lease(user.id()).exists() && !lease(&killed).exists(), "only one is somebody's");
    user.remove();
    host.transom(&["rmi", &name]).succeed();
}

#[test]
fn a_container_that_cannot_be_read_keeps_the_service_from_no_other() {
    let host = host::alone();
    let always =
        Container::run(&host, &["--restart=always", &probe::mount()], &[BASE, PROBE, "nap"]);
    let broken = Container::create(&host, &[], &[BASE, "cmd"]);
    proc::kill_named(&host, "transom");
    let config = host.root().join("containers").join(broken.id()).join("config.json");
    let whole = std::fs::read(&config).unwrap();
    std::fs::write(&config, "{").unwrap();
    let served = host.transom(&["service", "run"]).end_with(1);
    assert!(served.errors().contains(broken.id()), "{served:?}");
    assert!(served.text().contains("was started"), "{served:?}");
    let listed = host.transom(&["ps", "--quiet", "--no-trunc"]).succeed();
    assert_eq!(listed.text(), always.id());
    assert!(listed.errors().contains(broken.id()), "{listed:?}");
    std::fs::write(&config, whole).unwrap();
    assert_eq!(broken.status(), "created");
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
