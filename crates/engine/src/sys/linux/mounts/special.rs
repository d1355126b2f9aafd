//! `/dev`, `/proc`, `/sys`, `/tmp`, `/run`, and the runtime's entries.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::mount::{MountFlags, mount};

use super::tree::make_read_only;
use super::{Tree, make_dir};
use crate::error::ErrorKind;
use crate::sys::devices::DeviceNode;
use crate::sys::identity::FIRST_ID;

/// Top-level names that the silo makes itself.
const OWN: [&str; 7] = ["dev", "proc", "sys", "tmp", "run", "wine", "etc"];

/// Files of `/proc` that tell of the host; they read as empty.
const HIDDEN_FILES: [&str; 7] =
    ["kcore", "keys", "key-users", "latency_stats", "timer_list", "sched_debug", "sysrq-trigger"];

/// Directories of `/proc` that tell of the host; they are empty.
const HIDDEN_DIRECTORIES: [&str; 3] = ["acpi", "scsi", "asound"];

/// Parts of `/proc` that nobody writes.
const READ_ONLY: [&str; 5] = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

/// Devices that reach no hardware: name, major, minor.
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// Mounts a tmpfs.
pub(super) fn tmpfs(at: &Path, options: &str) -> Result<(), ErrorKind> {
    mount_new("tmpfs", at, MountFlags::NOSUID | MountFlags::NODEV, options)
}

/// Brings in the runtime's entries but for those that the silo makes itself.
pub(super) fn runtime(runtime: &Path, root: &Path) -> Result<(), ErrorKind> {
    bring_in(runtime, root, &OWN)
}

/// Binds each entry of a host directory into `to`, read-only; symbolic links are made again.
pub(super) fn bring_in(from: &Path, to: &Path, except: &[&str]) -> Result<(), ErrorKind> {
    let io = |e| ErrorKind::io(format!("read what belongs in {}", to.display()), e);
    for entry in fs::read_dir(from).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        if except.iter().any(|own| name == *own) {
            continue;
        }
        let target = to.join(&name);
        let fail = |e| ErrorKind::io(format!("make {}", target.display()), e);
        let kind = entry.file_type().map_err(io)?;
        if kind.is_symlink() {
            let leads_to = fs::read_link(entry.path()).map_err(io)?;
            symlink(leads_to, &target).map_err(fail)?;
            continue;
        }
        if kind.is_dir() {
            fs::create_dir(&target).map_err(fail)?;
        } else {
            fs::File::create(&target).map_err(fail)?;
        }
        Tree::clone_of(&entry.path())?.read_only()?.attach(&target)?;
    }
    Ok(())
}

/// Everything that is the same in every silo.
pub(super) fn all(root: &Path, given: &[DeviceNode]) -> Result<(), ErrorKind> {
    let owner = format!("uid={FIRST_ID},gid={FIRST_ID}");
    for (name, mode) in [("tmp", "1777"), ("run", "0755")] {
        let at = root.join(name);
        make_dir(&at)?;
        tmpfs(&at, &format!("mode={mode},{owner}"))?;
    }
    devices(&root.join("dev"), given)?;
    proc(&root.join("proc"), &root.join("dev/null"))?;
    sys(root)
}

fn devices(dev: &Path, given: &[DeviceNode]) -> Result<(), ErrorKind> {
    make_dir(dev)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount_new("tmpfs", dev, flags, "mode=0755,size=64k")?;
    for (name, major, minor) in DEVICES {
        node(&dev.join(name), major, minor)?;
    }
    if !given.is_empty() {
        make_dir(&dev.join("dri"))?;
    }
    for device in given {
        node(&dev.join("dri").join(&device.name), device.major, device.minor)?;
    }
    let pts = dev.join("pts");
    make_dir(&pts)?;
    let options = format!("newinstance,ptmxmode=0666,mode=0620,uid={FIRST_ID},gid={FIRST_ID}");
    mount_new("devpts", &pts, flags, &options)?;
    symlink("pts/ptmx", dev.join("ptmx")).map_err(|e| ErrorKind::io("make /dev/ptmx", e))?;
    make_read_only(dev)
}

fn node(path: &Path, major: u32, minor: u32) -> Result<(), ErrorKind> {
    let all = Mode::from_raw_mode(0o666);
    mknodat(CWD, path, FileType::CharacterDevice, all, makedev(major, minor))
        .and_then(|()| rustix::fs::chmod(path, all))
        .map_err(|e| ErrorKind::io(format!("make {}", path.display()), e))
}

fn proc(proc: &Path, null: &Path) -> Result<(), ErrorKind> {
    make_dir(proc)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount_new("proc", proc, flags, "")?;
    for name in READ_ONLY {
        let path = proc.join(name);
        if path.exists() {
            Tree::clone_all(&path)?.read_only()?.attach(&path)?;
        }
    }
    for name in HIDDEN_FILES {
        let path = proc.join(name);
        if path.exists() {
            Tree::clone_of(null)?.read_only()?.attach(&path)?;
        }
    }
    for name in HIDDEN_DIRECTORIES {
        let path = proc.join(name);
        if path.exists() {
            mount_new("tmpfs", &path, flags | MountFlags::RDONLY, "mode=0555,size=4k")?;
        }
    }
    Ok(())
}

/// Wine counts processors and caches by `/sys/devices/system`; nothing else of `/sys` is there.
fn sys(root: &Path) -> Result<(), ErrorKind> {
    for name in ["cpu", "node"] {
        let path = Path::new("/sys/devices/system").join(name);
        let at = root.join("sys/devices/system").join(name);
        if path.is_dir() {
            make_dir(&at)?;
            Tree::clone_of(&path)?.read_only()?.attach(&at)?;
        }
    }
    Ok(())
}

fn mount_new(kind: &str, at: &Path, flags: MountFlags, options: &str) -> Result<(), ErrorKind> {
    let data = std::ffi::CString::new(options).expect("our own options hold no NUL");
    mount(kind, at, kind, flags, data.as_c_str())
        .map_err(|e| ErrorKind::io(format!("mount {kind} at {}", at.display()), e))
}
