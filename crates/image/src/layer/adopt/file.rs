//! One file adopted: a hard link, or a copy where there can be none.

use engine::os::fd::OwnedFd;
use engine::os::unix::fs::{PermissionsExt, set_mode_of};
use std::fs::{File, FileTimes};
use std::io;

use engine::os::fs::{AtFlags, Mode, linkat};
use engine::os::io::Errno;

use super::super::beneath;

/// What a container must be able to do with a file that it reads, and with one that it writes, which
/// the overlay then copies.
const NEEDED: u32 = 0o644;

/// A file in a folder.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) folder: &'a OwnedFd,
    pub(super) name: &'a str,
}

/// Makes `to` the file `from`. Its mode is widened: Windows' archives say nothing of modes, and what
/// says nothing was unpacked as a file that only the host's root can open.
pub(super) fn adopt(from: At<'_>, to: At<'_>) -> io::Result<()> {
    let file = beneath::open_file(from.folder, from.name)?;
    let mode = file.metadata()?.permissions().mode();
    let fits = mode & NEEDED == NEEDED || set_mode_of(&file, mode & 0o777 | NEEDED).is_ok();
    if fits {
        match linkat(from.folder, from.name, to.folder, to.name, AtFlags::empty()) {
            // Another file system, or as many links as there can be.
            Err(Errno::XDEV | Errno::MLINK | Errno::PERM) => {}
            done => return Ok(done?),
        }
    }
    copy(file, to, mode)
}

fn copy(mut from: File, to: At<'_>, mode: u32) -> io::Result<()> {
    let about = from.metadata()?;
    let mut copy = beneath::create(to.folder, to.name, Mode::from_raw_mode(0o600))?;
    if engine::os::fs::ioctl_ficlone(&copy, &from).is_err() {
        io::copy(&mut from, &mut copy)?;
    }
    set_mode_of(&copy, mode & 0o777 | NEEDED)?;
    let times = FileTimes::new().set_modified(about.modified()?).set_accessed(about.accessed()?);
    copy.set_times(times)
}
