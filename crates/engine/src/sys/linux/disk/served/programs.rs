//! The programs that serve, and what they are told.
//!
//! Each runs in the helper's small tree ([`super::stage`]), where its image is [`IMAGE`] and nothing
//! else of the host's data can be named.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::{Format, Order, Service};
use crate::error::ErrorKind;
use crate::sys::identity::FIRST_ID;

/// The image, or the block device, in the helper's tree.
pub(super) const IMAGE: &str = "/image";

/// Where FUSE is mounted: over a file or a folder.
pub(super) const SERVED: &str = "/served";

/// Appears when qemu's daemon serves.
pub(super) const READY: &str = "/ready";

/// Where programs are.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/bin"];

/// A program of the host, if it is installed.
fn find(program: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

/// A program of the host, or what to install for it.
pub(in super::super) fn need(
    program: &str,
    what: &str,
    packages: &str,
) -> Result<PathBuf, ErrorKind> {
    let missing = || ErrorKind::HostLacks {
        what: format!("{what}, and there is no {program}"),
        mend: format!("install {packages}"),
    };
    let found = find(program).ok_or_else(missing)?;
    if Path::new("/dev/fuse").exists() {
        return Ok(found);
    }
    Err(ErrorKind::HostLacks {
        what: format!("{what}, and there is no /dev/fuse"),
        mend: "modprobe fuse".into(),
    })
}

/// The command line.
pub(super) fn command(order: &Order) -> Command {
    let mut command = Command::new(&order.program);
    match order.service {
        Service::Disk(format) => {
            command.args(disk_arguments(format, order.read_only));
        }
        Service::Ntfs => {
            command.arg("-o").arg(ntfs_options(order.read_only)).args([IMAGE, SERVED]);
        }
    }
    command
}

/// The format is said, never guessed: an image must not be able to name other files.
fn disk_arguments(format: Format, read_only: bool) -> Vec<String> {
    let driver = match format {
        Format::Vhdx => "vhdx",
        Format::Vpc => "vpc",
    };
    let disk = json!({
        "driver": driver,
        "node-name": "disk",
        "read-only": read_only,
        "file": { "driver": "file", "filename": IMAGE, "read-only": read_only },
    });
    let writable = if read_only { "off" } else { "on" };
    let export = format!(
        "type=fuse,id=disk,node-name=disk,mountpoint={SERVED},writable={writable},growable=off"
    );
    ["--blockdev", &disk.to_string(), "--export", &export, "--pidfile", READY]
        .map(str::to_owned)
        .to_vec()
}

/// Everything belongs to the container's root, and no name is made that Windows could not open.
fn ntfs_options(read_only: bool) -> String {
    let mode = if read_only { "ro" } else { "rw" };
    format!(
        "{mode},no_detach,allow_other,nosuid,nodev,noatime,windows_names,streams_interface=none,\
         uid={FIRST_ID},gid={FIRST_ID},umask=022"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_opened_by_its_own_driver_and_no_other_file_can_be_named() {
        let arguments = disk_arguments(Format::Vhdx, true);
        let disk: serde_json::Value = serde_json::from_str(&arguments[1]).unwrap();
        assert_eq!(disk["driver"], "vhdx");
        assert_eq!(disk["file"]["filename"], IMAGE);
        assert!(arguments[3].contains("writable=off"));
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_its_package() {
        let error = need("no-such-server", "disk x is a VHDX", "some-package").unwrap_err();
        let told = error.to_string();
        assert!(told.contains("no-such-server") && told.contains("some-package"), "{told}");
    }
}
