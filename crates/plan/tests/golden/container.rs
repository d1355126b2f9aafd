//! `container`: the create path of one container, carried out on the simulated host.

use plan::host::Lookups;
use plan::oci::{Root, Spec};
use plan::request::{RootfsMount, Streams};
use plan::step::{ModifyVm, Step};
use plan::vm::HostingVm;
use plan::wcow::Builder;
use plan::{Acquired, ContainerRequest, Plan, PlanError, ShimOptions};
use schema::SystemId;
use schema::container::{CredentialGuard, Layer, MappedPipe};
use schema::document::SchemaVersion;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::case::Outcome;
use crate::host::SimHost;

const SCRATCH_VOLUME: &str = r"\\?\Volume{11111111-2222-3333-4444-555555555555}";
const NEW_NAMESPACE: &str = "44444444-5555-6666-7777-888888888888";
const CREDENTIAL_SERVICE: &str = "22222222-3333-4444-5555-666666666666";
const CONTAINER_GUID: &str = "33333333-4444-5555-6666-777777777777";
const VM_RUNTIME_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Runs a case.
pub(crate) fn run(input: &Value) -> Outcome {
    let host = SimHost::of(input);
    let result = if input["builder_only"] == json!(true) {
        builder(input, &host)
    } else {
        create(input, &host)
    };
    Outcome::of(result)
}

/// A part of the input, or its default.
pub(crate) fn part<T: DeserializeOwned + Default>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// The spec of a case, prepared as the shim does where the case asks for it.
pub(crate) fn spec(input: &Value) -> Result<Spec, PlanError> {
    let mut spec = Spec::from_value(input["spec"].clone())?;
    if input["preprocess"] == json!(true) {
        let options: ShimOptions = part(&input["shim_options"]);
        options.apply(&mut spec)?;
    }
    Ok(spec)
}

fn version(value: &Value) -> Option<SchemaVersion> {
    serde_json::from_value(value.clone()).ok()
}

/// The id and the owner. Without an id there is a new one, without an owner it is the shim.
pub(crate) fn names(input: &Value, host: &SimHost) -> Result<(SystemId, String), PlanError> {
    let text = |name: &str| Some(input[name].as_str()?.to_owned()).filter(|text| !text.is_empty());
    let id = SystemId::new(text("id").unwrap_or_else(|| host.new_guid()))
        .map_err(|error| PlanError::field("id", "", error.to_string()))?;
    Ok((id, text("owner").unwrap_or_else(|| "containerd-shim-runhcs-v1.exe".into())))
}

fn request(input: &Value, host: &SimHost) -> Result<ContainerRequest, PlanError> {
    let (id, owner) = names(input, host)?;
    let mut request = ContainerRequest::new(id, owner, spec(input)?);
    request.rootfs = part::<Vec<RootfsMount>>(&input["rootfs"]);
    request.schema_version = version(&input["schema_version"]);
    request.stdio = part::<Streams>(&input["stdio"]);
    request.scale_cpu_limits = input["scale_cpu_limits_to_sandbox"] == json!(true);
    request.vm = hosting_vm(&input["hosting_vm"]);
    Ok(request)
}

/// The VM that a case names.
pub(crate) fn hosting_vm(value: &Value) -> Option<HostingVm> {
    (!value.is_null()).then(|| {
        serde_json::from_value(value.clone()).expect("a case describes a VM by the README's names")
    })
}

fn create(input: &Value, host: &SimHost) -> Result<Value, PlanError> {
    let request = request(input, host)?;
    let plan = plan::container(&request, &host.facts, host)?;
    let (acquired, mut calls) = acquire(&plan, host);
    let document = plan.message(&acquired)?;
    let is_guest = plan.sent.is_for_guest();
    let create = if is_guest { "guest.create_container" } else { "hcs.create_compute_system" };
    calls.push(call(create, json!({ "id": plan.id })));
    let mut output = json!({
        "document": document,
        "document_target": if is_guest { "guest" } else { "hcs" },
    });
    if plan.document.container.is_some() {
        output["schema"] = json!(plan.schema);
        output["v1"] = json!(plan.complete_v1(&acquired)?);
        output["v2"] = json!(plan.complete(&acquired)?.container);
        if is_guest {
            let args = json!({ "system": CONTAINER_GUID, "vm": VM_RUNTIME_ID });
            calls.push(call("host.hvsocket_address_info", args));
        }
    }
    if let Some(affinity) = plan::job::group_affinities(&plan.affinity) {
        calls.push(call("silo.set_cpu_group_affinities", json!(affinity)));
    }
    if let Some(process) = &plan.process {
        output["process"] = json!(process);
    }
    output["host_calls"] = Value::Array(calls);
    Ok(output)
}

/// The document builder alone.
fn builder(input: &Value, host: &SimHost) -> Result<Value, PlanError> {
    let request = request(input, host)?;
    let mounted = |layer: &Value| Layer {
        id: layer["id"].as_str().unwrap_or_default().to_owned(),
        path: layer["path"].as_str().unwrap_or_default().to_owned(),
    };
    let layers: Vec<Layer> =
        input["mounted_layers"].as_array().into_iter().flatten().map(mounted).collect();
    let schema = version(&input["force_schema"]).unwrap_or(SchemaVersion::V2_1);
    let spec = &request.spec;
    let directories = match &request.vm {
        None => plan::mounts::host_directories(&spec.mounts, host)?,
        Some(vm) => plan::hosted::directories(&spec.mounts, &vm.devices, &[])?,
    };
    let documents = Builder {
        id: request.id.as_str(),
        owner: &request.owner,
        spec,
        schema,
        host: &host.facts,
        lookups: host,
        vm: request.vm.as_ref(),
        scale_cpu_limits: request.scale_cpu_limits,
        root: spec.root.as_ref().map(|root| root.path.as_str()),
        layers: &layers,
        directories,
        pipes: Vec::new(),
        namespace: "",
        credentials: None,
    }
    .build()?;
    let mut output = json!({ "v1": documents.v1, "v2": documents.container });
    if let Some(process) = &spec.process {
        output["process"] = json!(plan::process_parameters(process, request.stdio));
    }
    Ok(output)
}

/// The mounts of a process isolated container in schema 1.0, from the document builder.
pub(crate) fn v1_mounts(
    spec: &Spec,
    host: &SimHost,
    pipes: &[MappedPipe],
) -> Result<Value, PlanError> {
    let mut spec = spec.clone();
    spec.root = Some(Root { path: SCRATCH_VOLUME.into(), readonly: false });
    let v1 = Builder {
        id: "c",
        owner: "",
        spec: &spec,
        schema: SchemaVersion::V2_1,
        host: &host.facts,
        lookups: host,
        vm: None,
        scale_cpu_limits: false,
        root: Some(SCRATCH_VOLUME),
        layers: &[],
        directories: Vec::new(),
        pipes: pipes.to_vec(),
        namespace: "",
        credentials: None,
    }
    .build()?
    .v1;
    let list = |list: Value| if list == json!([]) { Value::Null } else { list };
    Ok(json!({
        "v1_mapped_directories": list(json!(v1.mapped_directories)),
        "v1_mapped_pipes": list(json!(v1.mapped_pipes)),
    }))
}

/// The calls of steps that tell nothing.
pub(crate) fn calls(steps: &[Step], host: &SimHost) -> Vec<Value> {
    let mut calls = Vec::new();
    for step in steps {
        take(step, "c", host, &mut Acquired::default(), &mut calls);
    }
    calls
}

/// Carries a plan out: every call succeeds.
fn acquire(plan: &Plan, host: &SimHost) -> (Acquired, Vec<Value>) {
    let mut acquired = Acquired::default();
    let mut calls = Vec::new();
    for step in &plan.steps {
        take(step, plan.id.as_str(), host, &mut acquired, &mut calls);
    }
    (acquired, calls)
}

fn take(step: &Step, id: &str, host: &SimHost, acquired: &mut Acquired, calls: &mut Vec<Value>) {
    match step {
        Step::CreateScratch { scratch, layers, .. } => {
            let args = json!({ "path": scratch, "parents": layers });
            calls.push(call("host.create_scratch_layer", args));
        }
        Step::CreateFolder { .. }
        | Step::AdoptNamespace { .. }
        | Step::SetNames { .. }
        | Step::CopyFile { .. }
        | Step::GrantVmGroupAccess { .. }
        | Step::SetDiskIdentifier { .. } => unreachable!("a container on Windows has no such step"),
        Step::MountLayers { scratch, layers } => {
            calls.push(call("host.activate_layer", json!({ "path": scratch })));
            let args = json!({ "path": scratch, "parents": layers });
            calls.push(call("host.prepare_layer", args));
            acquired.root = Some(SCRATCH_VOLUME.into());
            let layer = |path: &String| Layer {
                id: host.layer_id(path).expect("a case names the ids of its layers"),
                path: path.clone(),
            };
            acquired.layers = layers.iter().map(layer).collect();
        }
        Step::CreateNamespace { endpoints, .. } => {
            calls.push(call("hcn.create_namespace", json!({ "id": NEW_NAMESPACE })));
            for endpoint in endpoints {
                let args = json!({ "endpoint": endpoint, "namespace": NEW_NAMESPACE });
                calls.push(call("hcn.add_namespace_endpoint", args));
            }
            acquired.namespace = Some(NEW_NAMESPACE.into());
        }
        Step::AddCredentials { credential_spec, transport } => {
            calls.extend(add_credentials(id, credential_spec, transport));
            acquired.credentials = Some(CredentialGuard {
                cookie: "golden-cookie".into(),
                rpc_endpoint: "golden-rpc-endpoint".into(),
                transport: transport.clone(),
                credential_spec: credential_spec.clone(),
            });
        }
        Step::AllowCredentialService {} => calls.push(allow_credential_service()),
        Step::GrantVmAccess { vm, path } => {
            calls.push(call("host.grant_vm_access", json!({ "vm": vm, "path": path })));
        }
        Step::ModifyVm(change) => calls.extend(modify_vm(change)),
        Step::ExecInVm { args } => calls.push(call("guest.exec", json!({ "args": args }))),
        Step::LocateDevice { args } => {
            calls.push(call("guest.exec", json!({ "args": args })));
            acquired.locations.extend(host.device_location_paths.iter().cloned());
        }
        Step::ConfigureVmNetwork { namespace } => {
            let namespace = if namespace.is_empty() { NEW_NAMESPACE } else { namespace };
            calls.push(call("vm.configure_networking", json!({ "namespace": namespace })));
        }
    }
}

fn add_credentials(id: &str, spec: &str, transport: &str) -> [Value; 2] {
    let details = json!({ "Id": id, "CredentialSpec": spec, "Transport": transport });
    let add = json!({
        "PropertyType": "ContainerCredentialGuard",
        "Settings": { "Operation": "AddInstance", "OperationDetails": details },
    });
    let ask = json!({ "PropertyTypes": ["ContainerCredentialGuard"] });
    [call("hcs.modify_service_settings", add), call("hcs.get_service_properties", ask)]
}

fn allow_credential_service() -> Value {
    let table = "VirtualMachine/Devices/HvSocket/HvSocketConfig/ServiceTable";
    let args = json!({
        "ResourcePath": format!("{table}/{CREDENTIAL_SERVICE}"),
        "RequestType": "Update",
        "Settings": {
            "BindSecurityDescriptor": "D:P(A;;FA;;;SY)",
            "ConnectSecurityDescriptor": "D:P(A;;FA;;;SY)",
            "AllowWildcardBinds": true,
        },
    });
    call("hcs.modify", args)
}

/// The calls of a change of a VM: the host's half, then the guest's.
pub(crate) fn modify_vm(change: &ModifyVm) -> Vec<Value> {
    let host = change.host.as_ref().map(|host| call("hcs.modify", json!(host)));
    let guest = change.guest.as_ref().map(|guest| call("guest.modify", guest.clone()));
    host.into_iter().chain(guest).collect()
}

/// A call of the host.
#[expect(clippy::needless_pass_by_value, reason = "callers make the arguments on the spot")]
pub(crate) fn call(name: &str, args: Value) -> Value {
    json!({ "call": name, "args": args })
}
