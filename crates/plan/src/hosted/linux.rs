//! A Linux container in a Linux VM: its layers, and its plan.

use schema::document::{ComputeSystem, SchemaVersion};
use schema::modify::RequestType;
use schema::v1;
use serde_json::json;

use super::context::Context;
use super::linux_spec;
use crate::error::{PlanError, Result};
use crate::host::{Found, HostFacts, Lookups};
use crate::layers::{LinuxLayer, LinuxLayers};
use crate::oci::Root;
use crate::plan::{Plan, Sent};
use crate::process::{ProcessHost, parameters};
use crate::request::ContainerRequest;
use crate::vm::HostingVm;
use crate::vm::devices::{Disk, DiskMount, added, guest_request};

const LAYERS: &str = "windows.layerFolders";

/// Plans it.
pub(crate) fn linux(
    request: &ContainerRequest,
    vm: &HostingVm,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Plan> {
    let mut context = Context::new(request, vm, host, lookups);
    context.drivers()?;
    context.network()?;
    let mut spec = request.spec.clone();
    let root = context.linux_layers()?;
    spec.root.get_or_insert_with(Root::default).path = root.path;
    context.linux_mounts(&mut spec.mounts)?;
    context.linux_devices(&mut spec)?;
    let document = json!({
        "SchemaVersion": SchemaVersion::V2_1,
        "OciBundlePath": context.container_root(),
        "OciSpecification": linux_spec::for_guest(&spec),
        "ScratchDirPath": root.scratch,
    });
    Ok(Plan {
        id: request.id.clone(),
        paths: host.paths,
        schema: SchemaVersion::V2_1,
        steps: context.steps,
        document: ComputeSystem {
            owner: request.owner.clone(),
            schema_version: SchemaVersion::V2_1,
            hosting_system_id: vm.id.clone(),
            container: None,
            virtual_machine: None,
            should_terminate_on_last_handle_closed: false,
        },
        v1: v1::ContainerConfig::default(),
        sent: Sent::Linux { document },
        // The guest has the first process from the spec.
        process: Some(parameters(None, request.stdio, ProcessHost::LinuxContainer)),
        affinity: Vec::new(),
        vm_devices: Some(context.devices),
        remarks: Vec::new(),
    })
}

struct LinuxRoot {
    path: String,
    scratch: String,
}

impl Context<'_> {
    /// The container's folder in the VM.
    pub(super) fn container_root(&self) -> String {
        format!("/run/gcs/c/{}", self.request.id)
    }

    fn linux_layers(&mut self) -> Result<LinuxRoot> {
        let request = self.request;
        let root = format!("{}/rootfs", self.container_root());
        let all = LinuxLayers::of(&request.spec, &request.rootfs)?;
        let layers =
            all.layers.iter().map(|layer| self.linux_layer(layer)).collect::<Result<Vec<_>>>()?;
        let scratch = self.linux_scratch(&all.scratch)?;
        let scratch = format!("{scratch}/scratch/{}", request.id);
        self.combine_linux(&root, &layers, &scratch);
        Ok(LinuxRoot { path: root, scratch })
    }

    /// Puts a layer on a memory device, or where there is no room on a disk.
    fn linux_layer(&mut self, layer: &LinuxLayer) -> Result<String> {
        if layer.partition == 0 && !self.vm.devices_physically_backed && self.vm.vpmem_max_count > 0
        {
            let found = self.lookups.find(&layer.vhd).map_err(PlanError::lookup(LAYERS))?;
            let Found::File(size) = found else {
                return Err(PlanError::field(LAYERS, &layer.vhd, "a layer is a file"));
            };
            if let Some((path, change)) = self.devices.pmem.add(self.vm, &layer.vhd, size) {
                self.modify(change);
                return Ok(path);
            }
        }
        let mount = DiskMount {
            partition: layer.partition,
            read_only: true,
            options: vec!["ro".into()],
            ..DiskMount::default()
        };
        self.disk(LAYERS, Disk::file(&layer.vhd, true), mount, None, false)
    }

    /// A scratch may be a link to another container's, which then is shared.
    fn linux_scratch(&mut self, scratch: &str) -> Result<String> {
        let path = self.lookups.resolve(scratch).map_err(PlanError::lookup(LAYERS))?;
        let mount = DiskMount {
            encrypted: self.vm.encrypt_scratch,
            ensure_filesystem: true,
            filesystem: if self.vm.encrypt_scratch { "xfs" } else { "ext4" }.into(),
            ..DiskMount::default()
        };
        let at = self.container_root();
        self.disk(LAYERS, Disk::file(path, false), mount, Some(&at), true)
    }

    fn combine_linux(&mut self, root: &str, layers: &[String], scratch: &str) {
        let layers: Vec<_> = layers.iter().map(|path| json!({ "Path": path })).collect();
        let id = self.request.id.as_str();
        let add = json!({
            "ContainerID": id, "ContainerRootPath": root, "Layers": layers, "ScratchPath": scratch,
        });
        let remove = json!({ "ContainerID": id, "ContainerRootPath": root });
        let request = |kind, settings| Some(guest_request("CombinedLayers", kind, settings));
        let undo = added(None, request(RequestType::Remove, remove), None);
        self.modify([added(None, request(RequestType::Add, add), Some(undo))]);
    }
}
