//! Which file it is, whatever its name.

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle as _;
use std::path::Path;

use super::super::at::{self, How};
use super::stat::about;
use super::{CWD, LOOK, fstat};

/// The volume and the file on it.
pub fn identity(file: &File) -> io::Result<(u64, u64)> {
    let stat = fstat(file)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Of whatever is at a path.
pub fn identity_of(path: &Path) -> io::Result<(u64, u64)> {
    let stat = fstat(at::open(CWD, path, How { access: LOOK, create: false, folder: false })?)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// An open file still has a name.
pub fn is_linked(file: &File) -> io::Result<bool> {
    Ok(about(file.as_raw_handle())?.nNumberOfLinks > 0)
}
