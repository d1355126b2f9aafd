//! Where a job container's processes see its files, and its mounts beneath, without the bind filter.
//!
//! The scratch's volume is mounted at a folder of the container's own, and mounts are links below it.
//! With the filter nothing is made on the host: see [`binding`](super::binding). What was made is taken
//! away by its note ([`leftovers`](super::leftovers)).

use std::io;
use std::path::Path;

use schema::job::{JobContainer, JobMount};
use windows_sys::Win32::Storage::FileSystem::{DeleteVolumeMountPointW, SetVolumeMountPointW};

use super::super::text::wide;
use super::folders;
use super::leftovers::{Leftovers, Written};
use crate::error::ErrorKind;

/// Makes the root of a container, with what is mounted there.
pub(super) fn make(
    container: &JobContainer,
    volume: &str,
    note: &mut Leftovers,
) -> Result<(), ErrorKind> {
    let root = Path::new(&container.root);
    std::fs::create_dir_all(root)
        .map_err(|error| ErrorKind::io(format!("make `{}`", container.root), error))?;
    if !volume.is_empty() {
        mount(root, volume)?;
    }
    let mut mounts = container.mounts.iter();
    mounts.try_for_each(|mount| link(root, mount, Path::new(&mount.source), note))
}

fn mount(root: &Path, volume: &str) -> Result<(), ErrorKind> {
    let (at, from) = (with_slash(root), with_slash(Path::new(volume)));
    // SAFETY: both texts end with zeros.
    if unsafe { SetVolumeMountPointW(at.as_ptr(), from.as_ptr()) } != 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    Err(ErrorKind::io(format!("mount the volume `{volume}` at `{}`", root.display()), error))
}

/// Makes a mount's link beneath a container's files, to where the mount is.
pub(super) fn link(
    files: &Path,
    mount: &JobMount,
    to: &Path,
    note: &mut Leftovers,
) -> Result<(), ErrorKind> {
    let linking =
        |error| ErrorKind::io(format!("link `{}` to `{}`", mount.link, mount.source), error);
    let about = std::fs::metadata(&mount.source).map_err(linking)?;
    let (above, name) = mount.link.rsplit_once(['\\', '/']).unwrap_or(("", &mount.link));
    let above = folders::beneath_files(files, above, "HostProcess.Mounts.Link", note)?;
    let link = above.join(name);
    if std::fs::symlink_metadata(&link).is_ok() {
        return Err(linking(io::ErrorKind::AlreadyExists.into()));
    }
    note.note_link(&link)?;
    if about.is_dir() {
        std::os::windows::fs::symlink_dir(to, &link).map_err(linking)?;
    } else {
        std::os::windows::fs::symlink_file(to, &link).map_err(linking)?;
    }
    // Not every Windows that says yes has made one.
    std::fs::symlink_metadata(&link).map_err(linking)?;
    Ok(())
}

fn with_slash(path: &Path) -> Vec<u16> {
    wide(format!(r"{}\", path.display().to_string().trim_end_matches('\\')))
}

/// It is a link, or a folder that a volume is mounted at.
pub(super) fn leads_elsewhere(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_symlink())
}

/// Takes away what a container had, newest first; what is gone is gone.
pub(super) fn take_away(written: &Written) -> Result<(), ErrorKind> {
    let root = &written.root;
    for link in written.links.iter().rev().filter(|link| leads_elsewhere(link)) {
        // A link to a folder is taken away as one.
        std::fs::remove_dir(link)
            .or_else(|_| std::fs::remove_file(link))
            .map_err(|error| ErrorKind::io(format!("remove `{}`", link.display()), error))?;
    }
    if written.mounted && leads_elsewhere(root) {
        let at = with_slash(root);
        // SAFETY: the text ends with a zero.
        if unsafe { DeleteVolumeMountPointW(at.as_ptr()) } == 0 {
            let error = io::Error::last_os_error();
            return Err(ErrorKind::io(format!("unmount `{}`", root.display()), error));
        }
    }
    if written.made {
        // Only when nothing was left in it: files there are the user's.
        std::fs::remove_dir(root).ok();
    }
    Ok(())
}
