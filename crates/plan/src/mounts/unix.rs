//! Mounts of a container that the Linux engine runs.

use schema::container::{MappedDirectory, MappedPipe};

use super::{
    DISKS, EXTENSIBLE_DISK, IN_SANDBOX, MEMORY, PHYSICAL_DISK, PIPE, VIRTUAL_DISK, check_ends,
};
use crate::error::{PlanError, Result};
use crate::host::Lookups;
use crate::oci::Mount;

/// The mounts of a container that the Linux engine runs.
///
/// Sources are paths of this host; a destination below `\\.\pipe\` makes a pipe, whose source is a
/// pipe of the host by name or a Unix socket.
pub fn unix(
    mounts: &[Mount],
    sandbox: Option<&str>,
    lookups: &dyn Lookups,
) -> Result<(Vec<MappedDirectory>, Vec<MappedPipe>)> {
    let (mut directories, mut pipes) = (Vec::new(), Vec::new());
    for (at, mount) in mounts.iter().enumerate() {
        check_ends(at, mount)?;
        check_unix(at, mount)?;
        if let Some(name) = mount.destination.strip_prefix(PIPE) {
            pipes.push(unix_pipe(at, name, mount, lookups)?);
        } else if mount.mount_type == MEMORY {
            directories.push(memory(at, mount)?);
        } else {
            directories.push(unix_directory(at, mount, sandbox, lookups)?);
        }
    }
    Ok((directories, pipes))
}

fn check_unix(at: usize, mount: &Mount) -> Result<()> {
    let field = format!("mounts.{at}.type");
    if mount.mount_type == EXTENSIBLE_DISK {
        let why = "drivers of extensible virtual disks are those of a Windows host";
        return Err(PlanError::unsupported(field, why));
    }
    let known = ["", "bind", "none", VIRTUAL_DISK, PHYSICAL_DISK, MEMORY];
    if !known.contains(&mount.mount_type.as_str()) {
        let rule =
            "only directories, files, disks and pipes of the host, and memory, can be mapped";
        return Err(PlanError::field(field, &mount.mount_type, rule));
    }
    if mount.destination.starts_with(PIPE) || crate::paths::is_absolute(&mount.destination) {
        return Ok(());
    }
    let rule = r"must be an absolute Windows path like C:\data, or a pipe";
    Err(PlanError::field(format!("mounts.{at}.destination"), &mount.destination, rule))
}

fn unix_pipe(at: usize, name: &str, mount: &Mount, lookups: &dyn Lookups) -> Result<MappedPipe> {
    let field = || format!("mounts.{at}.source");
    let host_path = if mount.source.starts_with(PIPE) {
        mount.source.clone()
    } else if mount.source.starts_with('/') {
        lookups.resolve(&mount.source).map_err(PlanError::lookup(field()))?
    } else {
        let rule = r"a pipe's source is a pipe like \\.\pipe\x, or the path of a socket or folder";
        return Err(PlanError::field(field(), &mount.source, rule));
    };
    Ok(MappedPipe { container_pipe_name: name.into(), host_path, host_path_type: String::new() })
}

/// Memory in the place of a directory of the host. How large it may become stands where the host's
/// path does; the engine of a Windows host has no such thing.
fn memory(at: usize, mount: &Mount) -> Result<MappedDirectory> {
    let size = mount.options.iter().find_map(|option| option.strip_prefix("size="));
    if let Some(size) = size.filter(|size| !size.parse::<u64>().is_ok_and(|size| size > 0)) {
        let rule = "a size is a number of bytes";
        return Err(PlanError::field(format!("mounts.{at}.options"), size, rule));
    }
    Ok(MappedDirectory {
        host_path: size.unwrap_or_default().to_owned(),
        host_path_type: MEMORY.to_owned(),
        container_path: mount.destination.clone(),
        read_only: is_read_only(mount),
    })
}

fn unix_directory(
    at: usize,
    mount: &Mount,
    sandbox: Option<&str>,
    lookups: &dyn Lookups,
) -> Result<MappedDirectory> {
    let field = format!("mounts.{at}.source");
    let host_path = if let Some(shared) = mount.source.strip_prefix(IN_SANDBOX) {
        shared_path(&field, shared, sandbox)?
    } else if mount.source.starts_with('/') {
        lookups.resolve(&mount.source).map_err(PlanError::lookup(&field))?
    } else {
        let rule = "must be an absolute path of this host";
        return Err(PlanError::field(field, &mount.source, rule));
    };
    let is_disk = DISKS.contains(&mount.mount_type.as_str());
    if is_disk && mount.source.starts_with(IN_SANDBOX) {
        let rule = "a disk is a file or a device of the host";
        return Err(PlanError::field(field, &mount.source, rule));
    }
    Ok(MappedDirectory {
        host_path,
        // The engine of a Windows host has no such types: disks go to a VM there.
        host_path_type: if is_disk { mount.mount_type.clone() } else { String::new() },
        container_path: mount.destination.clone(),
        read_only: is_read_only(mount),
    })
}

/// Whether some option forbids writing, by any of the words that Linux users know.
fn is_read_only(mount: &Mount) -> bool {
    let words = ["ro", "readonly", "read-only", "rro"];
    mount.options.iter().any(|option| words.iter().any(|word| option.eq_ignore_ascii_case(word)))
}

/// Where a pod keeps what its containers share.
///
/// Each name is one folder directly below the pod's, also when it has several elements: a container
/// can write below its own, and must not be able to plant a link that another one's mount follows.
pub fn shared_path(field: &str, shared: &str, sandbox: Option<&str>) -> Result<String> {
    let Some(folder) = sandbox else {
        let why = "only the containers of a pod share a sandbox";
        return Err(PlanError::unsupported(field, why));
    };
    let elements: Vec<&str> =
        shared.split(['/', '\\']).filter(|element| !matches!(*element, "" | ".")).collect();
    if elements.iter().any(|element| *element == ".." || element.contains('\0')) {
        return Err(PlanError::field(field, shared, "must stay within the sandbox"));
    }
    let name = elements.join("/").replace('%', "%25").replace('/', "%2F");
    Ok(format!("{}/_{name}", folder.trim_end_matches('/')))
}
