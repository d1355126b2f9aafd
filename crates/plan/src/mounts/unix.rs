//! Mounts of a container that the Linux engine runs.

use schema::container::{MappedDirectory, MappedPipe};

use super::{DISKS, IN_SANDBOX, PIPE, check_ends};
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
        } else {
            directories.push(unix_directory(at, mount, sandbox, lookups)?);
        }
    }
    Ok((directories, pipes))
}

fn check_unix(at: usize, mount: &Mount) -> Result<()> {
    let field = format!("mounts.{at}.type");
    if DISKS.contains(&mount.mount_type.as_str()) {
        let why = "the Linux engine does not attach disks; mount the disk's file system on the \
                   host and map its folder";
        return Err(PlanError::unsupported(field, why));
    }
    if !matches!(mount.mount_type.as_str(), "" | "bind" | "none") {
        let rule = "only host directories, host files and pipes can be mapped";
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
        let rule = r"a pipe's source is a pipe like \\.\pipe\x or the path of a socket";
        return Err(PlanError::field(field(), &mount.source, rule));
    };
    Ok(MappedPipe { container_pipe_name: name.into(), host_path, host_path_type: String::new() })
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
    Ok(MappedDirectory {
        host_path,
        host_path_type: String::new(),
        container_path: mount.destination.clone(),
        read_only: mount.is_read_only(),
    })
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
