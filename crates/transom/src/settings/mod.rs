//! From flags to settings: what the user typed, in docker's API form.
//!
//! Nothing here decides what a setting means: that is crate `spec`'s. What only a command line has
//! (sizes with units, files of variables, `NAME` for `NAME` of this environment) is read here.

pub mod command_line;
pub mod create;
pub mod given;
pub mod health;
mod mount;
pub mod network;
pub mod pairs;
pub mod ports;
pub mod signal;
pub mod size;
pub mod time;

use std::io;
use std::net::IpAddr;

use anyhow::{Context, Result};
use spec::PathKind;

/// What a path of the host leads to.
pub fn stat(path: &str) -> io::Result<Option<PathKind>> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(Some(PathKind::Directory)),
        Ok(_) => Ok(Some(PathKind::File)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// `NAME:ADDRESS` of `--add-host`; docker takes `=` too, and brackets around IPv6.
pub fn extra_host(text: &str) -> Result<(String, IpAddr)> {
    let wrong = || format!("bad format for add-host: \"{text}\": NAME:IP is wanted");
    let (name, address) = text.split_once(['=', ':']).with_context(wrong)?;
    let plain = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match plain.unwrap_or(address) {
        "host-gateway" => anyhow::bail!(
            "--add-host {text}: host-gateway is not supported; name the host's address on the \
             container's network"
        ),
        plain => plain.parse().with_context(wrong)?,
    };
    Ok((name.to_owned(), address))
}
