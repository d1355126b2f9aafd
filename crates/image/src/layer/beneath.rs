//! File work beneath a root that no name can leave: the kernel refuses `..` and symbolic links.

use engine::os::fd::{AsFd, OwnedFd};
use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::path::Path;

use engine::os::fs::{CWD, Dir, Mode, OFlags, ResolveFlags, openat, openat2};
use engine::os::io::Errno;

fn flags() -> ResolveFlags {
    ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS
}

/// A folder that things are then done beneath.
pub(crate) fn open_root(path: &Path) -> io::Result<OwnedFd> {
    let how = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, path, how, Mode::empty())?)
}

/// A folder beneath `root`; `""` is the root itself.
pub(crate) fn open_dir(root: impl AsFd + Copy, path: impl AsRef<Path>) -> Result<OwnedFd, Errno> {
    let path = path.as_ref();
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    retry(|| {
        openat2(
            root.as_fd(),
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
            flags(),
        )
    })
}

/// A file beneath `root` that must not be there yet.
pub(crate) fn create(root: impl AsFd + Copy, path: &str, mode: Mode) -> io::Result<File> {
    let how = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(retry(|| openat2(root.as_fd(), path, how, mode, flags()))?.into())
}

/// A file beneath `root`, to read.
pub(crate) fn open_file(root: impl AsFd + Copy, path: &str) -> Result<File, Errno> {
    let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(retry(|| openat2(root.as_fd(), path, how, Mode::empty(), flags()))?.into())
}

/// The names in a folder beneath `root`, which must be there and hold only Unicode names.
pub(crate) fn list_all(root: impl AsFd + Copy, path: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::new(open_dir(root, path)?)? {
        let entry = entry?;
        let name = entry.file_name();
        if !is_dots(name) {
            let text = name.to_str().map_err(|_| {
                let name = name.to_bytes().escape_ascii();
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the name `{name}` is not Unicode"),
                )
            })?;
            names.push(text.to_owned());
        }
    }
    Ok(names)
}

/// The names in a folder beneath `root`: none when there is no such folder. Names that are not
/// Unicode cannot be reached from Windows and are passed over.
pub(crate) fn list(root: impl AsFd + Copy, path: &str) -> io::Result<Vec<String>> {
    let dir = match open_dir(root, path) {
        Ok(dir) => dir,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    };
    let mut names = Vec::new();
    for entry in Dir::new(dir)? {
        let entry = entry?;
        match entry.file_name().to_str() {
            Ok(name) if !is_dots(entry.file_name()) => names.push(name.to_owned()),
            _ => {}
        }
    }
    Ok(names)
}

fn is_dots(name: &CStr) -> bool {
    name == c"." || name == c".."
}

/// `openat2` answers EAGAIN when a rename elsewhere kept it from being sure.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::AGAIN | Errno::INTR) => {}
            done => return done,
        }
    }
}
