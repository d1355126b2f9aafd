//! Disks and file systems that a program of the host serves through FUSE: images whose disk is
//! scattered over the file (`qemu-storage-daemon`), and NTFS where the kernel cannot (`ntfs-3g`).
//!
//! ```text
//! silo host --spawns--> helper --spawns--> qemu-storage-daemon   in a mount namespace of their own
//!           <- the file that is the disk, or the mount that is the file system -
//! ```
//!
//! The mount of FUSE is seen by the helper and its program alone. What the helper hands over is all
//! that keeps it in use: when the silo's mounts are gone, however the silo ended, the helper ends
//! the program in order and then itself. So nobody has to clean up after a silo host that was
//! killed; [`Server`], and the lease of a claim, only tell when a disk is whole on its file.

mod confine;
mod helper;
mod programs;
mod stage;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::sys::protocol::Refusal;
use crate::sys::wire::{Conn, Descriptors, pair};

pub(crate) use helper::main as helper_main;
pub(super) use programs::need;

/// The first argument of the program in this role.
pub(crate) const ROLE: &str = "serve-disk";

/// How long a program may take to write what it still holds, before its helper ends it.
const FLUSHED_WITHIN: Duration = Duration::from_secs(20);
/// How long the helper may take for that: it has to have the last word.
const ENDED_WITHIN: Duration = Duration::from_secs(25);

/// What is to be served, from the descriptor that comes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) program: PathBuf,
    pub(super) service: Service,
    pub(super) read_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Service {
    /// The disk in an image, as one file.
    Disk(Format),
    /// The NTFS on a block device, as a mount.
    Ntfs,
}

/// An image's format, by the name of qemu's driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Format {
    Vhdx,
    Vpc,
}

/// A helper that serves until nobody uses what it gave. Letting go of this waits a while for its
/// end, so let go of the mounts first.
#[derive(Debug)]
pub(crate) struct Server {
    helper: std::process::Child,
}

impl Server {
    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.helper.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let since = Instant::now();
        while !self.has_ended() && since.elapsed() < ENDED_WITHIN {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Has `from` served. The helper holds `lease` until it has ended.
pub(super) fn serve(
    order: &Order,
    from: &File,
    lease: &File,
    name: &str,
) -> Result<(Server, OwnedFd), ErrorKind> {
    let fail = |e: io::Error| ErrorKind::io(format!("serve disk {name}"), e);
    let (ours, theirs) = pair().map_err(|e| fail(e.into()))?;
    let mut command = Command::new("/proc/self/exe");
    command.arg(ROLE).env_clear();
    command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
    let helper = command.spawn().map_err(fail)?;
    drop(command);
    let server = Server { helper };
    let mut conn = Conn::new(ours, Descriptors::Taken).map_err(fail)?;
    let [from, lease] = [from.try_clone().map_err(fail)?, lease.try_clone().map_err(fail)?];
    conn.send(order, vec![from.into(), lease.into()]).map_err(fail)?;
    let answer: Result<(), Refusal> = conn.wait_next().map_err(fail)?;
    answer.map_err(|refusal| about(name, refusal.into()))?;
    let given = conn.take_fds().pop();
    let given = given.ok_or_else(|| fail(io::Error::other("the helper gave nothing")))?;
    Ok((server, given))
}

/// Says of which disk the helper speaks.
fn about(name: &str, kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::Io { what, source } => {
            ErrorKind::Io { what: format!("disk {name}: {what}"), source }
        }
        other => other,
    }
}
