//! The rules for a mount object.

use super::grammar;
use super::{MountError, Rule, check_volume_name};
use crate::api::Mount;
use crate::fold;
use crate::host::{Lookups, PathKind, PathStyle};
use crate::winpath;

/// On which host a mount was asked for.
pub(super) struct Asked<'h, H> {
    pub(super) style: PathStyle,
    pub(super) host: &'h H,
}

/// Checks an element of `HostConfig.Mounts`.
pub fn check(mount: &Mount, style: PathStyle, host: &impl Lookups) -> Result<(), MountError> {
    match break_of(mount, &Asked { style, host }) {
        None => Ok(()),
        Some(rule) => Err(MountError::Config { kind: mount.kind.clone(), rule }),
    }
}

/// The first rule that `mount` breaks.
pub(super) fn break_of<H: Lookups>(mount: &Mount, asked: &Asked<'_, H>) -> Option<Rule> {
    all_of(mount, asked).err()
}

fn all_of<H: Lookups>(mount: &Mount, asked: &Asked<'_, H>) -> Result<(), Rule> {
    options_belong(mount)?;
    target(&mount.target)?;
    match mount.kind.as_str() {
        "bind" => bind(mount, asked),
        "volume" => volume(mount),
        "npipe" => named_pipe(mount, asked.style),
        _ => Err(Rule::Kind),
    }
}

/// Options of another kind of mount must be absent.
fn options_belong(mount: &Mount) -> Result<(), Rule> {
    let options = [
        ("BindOptions", "bind", mount.bind_options.is_some()),
        ("VolumeOptions", "volume", mount.volume_options.is_some()),
        ("TmpfsOptions", "tmpfs", mount.tmpfs_options.is_some()),
        ("ImageOptions", "image", mount.image_options.is_some()),
        ("ClusterOptions", "cluster", mount.cluster_options.is_some()),
    ];
    match options.iter().find(|(_, kind, given)| *given && mount.kind != *kind) {
        Some((name, ..)) => Err(Rule::Extra(name)),
        None => Ok(()),
    }
}

/// The system drive cannot be a target; the comparison is of text, so `c:\.` passes.
fn target(path: &str) -> Result<(), Rule> {
    if path.is_empty() {
        return Err(Rule::Missing("Target"));
    }
    let plain = fold::lower(&winpath::from_slash(path));
    if matches!(plain.as_str(), "c:" | "c:\\") {
        return Err(Rule::SystemDrive(plain));
    }
    if grammar::is_destination(&fold::lower(path)) {
        Ok(())
    } else {
        Err(Rule::Path(path.to_owned()))
    }
}

fn bind<H: Lookups>(mount: &Mount, asked: &Asked<'_, H>) -> Result<(), Rule> {
    if mount.source.is_empty() {
        return Err(Rule::Missing("Source"));
    }
    if let Some(options) = mount.bind_options.as_ref().filter(|o| !o.propagation.is_empty()) {
        return Err(Rule::Propagation(options.propagation.clone()));
    }
    let of_unix = asked.style == PathStyle::Unix && mount.source.starts_with('/');
    if !of_unix && !grammar::is_destination(&fold::lower(&mount.source)) {
        return Err(Rule::Relative(mount.source.clone()));
    }
    match asked.host.stat(&mount.source) {
        Err(error) => Err(Rule::Stat(error.to_string())),
        Ok(None) => Err(Rule::NoSource(mount.source.clone())),
        Ok(Some(PathKind::File)) => Err(Rule::NotADirectory),
        Ok(Some(PathKind::Directory)) => Ok(()),
    }
}

fn volume(mount: &Mount) -> Result<(), Rule> {
    let subpath = mount.volume_options.as_ref().map_or("", |options| options.subpath.as_str());
    let anonymous = mount.source.is_empty();
    if !subpath.is_empty() && anonymous {
        return Err(Rule::AnonymousSubpath);
    }
    if !subpath.is_empty() && !winpath::is_local(subpath) {
        return Err(Rule::Subpath);
    }
    if anonymous { Ok(()) } else { Ok(check_volume_name(&mount.source)?) }
}

/// On a Unix host a pipe's source may also be the socket that answers it.
fn named_pipe(mount: &Mount, style: PathStyle) -> Result<(), Rule> {
    if mount.source.is_empty() {
        return Err(Rule::Missing("Source"));
    }
    if mount.read_only {
        return Err(Rule::Extra("ReadOnly"));
    }
    let is_socket = style == PathStyle::Unix && mount.source.starts_with('/');
    let mut ends = [&mount.source, &mount.target].into_iter().skip(usize::from(is_socket));
    match ends.find(|path| !grammar::is_pipe(path)) {
        Some(path) => Err(Rule::Pipe(path.clone())),
        None => Ok(()),
    }
}
