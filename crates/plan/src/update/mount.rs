//! A mount that is added to a running container.

use schema::container::MappedDirectory;
use schema::modify::{ModifyRequest, RequestType, paths};
use serde_json::json;

use super::{Change, LiveMount};
use crate::annotations::names;
use crate::error::{PlanError, Result};
use crate::host::{Found, HostFacts, Lookups, builds};
use crate::mounts;
use crate::step::ModifyVm;
use crate::vm::HostingVm;
use crate::vm::devices::{Devices, ShareOptions};

pub(super) fn add_mount(
    mount: &LiveMount,
    vm: Option<&HostingVm>,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Vec<Change>> {
    if host.build < builds::RS5 {
        return Err(PlanError::unsupported("mount", "it needs Windows Server 2019"));
    }
    if mount.host_path.is_empty() || mount.container_path.is_empty() {
        return Err(PlanError::missing("mount", "a mount has a source and a destination"));
    }
    if !mounts::is_live_mount_supported(&mount.host_path, &mount.mount_type) {
        let rule = "only directories and files of the host can be added to a running container";
        return Err(PlanError::field("mount", &mount.host_path, rule));
    }
    let failed = PlanError::lookup("mount.HostPath");
    let Some(vm) = vm else {
        let resolved = lookups.resolve(&mount.host_path).map_err(failed)?;
        return Ok(vec![mapping(mount, resolved)]);
    };
    let found = lookups.find(&mount.host_path).map_err(failed)?;
    let (share, guest_path) = share(mount, vm, found)?;
    let mut changes: Vec<_> = share.into_iter().map(|share| Change::Vm(Box::new(share))).collect();
    changes.push(mapping(mount, guest_path));
    Ok(changes)
}

/// Shares a live mount's source with the VM.
fn share(mount: &LiveMount, vm: &HostingVm, found: Found) -> Result<(Option<ModifyVm>, String)> {
    if !mount.read_only && vm.no_writable_file_shares {
        return Err(PlanError::Denied {
            field: "mount.HostPath".into(),
            what: format!("`{}` forbids writable shares", names::NO_WRITABLE_SHARES),
        });
    }
    let mut devices: Devices = vm.devices.clone();
    let no_direct_map = vm.devices_physically_backed || vm.vsmb_no_direct_map;
    let options = ShareOptions::new(mount.read_only, no_direct_map);
    let change = match found {
        Found::Directory => devices.shares.add_directory(&mount.host_path, options),
        Found::File(_) => Some(devices.shares.add_file(&mount.host_path, options)),
    };
    let guest = devices.shares.guest_path(&mount.host_path, mount.read_only).unwrap_or_default();
    Ok((change, guest))
}

fn mapping(mount: &LiveMount, host_path: String) -> Change {
    let mapped = MappedDirectory {
        host_path,
        host_path_type: String::new(),
        container_path: mount.container_path.clone(),
        read_only: mount.read_only,
    };
    Change::Container(ModifyRequest {
        resource_path: paths::MAPPED_DIRECTORIES.into(),
        request_type: Some(RequestType::Add),
        settings: json!(mapped),
        guest_request: None,
    })
}
