//! Where a job container's processes see its files, and its mounts beneath.
//!
//! The scratch's volume is mounted at a folder of the container's own, and mounts are links below it.
//! Binding (`bindfltapi.dll`), with which every container may have the same folder, needs a silo and
//! is not used.

use std::io;
use std::path::{Path, PathBuf};

use schema::job::{JobContainer, JobMount};
use windows_sys::Win32::Storage::FileSystem::{DeleteVolumeMountPointW, SetVolumeMountPointW};

use super::super::text::wide;
use crate::error::ErrorKind;

/// What was made; taken away when dropped, newest first.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    mounted: bool,
    made: bool,
    links: Vec<PathBuf>,
}

impl Root {
    /// Makes the root of a container, with what is mounted there.
    pub(super) fn make(container: &JobContainer, volume: &str) -> Result<Self, ErrorKind> {
        let path = PathBuf::from(&container.root);
        let made = !path.exists();
        let making = |error| ErrorKind::io(format!("make `{}`", container.root), error);
        std::fs::create_dir_all(&path).map_err(making)?;
        let mut root = Self { path, mounted: false, made, links: Vec::new() };
        if !volume.is_empty() {
            root.mount(volume)?;
        }
        for mount in &container.mounts {
            root.link(mount)?;
        }
        Ok(root)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn mount(&mut self, volume: &str) -> Result<(), ErrorKind> {
        let (at, volume) = (with_slash(&self.path), wide(volume));
        // SAFETY: both texts end with zeros.
        let done = unsafe { SetVolumeMountPointW(at.as_ptr(), volume.as_ptr()) };
        if done == 0 {
            let error = io::Error::last_os_error();
            return Err(ErrorKind::io(
                format!("mount its volume at `{}`", self.path.display()),
                error,
            ));
        }
        self.mounted = true;
        Ok(())
    }

    fn link(&mut self, mount: &JobMount) -> Result<(), ErrorKind> {
        let (source, link) = (Path::new(&mount.source), PathBuf::from(&mount.link));
        let linking =
            |error| ErrorKind::io(format!("link `{}` to `{}`", mount.link, mount.source), error);
        let about = std::fs::metadata(source).map_err(linking)?;
        if let Some(above) = link.parent() {
            std::fs::create_dir_all(above).map_err(linking)?;
        }
        if about.is_dir() {
            std::os::windows::fs::symlink_dir(source, &link).map_err(linking)?;
        } else {
            std::os::windows::fs::symlink_file(source, &link).map_err(linking)?;
        }
        // Not every Windows that says yes has made one.
        std::fs::symlink_metadata(&link).map_err(linking)?;
        self.links.push(link);
        Ok(())
    }
}

fn with_slash(path: &Path) -> Vec<u16> {
    wide(format!(r"{}\", path.display().to_string().trim_end_matches('\\')))
}

impl Drop for Root {
    fn drop(&mut self) {
        for link in self.links.iter().rev() {
            // A link to a folder is taken away as one.
            if std::fs::remove_dir(link).is_err() {
                std::fs::remove_file(link).ok();
            }
        }
        if self.mounted {
            let at = with_slash(&self.path);
            // SAFETY: the text ends with a zero.
            unsafe { DeleteVolumeMountPointW(at.as_ptr()) };
        }
        if self.made {
            // Only when nothing was left in it: files there are the user's.
            std::fs::remove_dir(&self.path).ok();
        }
    }
}
