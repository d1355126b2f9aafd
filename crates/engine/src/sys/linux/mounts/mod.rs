//! The mount tree of a silo, built by its pid 1 in a mount namespace of its own.
//!
//! ```text
//! /                tmpfs, read-only at the end
//! ├─ usr, lib, …   the runtime's entries, read-only
//! ├─ etc           the runtime's, with the silo's own hosts, resolv.conf, hostname
//! ├─ dev           tmpfs with nodes that reach no hardware, and a devpts
//! ├─ proc          of the pid namespace, secrets masked
//! ├─ sys           nothing but the processors' description
//! ├─ tmp, run      tmpfs; Kerberos tickets in run, where there are any
//! └─ wine          the scratch's prefix; drive_c is the overlay, mapped directories in it
//! ```
//!
//! What comes from the host is cloned, id-mapped and given its attributes while detached
//! ([`tree`]), so it is never visible in a weaker form. Nothing is mounted in the host's
//! namespace: whatever ends the silo takes every mount with it.

mod etc;
mod mapped;
mod overlay;
mod special;
pub(crate) mod tree;

use std::fs;
use std::path::Path;

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::pivot_root;

pub(crate) use etc::EtcFiles;
pub(crate) use mapped::{Prepared, place, prepare, remove};
pub(crate) use tree::Tree;

use super::credentials;
use super::devices::DeviceNode;
use super::disk::Server;
use super::idmap::IdMap;
use super::plan::SiloPlan;
use crate::error::ErrorKind;

/// Everything that a tree takes from the host, cloned and changed but attached nowhere.
#[derive(Debug)]
pub(crate) struct Ingredients {
    scratch: Tree,
    passing: bool,
    lowers: Vec<Tree>,
    mapped: Vec<Prepared>,
    runtime: Tree,
    devices: Vec<DeviceNode>,
    credentials: Option<Tree>,
}

impl Ingredients {
    /// Opens and clones what the plan names. Nothing shows on the host. What serves a disk holds
    /// `lease`.
    pub(crate) fn prepare(
        plan: &SiloPlan,
        ids: &IdMap,
        lease: &fs::File,
    ) -> Result<Self, ErrorKind> {
        let prepare = |one| prepare(one, ids, lease);
        let passing = plan.storage.passing;
        if passing {
            super::scratch::begin_anew(&plan.storage.scratch)?;
        }
        Ok(Self {
            passing,
            scratch: super::scratch::tree(&plan.storage.scratch)?.map_ids(ids)?,
            lowers: overlay::lowers(&plan.storage.lowers, ids)?,
            mapped: plan.mapped.iter().map(prepare).collect::<Result<_, _>>()?,
            runtime: Tree::clone_of(&plan.storage.runtime)?.read_only()?,
            devices: plan.devices.clone(),
            credentials: plan
                .credentials
                .as_ref()
                .map(|plan| mapped::read_only_copy(&plan.folder, ids))
                .transpose()?,
        })
    }

    /// What must be held for as long as the mounts are there.
    pub(crate) fn take_servers(&mut self) -> Vec<Server> {
        self.mapped.iter_mut().flat_map(Prepared::take_servers).collect()
    }

    /// Builds the tree on `stage`, an empty host directory, and makes it the root. The caller is
    /// in a fresh mount namespace.
    pub(crate) fn enter(self, stage: &Path, etc: &EtcFiles) -> Result<(), ErrorKind> {
        let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
        mount_change("/", private)
            .map_err(|e| ErrorKind::io("detach from the host's mounts", e))?;
        special::tmpfs(stage, "mode=0755,size=4m")?;
        std::env::set_current_dir(stage).map_err(|e| ErrorKind::io("enter the stage", e))?;
        let root = Path::new("root");
        make_dir(root)?;
        special::tmpfs(root, "mode=0755,size=4m")?;
        let runtime = Path::new("runtime");
        make_dir(runtime)?;
        self.runtime.attach(runtime)?;
        special::runtime(runtime, root)?;
        etc.mount(runtime, &root.join("etc"))?;
        special::all(root, &self.devices)?;
        if let Some(tickets) = &self.credentials {
            let at = root.join(credentials::INSIDE);
            make_dir(&at)?;
            tickets.attach(&at)?;
        }
        let wine = root.join("wine");
        overlay::mount_prefix(&self.scratch, self.passing, &self.lowers, &wine)?;
        mapped::place_all(&root.join("wine/drive_c"), &self.mapped)?;
        become_root(root)
    }
}

fn become_root(root: &Path) -> Result<(), ErrorKind> {
    let step = |what: &'static str| move |e: rustix::io::Errno| ErrorKind::io(what, e);
    rustix::process::chdir(root).map_err(step("enter the new root"))?;
    // The old root lands on top of the new one, and goes.
    pivot_root(".", ".").map_err(step("make the new root the root"))?;
    unmount(".", UnmountFlags::DETACH).map_err(step("let go of the host's root"))?;
    rustix::process::chdir("/").map_err(step("enter the root"))?;
    tree::make_read_only(Path::new("/"))
}

fn make_dir(path: &Path) -> Result<(), ErrorKind> {
    fs::create_dir_all(path).map_err(|e| ErrorKind::io(format!("make {}", path.display()), e))
}
