//! Disks mapped in: an image file or a block device, whose file system this host's kernel mounts; or
//! memory ([`memory`]).
//!
//! ```text
//! file --[layout]--> where the disk is in it --[contents]--> where the file system is in that
//!      --loop device--> mounted detached, and only ever attached inside a silo
//!
//! a VHDX, a dynamic VHD --[served]--> a file that is the disk, and on as above
//! ```
//!
//! A mount is never seen in the host's namespace, and its loop device goes with it. What is in an
//! image may be hostile to the kernel's drivers: only those on a short list are asked, and no error
//! of a file system brings the host down. An image is locked for as long as it is mounted, by as
//! many as read it or by the one that writes.

mod contents;
mod file_system;
mod layout;
pub(crate) mod memory;
mod partitions;
mod served;

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::loop_device::{self, Part};
use super::mounts::Tree;
use crate::error::ErrorKind;
use layout::Layout;
use served::{Format, Order, Service};
pub(crate) use served::{ROLE, Server, helper_main};

/// What kind of disk a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DiskKind {
    /// An image in a file.
    Virtual,
    /// A block device.
    Physical,
}

/// How long the last mount of an image may take to be gone, and what serves it to write it out: a
/// little longer than that has (`served`).
const RELEASED_WITHIN: Duration = Duration::from_secs(25);

/// A disk's file system.
#[derive(Debug)]
pub(crate) struct Mounted {
    /// The mount, attached nowhere.
    pub(crate) tree: Tree,
    /// Everything in it is the container's already, and ids are not to be mapped.
    pub(crate) is_owned: bool,
    /// What must last as long as the mount, in the order of letting go.
    pub(crate) servers: Vec<Server>,
}

/// Mounts a disk's file system, detached. What serves it holds `lease`.
pub(crate) fn mount(
    path: &Path,
    kind: DiskKind,
    read_only: bool,
    lease: &File,
) -> Result<Mounted, ErrorKind> {
    let name = path.display().to_string();
    let disk = Disk { path, name: &name, read_only, lease };
    match kind {
        DiskKind::Virtual => disk.mount_image(),
        DiskKind::Physical => disk.mount_device(),
    }
}

/// A disk that is wanted.
struct Disk<'a> {
    path: &'a Path,
    name: &'a str,
    read_only: bool,
    lease: &'a File,
}

impl Disk<'_> {
    fn mount_image(&self) -> Result<Mounted, ErrorKind> {
        let (file, is_device) = self.open()?;
        if is_device {
            return Err(wrong(self.name, "it is a block device: map it as a physical-disk"));
        }
        let layout = layout::of(&file, self.name)?;
        self.lock(&file)?;
        // Declared first, so that on a failure a server is let go of after what it serves.
        let mut servers = Vec::new();
        let (disk, whole) = match layout {
            Layout::Flat(part) => (file, part),
            Layout::Scattered(format) => {
                let (server, disk) = self.serve_image(format, &file)?;
                servers.push(server);
                let whole = layout::all_of(&disk).map_err(self.failed("measure"))?;
                (disk, whole)
            }
        };
        let (tree, is_owned) = self.mount_part(&disk, whole, &mut servers)?;
        Ok(Mounted { tree, is_owned, servers })
    }

    fn mount_device(&self) -> Result<Mounted, ErrorKind> {
        let (file, is_device) = self.open()?;
        if !is_device {
            return Err(wrong(self.name, "it is not a block device"));
        }
        let whole = layout::all_of(&file).map_err(self.failed("measure"))?;
        let located = contents::locate(&file, whole, self.name)?;
        let mut servers = Vec::new();
        let (tree, is_owned) = if located.part.offset == 0 {
            file_system::mount(self, located.system, self.path, &mut servers)?
        } else {
            self.lock(&file)?;
            self.mount_part(&file, whole, &mut servers)?
        };
        Ok(Mounted { tree, is_owned, servers })
    }

    /// Mounts what is somewhere in `disk`, by way of a loop device.
    fn mount_part(
        &self,
        disk: &File,
        whole: Part,
        servers: &mut Vec<Server>,
    ) -> Result<(Tree, bool), ErrorKind> {
        let located = contents::locate(disk, whole, self.name)?;
        let device = loop_device::attach_part(disk, located.part, self.read_only)?;
        // The mount keeps the device from here on, and the device the file with its lock.
        file_system::mount(self, located.system, Path::new(device.path()), servers)
    }

    fn open(&self) -> Result<(File, bool), ErrorKind> {
        let file = File::options().read(true).write(!self.read_only).open(self.path);
        let file = file.map_err(self.failed("open"))?;
        let kind = file.metadata().map_err(self.failed("look at"))?.file_type();
        Ok((file, kind.is_block_device()))
    }

    /// Has a scattered image served as one file.
    fn serve_image(&self, format: Format, image: &File) -> Result<(Server, File), ErrorKind> {
        let what = match format {
            Format::Vhdx => format!("disk {} is a VHDX", self.name),
            Format::Vpc => format!("disk {} is a dynamic VHD", self.name),
        };
        let packages = "qemu-utils (on Debian 12 qemu-system-common)";
        let program = served::need("qemu-storage-daemon", &what, packages)?;
        let (server, disk) = self.serve(program, Service::Disk(format), image)?;
        Ok((server, disk.into()))
    }

    fn serve(
        &self,
        program: std::path::PathBuf,
        service: Service,
        from: &File,
    ) -> Result<(Server, std::os::fd::OwnedFd), ErrorKind> {
        let order = Order { program, service, read_only: self.read_only };
        served::serve(&order, from, self.lease, self.name)
    }

    /// The kernel lets go of an ended silo's mounts a moment after its last process.
    fn lock(&self, file: &File) -> Result<(), ErrorKind> {
        let since = Instant::now();
        loop {
            let tried = if self.read_only { file.try_lock_shared() } else { file.try_lock() };
            match tried {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(e)) => return Err(self.failed("lock")(e)),
                Err(TryLockError::WouldBlock) if since.elapsed() > RELEASED_WITHIN => {
                    let rule = "another container has it, and one of the two may write";
                    return Err(wrong(self.name, rule));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// The error of a step.
    fn failed(&self, what: &str) -> impl FnOnce(io::Error) -> ErrorKind + use<> {
        let what = format!("{what} disk {}", self.name);
        move |e| ErrorKind::io(what, e)
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
