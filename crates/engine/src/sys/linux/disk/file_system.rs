//! Mounting a file system from a block device: by the kernel, or NTFS by `ntfs-3g`.

use std::ffi::CString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};
use rustix::mount::{fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen};

use super::Disk;
use super::served::{self, Server, Service};
use crate::error::ErrorKind;
use crate::sys::mounts::Tree;

/// The file systems that are told apart on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileSystem {
    /// ext2, ext3 or ext4.
    Ext,
    /// FAT12, FAT16 or FAT32.
    Fat,
    /// NTFS.
    Ntfs,
    /// exFAT.
    ExFat,
    /// Windows' newer one, which Linux has no driver for.
    ReFs,
    /// One that is encrypted.
    BitLocker,
}

impl FileSystem {
    /// The kernel's driver, if it has one or can load it.
    fn driver(self) -> Option<&'static str> {
        if matches!(self, Self::ReFs | Self::BitLocker) {
            return None;
        }
        let has = |name: &str| {
            let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
            known.lines().any(|line| line.split_whitespace().last() == Some(name))
        };
        if !has(self.module()) {
            // Without a loader or a module there is still none afterwards.
            let _ = std::process::Command::new("modprobe")
                .args(["--quiet", self.module()])
                .env_clear()
                .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
                .status();
        }
        has(self.module()).then(|| self.module())
    }

    fn mend(self) -> String {
        match self {
            Self::ReFs | Self::BitLocker => "make the disk with NTFS or ext4".into(),
            _ => format!("modprobe {}, or make the disk with NTFS or ext4", self.module()),
        }
    }

    /// The driver's name.
    fn module(self) -> &'static str {
        match self {
            Self::Ext => "ext4",
            Self::Fat => "vfat",
            Self::Ntfs => "ntfs3",
            Self::ExFat => "exfat",
            Self::ReFs => "refs",
            Self::BitLocker => "bitlocker",
        }
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext => "an ext file system",
            Self::Fat => "a FAT file system",
            Self::Ntfs => "an NTFS file system",
            Self::ExFat => "an exFAT file system",
            Self::ReFs => "a ReFS file system",
            Self::BitLocker => "a file system that BitLocker encrypts",
        })
    }
}

/// Mounts what is on `device`, and tells whether it is the container's already. A server of it is
/// put before those that are there: it must end before the server of the disk beneath does.
pub(super) fn mount(
    disk: &Disk<'_>,
    system: FileSystem,
    device: &Path,
    servers: &mut Vec<Server>,
) -> Result<(Tree, bool), ErrorKind> {
    let Disk { name, read_only, .. } = *disk;
    if let Some(driver) = system.driver() {
        let fd = mount_device(device, driver, system, read_only).map_err(|e| {
            ErrorKind::io(format!("mount the {system} of disk {name}"), io::Error::from(e))
        })?;
        return Ok((Tree::from_fd(fd, name), false));
    }
    let what = format!("disk {name} holds {system}, which this kernel has no driver for");
    if system != FileSystem::Ntfs {
        return Err(ErrorKind::HostLacks { what, mend: system.mend() });
    }
    let program = served::need("ntfs-3g", &what, "ntfs-3g, or modprobe ntfs3")?;
    let device = File::options().read(true).write(!read_only).open(device);
    let device = device.map_err(disk.failed("open the device of"))?;
    // A kernel's driver keeps everybody else from its device; a program does not. The helper holds this
    // until it has ended.
    disk.lock(&device)?;
    let (server, tree) = disk.serve(program, Service::Ntfs, &device)?;
    servers.insert(0, server);
    Ok((Tree::from_fd(tree, name), true))
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
