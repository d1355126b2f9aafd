//! Disks mapped in: an image file or a block device, whose file system this host's kernel mounts; or
//! memory ([`memory`]).
//!
//! ```text
//! file --[layout]--> where the disk is in it --[contents]--> where the file system is in that
//!      --loop device--> mounted detached, and only ever attached inside a silo
//! ```
//!
//! A mount is never seen in the host's namespace, and its loop device goes with it. What is in an
//! image may be hostile to the kernel's drivers: only those on a short list are asked, and no error
//! of a file system brings the host down. An image is locked for as long as it is mounted, by as
//! many as read it or by the one that writes.

mod contents;
mod layout;
pub(crate) mod memory;

use std::ffi::CString;
use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::mount::{fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen};
use serde::{Deserialize, Serialize};

use super::loop_device::{self, Part};
use super::mounts::Tree;
use crate::error::ErrorKind;
use contents::{FileSystem, Located};

/// What kind of disk a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DiskKind {
    /// An image in a file.
    Virtual,
    /// A block device.
    Physical,
}

/// How long the last mount of an image may take to be gone.
const RELEASED_WITHIN: Duration = Duration::from_secs(5);

/// Mounts a disk's file system, detached.
pub(crate) fn mount(path: &Path, kind: DiskKind, read_only: bool) -> Result<Tree, ErrorKind> {
    let name = path.display().to_string();
    let fail = |what: &str| {
        let what = format!("{what} disk {name}");
        move |e: io::Error| ErrorKind::io(what, e)
    };
    let file = File::options().read(true).write(!read_only).open(path).map_err(fail("open"))?;
    let is_device = file.metadata().map_err(fail("look at"))?.file_type().is_block_device();
    match (kind, is_device) {
        (DiskKind::Physical, false) => return Err(wrong(&name, "it is not a block device")),
        (DiskKind::Virtual, true) => {
            return Err(wrong(&name, "it is a block device: map it as a physical-disk"));
        }
        _ => {}
    }
    let disk = if is_device {
        layout::whole_device(&file).map_err(fail("measure"))?
    } else {
        layout::of(&file, &name)?
    };
    let located = contents::locate(&file, disk, &name)?;
    if is_device && located.part.offset == 0 {
        return made(&name, &located, path, read_only);
    }
    lock(&file, read_only, &name)?;
    let device = loop_device::attach_part(&file, located.part, read_only)?;
    // The mount keeps the device from here on, and the device the file with its lock.
    made(&name, &located, Path::new(device.path()), read_only)
}

fn made(name: &str, located: &Located, device: &Path, read_only: bool) -> Result<Tree, ErrorKind> {
    let system = located.system;
    let kernel = system.driver().ok_or_else(|| ErrorKind::HostLacks {
        what: format!("disk {name} holds {system}, and this kernel has no driver for it"),
        mend: format!("modprobe {}, or make the disk with ext4", system.module()),
    })?;
    let fd = mount_device(device, kernel, system, read_only).map_err(|e| {
        ErrorKind::io(format!("mount the {system} of disk {name}"), io::Error::from(e))
    })?;
    Ok(Tree::from_fd(fd, name))
}

fn mount_device(
    device: &Path,
    driver: &str,
    system: FileSystem,
    read_only: bool,
) -> rustix::io::Result<OwnedFd> {
    let text = |text: &[u8]| CString::new(text).map_err(|_| rustix::io::Errno::INVAL);
    let driver = text(driver.as_bytes())?;
    let source = text(device.as_os_str().as_encoded_bytes())?;
    let context = fsopen(driver.as_c_str(), FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"source", source.as_c_str())?;
    if read_only {
        fsconfig_set_flag(context.as_fd(), c"ro")?;
    }
    if system == FileSystem::Ext {
        // The image itself may say that the kernel shall panic.
        fsconfig_set_string(context.as_fd(), c"errors", c"remount-ro")?;
    }
    fsconfig_create(context.as_fd())?;
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    if read_only {
        attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// The kernel lets go of an ended silo's mounts a moment after its last process.
fn lock(file: &File, read_only: bool, name: &str) -> Result<(), ErrorKind> {
    let since = Instant::now();
    loop {
        let tried = if read_only { file.try_lock_shared() } else { file.try_lock() };
        match tried {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(e)) => return Err(ErrorKind::io(format!("lock {name}"), e)),
            Err(TryLockError::WouldBlock) if since.elapsed() > RELEASED_WITHIN => {
                return Err(wrong(name, "another container has it, and one of the two may write"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// A disk that cannot be what is asked for.
fn wrong(name: &str, rule: &str) -> ErrorKind {
    ErrorKind::InvalidDocument {
        field: "Container.MappedDirectories.HostPath".into(),
        value: name.into(),
        rule: rule.into(),
    }
}

/// `part` of `whole`, if it lies in it.
fn within(whole: Part, offset: u64, length: u64) -> Option<Part> {
    let end = offset.checked_add(length)?;
    (end <= whole.length && length > 0).then(|| Part { offset: whole.offset + offset, length })
}
