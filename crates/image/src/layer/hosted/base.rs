//! A base layer: its files stand as they are, with all that Windows' backup would give them, and the
//! service then makes the empty disks and hives that scratches and layers over it begin as.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use engine::os::fd::OwnedFd;
use engine::os::fs::{AtFlags, Mode, linkat, mkdirat};

use super::super::beneath;
use super::super::filler::Refusal;
use super::super::settle::{archive_path, split};
use super::super::stage::Staged;
use super::super::tree::{FILES, Id, Kind};
use super::Ground;
use super::files::{About, Shape};
use crate::error::{Error, IoContext, Result};
use crate::hive::{Key, regf};

/// Where the registry is, and what it must have for the service to take the layer.
const CONFIG: [&str; 3] = ["Windows", "System32", "config"];
const REGISTRY: [&str; 5] = ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"];

/// Sets `staged` up as `folder`.
pub(super) fn set_up(staged: &mut Staged, ground: &Ground<'_>, folder: &Path) -> Result<()> {
    add_registry(staged, ground)?;
    make_links(staged, ground)?;
    fs::create_dir(folder).at("make", folder)?;
    for (from, to) in [("fs", "Files"), ("hives", "Hives")] {
        let to = folder.join(to);
        let from = staged.staging.path().join(from);
        ground.service.put_in_place(&from, &to).at("put in place", &to)?;
    }
    restore(staged, ground, folder)?;
    ground.service.set_up_base(folder).at("set up", folder)
}

/// Hives with nothing in them, where the layer has none.
fn add_registry(staged: &mut Staged, ground: &Ground<'_>) -> Result<()> {
    let root = staged.staging.root();
    let made = staged.tree.folder(FILES, &CONFIG, |tree, id| make_folder(root, &tree.path(id)));
    let config = made.map_err(|refusal| told(refusal, ground, staged.staging.path()))?;
    for name in REGISTRY {
        if let Some(id) = staged.tree.child(config, name) {
            // The service reads it, and would follow a link to wherever it leads.
            if !matches!(staged.tree.node(id).kind, Kind::File | Kind::HardLink(_)) {
                return Err(ground.refused(staged, id, "a hive is a plain file"));
            }
            continue;
        }
        let id = staged.tree.leaf(config, name, Kind::File, None);
        let id = id.map_err(|rule| told(rule.into(), ground, staged.staging.path()))?;
        let path = staged.tree.path(id);
        let at = staged.staging.path().join(&path);
        let hive = regf::write(&Key::new("ROOT"));
        let mut file = beneath::create(root, &path, Mode::from_raw_mode(0o600)).at("make", &at)?;
        file.write_all(&hive).at("write", &at)?;
    }
    Ok(())
}

fn make_folder(root: &OwnedFd, path: &str) -> Result<(), Refusal> {
    let (parent, name) = split(path);
    let parent = beneath::open_dir(root, parent).map_err(io::Error::from)?;
    mkdirat(&parent, name, Mode::from_raw_mode(0o755)).map_err(io::Error::from)?;
    Ok(())
}

fn told(refusal: Refusal, ground: &Ground<'_>, at: &Path) -> Error {
    match refusal {
        Refusal::Rule(rule) => Error::Layer { layer: ground.layer.to_owned(), rule },
        Refusal::Io(source) | Refusal::Earlier(_, source) => {
            Error::Io { op: "make a folder in", path: at.to_owned(), source }
        }
    }
}

/// Hard links, and what becomes a link when it is restored. It leads nowhere until then, so nothing
/// can be put through it.
fn make_links(staged: &Staged, ground: &Ground<'_>) -> Result<()> {
    let root = staged.staging.root();
    for id in staged.tree.ids() {
        let path = staged.tree.path(id);
        let at = staged.staging.path().join(&path);
        match &staged.tree.node(id).kind {
            Kind::HardLink(target) => {
                let from = own_file(staged, id, target)
                    .ok_or_else(|| ground.refused(staged, id, "its target is no file before it"))?;
                let ((from, old), (to, new)) = (split(&from), split(&path));
                let from = beneath::open_dir(root, from).at("open", &at)?;
                let to = beneath::open_dir(root, to).at("open", &at)?;
                linkat(&from, old, &to, new, AtFlags::empty()).at("link", &at)?;
            }
            Kind::Symlink(_) => match ground.link(staged, id) {
                Shape::Link { to_folder: true } => make_folder(root, &path)
                    .map_err(|refusal| told(refusal, ground, staged.staging.path()))?,
                _ => {
                    drop(beneath::create(root, &path, Mode::from_raw_mode(0o600)).at("make", &at)?);
                }
            },
            Kind::Whiteout => {
                return Err(ground.refused(staged, id, "a base layer has nothing to remove"));
            }
            Kind::Dir { .. } | Kind::File => {}
        }
    }
    Ok(())
}

/// The path of a file of this layer that comes before a link to it: others would be made of nothing.
pub(super) fn own_file(staged: &Staged, link: Id, target: &[String]) -> Option<String> {
    let found = staged.tree.find(FILES, target.iter().map(String::as_str))?;
    let is_there = match staged.tree.node(found).kind {
        Kind::File => true,
        Kind::HardLink(_) => found < link,
        Kind::Dir { .. } | Kind::Symlink(_) | Kind::Whiteout => false,
    };
    is_there.then(|| staged.tree.path(found))
}

/// Children first: what is done in a folder changes its times, and its security may shut it.
fn restore(staged: &Staged, ground: &Ground<'_>, folder: &Path) -> Result<()> {
    let root = beneath::open_root(folder).at("open", folder)?;
    for id in staged.tree.ids().rev() {
        let node = staged.tree.node(id);
        let shape = match &node.kind {
            Kind::File => Shape::File,
            Kind::Dir { .. } => Shape::Folder,
            Kind::Symlink(_) => ground.link(staged, id),
            Kind::HardLink(_) | Kind::Whiteout => continue,
        };
        let Some(meta) = node.meta.as_deref() else { continue };
        let about = About::of(Some(meta), shape, ground.service)
            .map_err(|rule| ground.refused(staged, id, rule))?;
        let path = archive_path(&staged.tree.path(id));
        ground.service.restore(&root, &path, &about.whole()).at("restore", &folder.join(&path))?;
    }
    Ok(())
}
