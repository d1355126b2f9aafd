//! A Windows container in a Windows VM.

use schema::container::{Layer, MappedDirectory, MappedPipe};
use schema::document::{ComputeSystem, SchemaVersion};
use schema::modify::RequestType;
use serde_json::{Value, json};

use super::context::Context;
use crate::error::{PlanError, Result};
use crate::host::{HostFacts, Lookups};
use crate::layers::WindowsLayers;
use crate::oci::{Root, Spec};
use crate::paths::windows_join;
use crate::plan::{Plan, Sent};
use crate::process::{ProcessHost, adjust_isolated_host_process, parameters};
use crate::request::ContainerRequest;
use crate::step::Step;
use crate::vm::HostingVm;
use crate::vm::devices::{Disk, DiskMount, ShareOptions, added, guest_request};
use crate::wcow::{Builder, credential_spec};

/// Plans it.
pub(crate) fn windows(
    request: &ContainerRequest,
    vm: &HostingVm,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<Plan> {
    let mut context = Context::new(request, vm, host, lookups);
    context.drivers()?;
    let namespace = context.network()?;
    let (root, layers) = context.windows_layers()?;
    let mounts = context.windows_mounts()?;
    context.credentials();
    context.windows_devices()?;
    context.drivers()?;

    // Devices have become locations, which only acquisition can tell.
    let mut spec = request.spec.clone();
    if let Some(process) = spec.process.as_mut().filter(|_| is_host_process(&request.spec)) {
        adjust_isolated_host_process(process, context.annotations());
    }
    if let Some(windows) = spec.windows.as_mut() {
        windows.devices = None;
    }
    spec.root.get_or_insert_with(Root::default).path.clone_from(&root);
    let documents = Builder {
        id: request.id.as_str(),
        owner: &request.owner,
        spec: &spec,
        schema: SchemaVersion::V2_1,
        host,
        lookups,
        vm: Some(vm),
        scale_cpu_limits: request.scale_cpu_limits,
        root: Some(&root),
        layers: &layers,
        directories: super::directories(&spec.mounts, &context.devices, &mounts.disks)?,
        pipes: mounts.pipes,
        namespace: &namespace,
        credentials: None,
    }
    .build()?;
    Ok(Plan {
        id: request.id.clone(),
        paths: host.paths,
        schema: SchemaVersion::V2_1,
        steps: context.steps,
        document: ComputeSystem {
            owner: String::new(),
            schema_version: SchemaVersion::V2_1,
            hosting_system_id: String::new(),
            container: Some(documents.container),
            virtual_machine: None,
            should_terminate_on_last_handle_closed: false,
        },
        v1: documents.v1,
        sent: sent(vm, &spec),
        process: spec
            .process
            .as_ref()
            .map(|process| parameters(Some(process), request.stdio, ProcessHost::Windows)),
        affinity: Vec::new(),
        vm_devices: Some(context.devices),
        remarks: documents.remarks,
    })
}

/// What the mounts of a container in a Windows VM need, and what they become in its document.
pub fn mounts(
    request: &ContainerRequest,
    vm: &HostingVm,
    host: &HostFacts,
    lookups: &dyn Lookups,
) -> Result<(Vec<Step>, Vec<MappedDirectory>, Vec<MappedPipe>)> {
    let mut context = Context::new(request, vm, host, lookups);
    let mounts = context.windows_mounts()?;
    let all = super::directories(&request.spec.mounts, &context.devices, &mounts.disks)?;
    Ok((context.steps, all, mounts.pipes))
}

fn is_host_process(spec: &Spec) -> bool {
    spec.is_job_container() && spec.is_isolated()
}

/// A guest with a security policy judges the whole spec.
fn sent(vm: &HostingVm, spec: &Spec) -> Sent {
    if vm.confidential {
        let spec = serde_json::to_value(spec).expect("a spec was JSON");
        Sent::Confidential { spec }
    } else {
        Sent::Hosted
    }
}

impl Context<'_> {
    /// Where the root is in the VM, and the layers as the VM sees them.
    fn windows_layers(&mut self) -> Result<(String, Vec<Layer>)> {
        const FIELD: &str = "windows.layerFolders";
        let request = self.request;
        let all = WindowsLayers::of(&request.spec, &request.rootfs)?;
        let WindowsLayers::Folders { layers, scratch } = all else {
            let why = "composite images in a VM come with the VM engine";
            return Err(PlanError::unsupported("rootfs.0.type", why));
        };
        let root = request.spec.root.as_ref().map(|root| root.path.clone()).unwrap_or_default();
        if !root.is_empty() {
            return Ok((root, self.describe(&layers, |path| Ok(path.to_owned()))?));
        }
        self.windows_scratch(&scratch, &layers);
        let options = ShareOptions::layer(self.no_direct_map());
        for layer in &layers {
            self.share(FIELD, layer, options)?;
        }
        let disk = Disk::file(windows_join(&[&scratch, "sandbox.vhdx"]), false);
        let root = self.disk(FIELD, disk, DiskMount::default(), None, true)?;
        let shares = self.devices.shares.clone();
        let described = self.describe(&layers, |path| {
            let why = "it was shared as a layer";
            shares.guest_path(path, true).ok_or_else(|| PlanError::missing(FIELD, why))
        })?;
        self.combine(&root, &described);
        Ok((root, described))
    }

    fn windows_scratch(&mut self, scratch: &str, layers: &[String]) {
        if !self.lookups.exists(&windows_join(&[scratch, "sandbox.vhdx"])) {
            self.steps.push(Step::CreateScratch {
                scratch: scratch.to_owned(),
                layers: layers.to_vec(),
                size: crate::limits::scratch_size(&self.request.spec),
            });
        }
    }

    fn describe(
        &self,
        layers: &[String],
        seen: impl Fn(&str) -> Result<String>,
    ) -> Result<Vec<Layer>> {
        layers
            .iter()
            .map(|layer| {
                let failed = PlanError::lookup("windows.layerFolders");
                let id = self.lookups.layer_id(layer).map_err(failed)?;
                Ok(Layer { id, path: seen(layer)? })
            })
            .collect()
    }

    /// Lays the layers under the root.
    fn combine(&mut self, root: &str, layers: &[Layer]) {
        let combined = json!({ "ContainerRootPath": root, "Layers": layers });
        let removal = json!({ "ContainerRootPath": root });
        let (resource, add, remove) = if self.vm.confidential {
            let wrap = |value: Value| json!({ "CombinedLayers": value });
            ("CWCOWCombinedLayers", wrap(combined), wrap(removal))
        } else {
            ("CombinedLayers", combined, removal)
        };
        let request = |kind, settings| Some(guest_request(resource, kind, settings));
        let undo = added(None, request(RequestType::Remove, remove), None);
        self.modify([added(None, request(RequestType::Add, add), Some(undo))]);
    }

    fn credentials(&mut self) {
        let spec = self.request.spec.windows.as_ref().and_then(credential_spec);
        if let Some(spec) = spec {
            self.steps.push(Step::AddCredentials {
                credential_spec: spec.to_owned(),
                transport: "HvSocket".into(),
            });
            self.steps.push(Step::AllowCredentialService {});
        }
    }
}
