//! A scratch of limited size: an ext4 file system in a file.
//!
//! It is mounted detached, straight into the silo's mount namespace, and its loop device goes with
//! its last mount: however a silo ends, nothing of it stays on the host.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::mount::{fsconfig_create, fsconfig_set_string, fsmount, fsopen};

use super::super::loop_device;
use crate::error::ErrorKind;
use crate::sys::mounts::Tree;

/// The file's name in a scratch.
pub(crate) const IMAGE: &str = "disk.ext4";

/// How long the last mount of an image may take to be gone.
const RELEASED_WITHIN: Duration = Duration::from_secs(10);

/// The smallest file system that holds a registry and has room for anything.
const LEAST: u64 = 32 << 20;

/// Makes `dir` with an image of `size` bytes in it, filled by `fill`.
pub(super) fn make(
    dir: &Path,
    size: u64,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), ErrorKind> {
    if size < LEAST {
        return Err(ErrorKind::InvalidDocument {
            field: "size of the scratch".into(),
            value: size.to_string(),
            rule: format!("it must be at least {LEAST} bytes"),
        });
    }
    let fail = |e| ErrorKind::io("make the scratch's file system", e);
    let contents = dir.join("contents");
    fs::create_dir_all(&contents).map_err(fail)?;
    fill(&contents).map_err(fail)?;
    let image = dir.join(IMAGE);
    File::create(&image).and_then(|file| file.set_len(size)).map_err(fail)?;
    // No journal: a scratch that was cut off by a crash of the host is thrown away.
    let made = Command::new("mkfs.ext4")
        .args(["-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "root_owner=0:0", "-d"])
        .args([&contents, &image])
        .env_clear()
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .output();
    let made = made.map_err(|e| ErrorKind::HostLacks {
        what: format!("a scratch of limited size needs mkfs.ext4 ({e})"),
        mend: "install e2fsprogs, or ask for no size".into(),
    })?;
    if !made.status.success() {
        let text = String::from_utf8_lossy(&made.stderr).trim().to_owned();
        return Err(fail(io::Error::other(text)));
    }
    fs::remove_dir_all(&contents).map_err(fail)
}

/// Mounts an image, detached.
pub(super) fn mount(image: &Path) -> Result<Tree, ErrorKind> {
    let name = image.display().to_string();
    let file = File::options()
        .read(true)
        .write(true)
        .open(image)
        .map_err(|e| ErrorKind::io(format!("open {name}"), e))?;
    wait_until_released(image)?;
    let device = loop_device::attach(&file)?;
    let made = mount_device(device.path());
    // The mount keeps the device from here on.
    let fd = made.map_err(|e| ErrorKind::io(format!("mount {name}"), e))?;
    drop(device);
    Ok(Tree::from_fd(fd, &name))
}

/// The kernel lets go of an ended silo's mounts a moment after its last process; mounting the file
/// a second time before that would corrupt it.
fn wait_until_released(image: &Path) -> Result<(), ErrorKind> {
    let since = Instant::now();
    while loop_device::is_backing(image) {
        if since.elapsed() > RELEASED_WITHIN {
            let what = format!("mount {}", image.display());
            return Err(ErrorKind::io(what, io::Error::from(rustix::io::Errno::BUSY)));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn mount_device(device: &str) -> rustix::io::Result<OwnedFd> {
    let context = fsopen(c"ext4", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let source = CString::new(device).expect("a device's path holds no NUL");
    fsconfig_set_string(context.as_fd(), c"source", source.as_c_str())?;
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}
