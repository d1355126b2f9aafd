//! What a host process container sees of the host's files.
//!
//! With the bind filter each mount is bound at its own destination, and for programs that look below
//! the root there is a link too. Without, there is only the link.

use schema::job::JobMount;

use super::places::{Places, folder};
use crate::error::{PlanError, Result};
use crate::job::below_root;
use crate::oci::Mount;

const PIPE: &str = r"\\.\pipe\";
/// Stands for the container's files: whatever leaves them leads to something else.
const FILES: &str = r"C:\files\";

/// Decides what is seen of a mount.
pub(super) fn seen(mount: &Mount, places: &Places) -> Result<JobMount> {
    if mount.source.is_empty() || mount.destination.is_empty() {
        return Err(PlanError::missing("mounts.source", "a mount has a source and a destination"));
    }
    if mount.source.to_lowercase().starts_with(PIPE) {
        let why = "a host process container reaches the host's pipes by itself";
        return Err(PlanError::unsupported("mounts.source", why));
    }
    let read_only = mount.options.iter().any(|option| option.eq_ignore_ascii_case("ro"));
    if read_only && !places.bound {
        let why = "without the bind filter a host process container's mounts are links, which \
                   cannot be read-only";
        return Err(PlanError::unsupported("mounts.options", why));
    }
    let destination = if places.bound { destination(mount)? } else { String::new() };
    let link = link(mount)?;
    Ok(JobMount { source: mount.source.clone(), link, destination, read_only })
}

/// Where it is bound: at a path of a drive, the system's when none is named.
fn destination(mount: &Mount) -> Result<String> {
    let named = &mount.destination;
    let whole = if named.starts_with(['\\', '/']) { format!("C:{named}") } else { named.clone() };
    folder(whole.trim_end_matches(['\\', '/'])).ok_or_else(|| {
        let rule = r"a path on a drive, like `C:\data`, of a host process container's mount";
        PlanError::field("mounts.destination", named.clone(), rule)
    })
}

/// Where its link is, beneath the container's files and never beside them.
fn link(mount: &Mount) -> Result<String> {
    let link = below_root(FILES, &mount.destination);
    match link.strip_prefix(FILES) {
        Some(below) if !below.is_empty() => Ok(below.to_owned()),
        _ => {
            let why = "a host process container's mounts are below its root";
            Err(PlanError::unsupported("mounts.destination", why))
        }
    }
}
