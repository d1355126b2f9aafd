//! A mount string or object to a [`MountPoint`].

use super::check::{Asked, break_of, check};
use super::grammar::{self, Parts};
use super::point::trimmed;
use super::{MountError, MountKind, MountPoint};
use crate::api::{Driver, Mount, VolumeOptions};
use crate::fold;
use crate::host::{Lookups, PathKind, PathStyle};

/// Reads a `-v` string. On a Windows host all of it is put in lower case first, volume names
/// included; a Unix host keeps the case of every part.
pub fn parse(
    raw: &str,
    volume_driver: &str,
    style: PathStyle,
    host: &impl Lookups,
) -> Result<MountPoint, MountError> {
    let text = if style == PathStyle::Windows { fold::lower(raw) } else { raw.to_owned() };
    let parts = grammar::split(&text, style).ok_or_else(|| MountError::Form(raw.to_owned()))?;
    refuse_lone_file(&parts, host)?;
    let mode = fold::lower(parts.mode);
    let mount = asked(&parts, &mode, volume_driver);
    if let Some(rule) = break_of(&mount, &Asked { style, host }) {
        return Err(MountError::Raw { raw: raw.to_owned(), kind: mount.kind, rule });
    }
    let mut point = point(mount, style);
    point.mode = mode;
    Ok(point)
}

/// Reads an element of `HostConfig.Mounts`; case is preserved.
pub fn from_spec(
    mount: &Mount,
    style: PathStyle,
    host: &impl Lookups,
) -> Result<MountPoint, MountError> {
    check(mount, style, host)?;
    Ok(point(mount.clone(), style))
}

/// A lone path that is a file of the host was meant as a source.
fn refuse_lone_file(parts: &Parts<'_>, host: &impl Lookups) -> Result<(), MountError> {
    if parts.source.is_some() {
        return Ok(());
    }
    match host.stat(parts.destination) {
        Ok(Some(PathKind::File)) => Err(MountError::LoneFile(parts.destination.to_owned())),
        _ => Ok(()),
    }
}

fn asked(parts: &Parts<'_>, mode: &str, volume_driver: &str) -> Mount {
    let raw_source = parts.source.unwrap_or_default();
    let target = backslashed(parts.destination);
    let kind = kind_of(raw_source, &target);
    let source =
        if is_unix_dir(raw_source) { raw_source.to_owned() } else { backslashed(raw_source) };
    let driver = (kind == MountKind::Volume && !volume_driver.is_empty()).then(|| VolumeOptions {
        driver_config: Some(Driver { name: volume_driver.to_owned(), ..Driver::default() }),
        ..VolumeOptions::default()
    });
    Mount {
        kind: kind.as_str().to_owned(),
        source,
        target,
        read_only: mode == "ro",
        volume_options: driver,
        ..Mount::default()
    }
}

/// What a source of a mount string is. `\\x\pipe\y` is no pipe, and fails as a volume's name. A
/// path of a Unix host is a pipe's socket when the target is a pipe.
fn kind_of(source: &str, target: &str) -> MountKind {
    let slashed = backslashed(source);
    if grammar::is_pipe(&slashed) || is_unix_dir(source) && grammar::is_pipe(target) {
        MountKind::NamedPipe
    } else if is_unix_dir(source) || grammar::is_host_dir(&slashed) {
        MountKind::Bind
    } else {
        MountKind::Volume
    }
}

/// A directory of a Unix host. The grammar lets none through on a Windows host but pipes.
fn is_unix_dir(source: &str) -> bool {
    source.starts_with('/') && !grammar::is_destination(source)
}

fn point(mount: Mount, style: PathStyle) -> MountPoint {
    let kind = match mount.kind.as_str() {
        "bind" => MountKind::Bind,
        "npipe" => MountKind::NamedPipe,
        _ => MountKind::Volume,
    };
    let volume = kind == MountKind::Volume;
    let driver = mount.volume_options.as_ref().and_then(|options| options.driver_config.as_ref());
    MountPoint {
        kind,
        name: if volume { mount.source.clone() } else { String::new() },
        source: if volume { String::new() } else { host_path(&mount.source, style) },
        destination: trimmed(backslashed(&mount.target)),
        driver: driver.map(|driver| driver.name.clone()).unwrap_or_default(),
        mode: String::new(),
        writable: !mount.read_only,
        propagation: String::new(),
        copy_data: false,
        spec: mount,
    }
}

fn host_path(source: &str, style: PathStyle) -> String {
    if style == PathStyle::Unix && is_unix_dir(source) {
        return source.to_owned();
    }
    trimmed(backslashed(source))
}

fn backslashed(path: &str) -> String {
    path.replace('/', "\\")
}
