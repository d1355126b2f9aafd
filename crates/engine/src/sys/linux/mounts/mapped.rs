//! Mapped directories: host directories and files inside `C:`.
//!
//! The destination is walked component by component from the drive's root, without case, beneath
//! it and through no symbolic link, so that whatever an image or a running program has planted
//! there, a host directory only ever lands inside `C:`. What is missing is made.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    CWD, Dir, Mode, OFlags, ResolveFlags, mkdirat, open, openat, openat2, readlinkat,
};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

use super::Tree;
use crate::error::ErrorKind;
use crate::sys::disk::{self, Server};
use crate::sys::identity::FIRST_ID;
use crate::sys::idmap::IdMap;
use crate::sys::namespaces::as_file_owner;
use crate::sys::plan::{MappedPlan, MappedSource};

/// A mapped directory, cloned and ready to be placed.
#[derive(Debug)]
pub(crate) struct Prepared {
    tree: Tree,
    is_directory: bool,
    target: Vec<String>,
    /// After the tree: a server waits for the end of what it serves.
    servers: Vec<Server>,
}

impl Prepared {
    /// What must be held for as long as the mount is there.
    pub(crate) fn take_servers(&mut self) -> Vec<Server> {
        std::mem::take(&mut self.servers)
    }
}

/// Clones or makes what is mapped; what serves a disk holds `lease`.
pub(crate) fn prepare(plan: &MappedPlan, ids: &IdMap, lease: &File) -> Result<Prepared, ErrorKind> {
    let mut servers = Vec::new();
    let (tree, is_directory) = match &plan.source {
        MappedSource::Path(path) => of_host(path, plan.read_only, ids)?,
        MappedSource::Memory(size) => (disk::memory::mount(*size, plan.read_only)?, true),
        MappedSource::Disk(path, kind) => {
            let mounted = disk::mount(path, *kind, plan.read_only, lease)?;
            servers = mounted.servers;
            let name = path.display();
            (
                if mounted.is_owned { mounted.tree } else { map_owner(mounted.tree, &name, ids)? },
                true,
            )
        }
    };
    Ok(Prepared { tree, is_directory, target: plan.target.clone(), servers })
}

/// Clones a folder for reading; its owner is the container's root.
pub(super) fn read_only_copy(folder: &Path, ids: &IdMap) -> Result<Tree, ErrorKind> {
    of_host(folder, true, ids).map(|(tree, _)| tree)
}

/// Clones a directory or a file, and tells which of the two.
fn of_host(path: &Path, read_only: bool, ids: &IdMap) -> Result<(Tree, bool), ErrorKind> {
    let stat = rustix::fs::stat(path)
        .map_err(|e| ErrorKind::io(format!("look at the mapped {}", path.display()), e))?;
    // A source that is itself a link means what it leads to.
    let source = follow(path)?;
    let owned = IdMap::for_owner(stat.st_uid, stat.st_gid)?;
    let tree = Tree::clone_all(&source)?.map_all_ids(owned.as_ref().unwrap_or(ids))?;
    let tree = if read_only { tree.read_only()? } else { tree };
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    Ok((tree, kind == rustix::fs::FileType::Directory))
}

/// Shows whoever owns a disk's root as the container's root.
fn map_owner(tree: Tree, name: &impl std::fmt::Display, ids: &IdMap) -> Result<Tree, ErrorKind> {
    let root = rustix::fs::fstat(&tree)
        .map_err(|e| ErrorKind::io(format!("look at what disk {name} holds"), e))?;
    let owned = IdMap::for_owner(root.st_uid, root.st_gid)?;
    tree.map_all_ids(owned.as_ref().unwrap_or(ids))
}

/// The final path of a source.
fn follow(path: &Path) -> Result<std::path::PathBuf, ErrorKind> {
    let fail = |e| ErrorKind::io(format!("follow {}", path.display()), e);
    let opened = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(fail)?;
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&opened));
    let real = readlinkat(CWD, link, Vec::new()).map_err(fail)?;
    Ok(std::os::unix::ffi::OsStringExt::from_vec(real.into_bytes()))
        .map(|text: std::ffi::OsString| text.into())
}

/// Places all of them, in order: a later one may lie inside an earlier one.
pub(super) fn place_all(drive: &Path, mapped: &[Prepared]) -> Result<(), ErrorKind> {
    mapped.iter().try_for_each(|one| place(drive, one))
}

/// Places one below `drive`.
pub(crate) fn place(drive: &Path, mapped: &Prepared) -> Result<(), ErrorKind> {
    let shown = mapped.target.join("\\");
    let over = walk(drive, &mapped.target, mapped.is_directory)
        .map_err(|e| ErrorKind::io(format!("find a place for C:\\{shown}"), e))?;
    mapped.tree.attach_over(&over)
}

/// Takes away what is mounted at a place below `drive`.
pub(crate) fn remove(drive: &Path, target: &[String]) -> Result<(), ErrorKind> {
    let shown = target.join("\\");
    let fail = |e| ErrorKind::io(format!("unmount C:\\{shown}"), e);
    let (last, above) = target.split_last().expect("a target is never empty");
    let parent = walk(drive, above, true).map_err(fail)?;
    let name = spelling(parent.as_fd(), last).map_err(fail)?.ok_or_else(|| fail(Errno::NOENT))?;
    rustix::process::fchdir(&parent).map_err(fail)?;
    unmount(&*name, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).map_err(fail)
}

fn walk(drive: &Path, target: &[String], directory: bool) -> rustix::io::Result<OwnedFd> {
    let mut at = open(drive, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    for (index, component) in target.iter().enumerate() {
        let is_last = index + 1 == target.len();
        at = step(&at, component, directory || !is_last)?;
    }
    Ok(at)
}

/// One component down, made if it is missing.
fn step(parent: &OwnedFd, component: &str, directory: bool) -> rustix::io::Result<OwnedFd> {
    let name = match spelling(parent.as_fd(), component)? {
        Some(name) => name,
        None => make(parent, component, directory)?,
    };
    let kind = if directory { OFlags::DIRECTORY } else { OFlags::empty() };
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(parent, &*name, flags, Mode::empty(), resolve)
}

/// How the directory spells `component`, if it has it.
fn spelling(
    parent: rustix::fd::BorrowedFd<'_>,
    component: &str,
) -> rustix::io::Result<Option<std::ffi::OsString>> {
    let list =
        openat(parent, c".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let wanted = component.to_lowercase();
    let mut folded = None;
    for entry in Dir::new(list)? {
        let entry = entry?;
        let bytes = entry.file_name().to_bytes();
        let name: &OsStr = std::os::unix::ffi::OsStrExt::from_bytes(bytes);
        if bytes == component.as_bytes() {
            return Ok(Some(name.to_owned()));
        }
        if name.to_str().is_some_and(|name| name.to_lowercase() == wanted) {
            folded.get_or_insert(name.to_owned());
        }
    }
    Ok(folded)
}

/// Makes a directory or an empty file, owned by the container's root.
fn make(
    parent: &OwnedFd,
    component: &str,
    directory: bool,
) -> rustix::io::Result<std::ffi::OsString> {
    as_file_owner(FIRST_ID, || {
        if directory {
            mkdirat(parent, component, Mode::from_raw_mode(0o755))
        } else {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            openat(parent, component, flags, Mode::from_raw_mode(0o644)).map(drop)
        }
    })?;
    Ok(component.into())
}
