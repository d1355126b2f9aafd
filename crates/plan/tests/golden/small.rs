//! The small sets: single functions.

use plan::annotations::{self, values};
use plan::layers::{BlockCim, LinuxLayers, WindowsLayers};
use plan::mounts::{self, PipeVm};
use plan::oci::{Affinity, Annotations, Cpu, Mount, Process, Spec, shape};
use plan::process::{self, ProcessHost};
use plan::sandbox::{self, Role};
use plan::update::{self, Change, LiveMount, Target, Update};
use plan::vm::devices::{is_assignable, split_function};
use plan::vm::{GuestOs, numa::Numa};
use plan::{
    ContainerRequest, HostFacts, PlanError, ShimOptions, hvsocket, job, limits, paths, registry,
    schema_version, signals,
};
use schema::SystemId;
use schema::document::SchemaVersion;
use serde_json::{Value, json};

use crate::case::Outcome;
use crate::container::{call, hosting_vm, modify_vm, part};
use crate::host::{SHIM_FOLDER, SimHost, strings, texts};

type Answer = Result<Value, PlanError>;

/// Runs a case, if its function is known.
pub(crate) fn run(func: &str, input: &Value) -> Option<Outcome> {
    if func == "process_annotations" {
        return Some(process_annotations(input));
    }
    let answer = match func {
        "sandbox_type" => sandbox_type(input),
        "annotations_pass_through" => Ok(pass_through(input)),
        "pod_container_config" => pod_container(input),
        "signal_string" => {
            signal(input, |os, supported| signals::string(os, text(input, "signal"), supported))
        }
        "signal_number" => signal(input, |os, supported| {
            signals::number(os, input["signal"].as_i64().unwrap_or(i64::MAX), supported)
        }),
        "command_line" => {
            Ok(json!({ "command_line": process::command_line(&strings(&input["args"])) }))
        }
        "process_parameters" => process_parameters(input),
        "isolated_job_process" => isolated_job_process(input),
        "mounts" => all_mounts(input),
        "named_pipe" => Ok(named_pipe(input)),
        "is_pipe" => Ok(json!({
            "is_pipe": mounts::is_pipe(text(input, "path")),
            "job_container_is_pipe": mounts::is_job_pipe(text(input, "path")),
        })),
        "live_mount_supported" => Ok(json!({
            "supported":
                mounts::is_live_mount_supported(text(input, "host_path"), text(input, "type")),
        })),
        "sandbox_mount_path" => Ok(json!({ "path": mounts::sandbox_path(text(input, "source")) })),
        "cpu_limits" => cpu_limits(input),
        "normalize_processor_count" => {
            let count = limits::normalize_count(int(input, "requested"), int(input, "host"));
            Ok(json!({ "container": count, "vm": count }))
        }
        "default_vm_processor_count" => {
            Ok(json!({ "count": limits::default_vm_processors(int(input, "processors")) }))
        }
        "normalize_memory" => {
            let mb = limits::normalize_memory(input["requested_mb"].as_u64().unwrap_or_default());
            Ok(json!({ "container_mb": mb, "vm_mb": mb }))
        }
        "spec_value" => spec_value(input),
        "annotation_value" => annotation_value(input),
        "cpu_affinity" => cpu_affinity(input),
        "cpu_update_valid" => {
            Ok(json!({ "valid": update::is_valid_cpu(&part::<Cpu>(&input["cpu"])) }))
        }
        "job_limits" => job_limits(input),
        "job_cpu" => Ok(job_cpu(input)),
        "job_strip_drive" => Ok(json!({ "path": job::strip_drive(text(input, "path")) })),
        "job_split_args" => {
            let parts = job::split_args(text(input, "command_line"));
            Ok(json!({ "parts": or_null(&parts) }))
        }
        "job_annotations" => {
            let all = annotations_of(&input["annotations"]);
            let (inherit, root) = job::identity(&all);
            Ok(json!({ "inherit_user": inherit, "rootfs_location": root }))
        }
        "isolation_kind" => isolation_kind(input),
        "registry_values" => Ok(json!({ "accepted": registry::accepted(text(input, "value")) })),
        "hvsocket_table" => {
            let table = hvsocket::table(&annotations_of(&input["annotations"]));
            Ok(json!({ "service_table": table }))
        }
        "spec_from_options" => Ok(spec_from_options(input)),
        "numa" => numa(input),
        "sanitize_path" => sanitize_path(input),
        "device_id" => Ok(device_id(input)),
        "schema_version" => Ok(chosen_version(input)),
        "update_resources" => update_resources(input),
        "parse_layers" => parse_layers(input),
        _ => return None,
    };
    Some(Outcome::of(answer))
}

fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input[name].as_str().unwrap_or_default()
}

fn int(input: &Value, name: &str) -> i32 {
    let number = input[name].as_i64().unwrap_or_default();
    i32::try_from(number).expect("a count of the cases has 32 bits")
}

fn uint(input: &Value, name: &str) -> u32 {
    let number = input[name].as_u64().unwrap_or_default();
    u32::try_from(number).expect("a count of the cases has 32 bits")
}

fn annotations_of(value: &Value) -> Annotations {
    texts(value)
}

/// The original tells an empty list from none.
fn or_null<T: serde::Serialize>(items: &[T]) -> Value {
    if items.is_empty() { Value::Null } else { json!(items) }
}

fn os(value: &Value) -> GuestOs {
    if value == "linux" { GuestOs::Linux } else { GuestOs::Windows }
}

fn sandbox_type(input: &Value) -> Answer {
    let role = Role::of(&annotations_of(&input["annotations"]))?;
    Ok(json!({ "type": role.as_str(), "id": role.pod().unwrap_or_default() }))
}

fn pass_through(input: &Value) -> Value {
    let optional = |value: &Value| value.is_object().then(|| annotations_of(value));
    let pod = optional(&input["pod"]);
    let mut container = optional(&input["container"]);
    let keys = strings(&input["keys"]);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    sandbox::pass_through(pod.as_ref(), container.as_mut(), &keys);
    json!({ "container": container })
}

fn pod_container(input: &Value) -> Answer {
    let pod = Spec::from_value(input["pod"].clone())?;
    let mut container = Spec::from_value(input["container"].clone())?;
    sandbox::adjust_container(&pod, &mut container, None)?;
    Ok(json!({ "container_annotations": container.annotations }))
}

fn signal(
    input: &Value,
    decide: impl FnOnce(GuestOs, bool) -> Result<signals::Action, PlanError>,
) -> Answer {
    let action = decide(os(&input["os"]), input["supported"] == json!(true))?;
    Ok(json!({ "options": action.options() }))
}

fn oci_process(value: &Value) -> Result<Option<Process>, PlanError> {
    let value = shape::conform(value.clone(), &plan::oci::PROCESS)
        .map_err(|misfit| PlanError::field(misfit.at, misfit.found, misfit.rule))?;
    Ok(value.map(|value| serde_json::from_value(value).expect("it has a process' shape")))
}

fn process_parameters(input: &Value) -> Answer {
    let process = oci_process(&input["process"])?;
    let host = match (os(&input["host_os"]), input["is_oci"] == json!(true)) {
        (_, true) => ProcessHost::LinuxContainer,
        (GuestOs::Linux, false) => ProcessHost::LinuxVm,
        (GuestOs::Windows, false) => ProcessHost::Windows,
    };
    Ok(json!(process::parameters(process.as_ref(), part(&input["stdio"]), host)))
}

fn isolated_job_process(input: &Value) -> Answer {
    let mut process = oci_process(&input["process"])?;
    if let Some(process) = process.as_mut() {
        let annotations = annotations_of(&input["task_annotations"]);
        process::adjust_isolated_host_process(process, &annotations);
    }
    Ok(json!({ "process": process }))
}

fn all_mounts(input: &Value) -> Answer {
    let host = SimHost::of(input);
    let spec = Spec::from_value(json!({ "mounts": input["mounts"], "windows": {} }))?;
    let Some(vm) = hosting_vm(&input["hosting_vm"]) else {
        let (directories, pipes) =
            mounts::process_isolated(&spec.mounts, &host.facts, None, &host)?;
        let mut v1 = crate::container::v1_mounts(&spec, &host, &pipes)?;
        v1["mapped_directories"] = or_null(&directories);
        v1["mapped_pipes"] = or_null(&pipes);
        return Ok(v1);
    };
    let id = SystemId::new("c").expect("it is an id");
    let request = ContainerRequest::new(id, "", spec);
    let (steps, directories, pipes) = plan::hosted::mounts(&request, &vm, &host.facts, &host)?;
    let mut output = json!({
        "mapped_directories": or_null(&directories), "mapped_pipes": or_null(&pipes),
    });
    let calls = crate::container::calls(&steps, &host);
    if !calls.is_empty() {
        output["host_calls"] = Value::Array(calls);
    }
    Ok(output)
}

fn named_pipe(input: &Value) -> Value {
    let vm = hosting_vm(&input["vm"]);
    let pipe_vm = vm.as_ref().map(|vm| PipeVm { id: &vm.id, is_windows: vm.is_windows() });
    match mounts::named_pipe(&part::<Mount>(&input["mount"]), pipe_vm) {
        None => json!({ "is_pipe_mount": false }),
        Some(pipe) => json!({
            "is_pipe_mount": true,
            "container_pipe_name": pipe.mapped.container_pipe_name,
            "host_path": pipe.mapped.host_path,
            "uvm_pipe": pipe.in_vm,
        }),
    }
}

fn cpu_limits(input: &Value) -> Answer {
    let spec = Spec::from_value(input["spec"].clone())?;
    let cpu = limits::container_cpu(&spec, int(input, "max_cpu_count"), &mut Vec::new())?;
    Ok(json!({ "count": cpu.count, "limit": cpu.limit, "weight": cpu.weight }))
}

fn spec_value(input: &Value) -> Answer {
    let spec = Spec::from_value(input["spec"].clone())?;
    let name = text(input, "annotation");
    let default = || int(input, "default");
    let value = match text(input, "what") {
        "memory_mb" => {
            let default = input["default"].as_u64().unwrap_or_default();
            json!(limits::memory_mb(&spec, name, default))
        }
        "cpu_count" => json!(limits::cpu_count(&spec, name, default())),
        "cpu_limit" => json!(limits::cpu_limit(&spec, name, default())),
        "cpu_weight" => json!(limits::cpu_weight(&spec, name, default())),
        "storage_bps" => json!(limits::storage_bps(&spec, name, default())),
        "storage_iops" => json!(limits::storage_iops(&spec, name, default())),
        other => return Err(PlanError::field("what", other, "is not known to the runner")),
    };
    Ok(json!({ "value": value }))
}

fn annotation_value(input: &Value) -> Answer {
    let all = annotations_of(&input["annotations"]);
    let key = text(input, "key");
    let default = &input["default"];
    let or_default = |value: Option<Value>| value.unwrap_or_else(|| default.clone());
    let value = match text(input, "type") {
        "bool" => json!(values::boolean(&all, key, default == &json!(true))),
        "nullable_bool" => json!(values::optional_boolean(&all, key)),
        "int32" => or_default(values::int32(&all, key).map(Value::from)),
        "uint32" => or_default(values::unsigned::<u32>(&all, key).map(Value::from)),
        "uint64" => or_default(values::unsigned::<u64>(&all, key).map(Value::from)),
        "string" => or_default(values::text(&all, key).map(Value::from)),
        "string_list" => or_null(&values::texts(&all, key)),
        "uint32_list" => or_default(values::unsigned_list::<u32>(&all, key).map(Value::from)),
        "uint64_list" => or_default(values::unsigned_list::<u64>(&all, key).map(Value::from)),
        "guid" => json!(values::guid(&all, key)?),
        other => return Err(PlanError::field("type", other, "is not known to the runner")),
    };
    Ok(json!({ "value": value }))
}

fn facts(build: u32, processors: u32) -> HostFacts {
    HostFacts::windows(build, processors, SHIM_FOLDER)
}

fn cpu_affinity(input: &Value) -> Answer {
    let affinity: Vec<Affinity> = part(&input["affinity"]);
    limits::check_affinity(&affinity, &facts(uint(input, "build"), 8))?;
    Ok(json!({ "affinity": job::group_affinities(&affinity) }))
}

fn job_limits(input: &Value) -> Answer {
    let spec = Spec::from_value(input["spec"].clone())?;
    let build = input["build"].as_u64().map_or(20348, |_| uint(input, "build"));
    Ok(json!(job::job_limits(&spec, &facts(build, uint(input, "processors")))?))
}

fn job_cpu(input: &Value) -> Value {
    let weight = uint(input, "weight");
    json!({
        "rate": job::rate(uint(input, "count"), uint(input, "host_processors")),
        "weight": if weight == 0 { 0 } else { job::weight(weight) },
    })
}

fn isolation_kind(input: &Value) -> Answer {
    let spec = Spec::from_value(input["spec"].clone())?;
    Ok(json!({
        "is_isolated": spec.is_isolated(),
        "is_job_container": spec.is_job_container(),
        "is_lcow": spec.is_lcow(),
        "is_wcow": spec.is_wcow(),
    }))
}

/// What does not conflict is expanded all the same, so both halves of the outcome are compared.
fn process_annotations(input: &Value) -> Outcome {
    let mut all = annotations_of(&input["annotations"]);
    let error = annotations::expand(&mut all).err();
    Outcome {
        output: Some(json!({ "annotations": input["annotations"].is_object().then_some(all) })),
        error: error.map(|error| error.to_string()),
    }
}

fn spec_from_options(input: &Value) -> Value {
    let options: ShimOptions = part(&input["options"]);
    let mut all = annotations_of(&input["annotations"]);
    options.fill(&mut all);
    json!({ "annotations": all })
}

fn numa(input: &Value) -> Answer {
    let numa = Numa {
        max_processors_per_node: uint(input, "max_processors_per_node"),
        max_size_per_node: input["max_memory_mb_per_node"].as_u64().unwrap_or_default(),
        preferred_nodes: part(&input["preferred_physical_nodes"]),
        mapped_nodes: part(&input["mapped_physical_nodes"]),
        processor_counts: part(&input["processor_counts"]),
        memory_counts: part(&input["memory_block_counts"]),
    };
    let memory = input["vm_memory_mb"].as_u64().unwrap_or_default();
    let layout = numa.layout(uint(input, "build"), uint(input, "vm_processors"), memory)?;
    let (numa, processors) = layout.map_or((None, None), |all| (Some(all.numa), all.processors));
    Ok(json!({ "numa": numa, "numa_processors": processors }))
}

fn sanitize_path(input: &Value) -> Answer {
    let path = text(input, "path");
    let given = input["disallowed_prefixes"].is_array();
    let forbidden = strings(&input["disallowed_prefixes"]);
    let forbidden: Vec<&str> = forbidden.iter().map(String::as_str).collect();
    let forbidden = if given { &forbidden[..] } else { paths::FORBIDDEN_IN_VM };
    let clean = paths::sanitize(path, forbidden)
        .ok_or_else(|| PlanError::field("path", path, "unsafe path"))?;
    Ok(json!({ "path": clean }))
}

fn device_id(input: &Value) -> Value {
    let (device, function) = split_function(text(input, "id"));
    json!({
        "device": device,
        "function": function,
        "valid_vm_device_type": is_assignable(text(input, "id_type")),
    })
}

fn chosen_version(input: &Value) -> Value {
    let requested: Option<SchemaVersion> = part(&input["requested"]);
    json!({ "chosen": schema_version::choose(uint(input, "build"), requested) })
}

fn update_resources(input: &Value) -> Answer {
    let host = SimHost::of(input);
    let vm = hosting_vm(&input["hosting_vm"]);
    let resources = &input["resources"];
    let update = match text(input, "type") {
        "windows" => Update::windows(resources.clone())?,
        "linux" => Update::linux(resources.clone())?,
        "mount" => Update::Mount(part::<LiveMount>(resources)),
        "policy_fragment" => {
            Update::PolicyFragment(resources["fragment"].as_str().unwrap_or_default().to_owned())
        }
        other => return Err(PlanError::field("type", other, "is not something that changes")),
    };
    let target = Target {
        os: os(&input["container_os"]),
        vm: vm.as_ref(),
        owns_vm: input["owns_vm"] == json!(true),
    };
    let annotations = annotations_of(&input["annotations"]);
    let changes = update::update(target, &update, &annotations, &host.facts, &host)?;
    let calls: Vec<Value> = changes.iter().flat_map(change_calls).collect();
    Ok(json!({ "host_calls": calls }))
}

fn change_calls(change: &Change) -> Vec<Value> {
    match change {
        Change::Container(request) => vec![call("container.modify", json!(request))],
        Change::Guest(request) => vec![call("container.modify", request.clone())],
        Change::Vm(change) => modify_vm(change),
        Change::Affinity(affinity) => {
            let affinity = json!(job::group_affinities(affinity));
            vec![call("container.set_cpu_group_affinities", affinity)]
        }
    }
}

fn parse_layers(input: &Value) -> Answer {
    let spec = json!({ "windows": { "layerFolders": input["layer_folders"] } });
    let spec = Spec::from_value(spec)?;
    let rootfs: Vec<plan::RootfsMount> = part(&input["rootfs"]);
    if input["os"] == "linux" {
        let all = LinuxLayers::of(&spec, &rootfs)?;
        let layer = |layer: &plan::layers::LinuxLayer| json!({ "vhd": layer.vhd, "partition": layer.partition });
        let layers: Vec<Value> = all.layers.iter().map(layer).collect();
        return Ok(json!({ "layers": layers, "scratch_vhd": all.scratch }));
    }
    let cim = |cim: &BlockCim| json!({ "block_path": cim.block_path, "cim_name": cim.name, "type": cim.kind });
    Ok(match WindowsLayers::of(&spec, &rootfs)? {
        WindowsLayers::Folders { layers, scratch } => {
            // An empty list that was given is one; no list, or `null`, is none.
            let given = rootfs.iter().flat_map(|mount| &mount.options);
            let given = given.clone().any(|option| option.starts_with("parentLayerPaths=["));
            let layers = if given { json!(layers) } else { or_null(&layers) };
            json!({ "kind": "wcifs", "layers": layers, "scratch": scratch })
        }
        WindowsLayers::ForkedCims { layers, scratch } => {
            let pair = |(layer, cim): &(String, String)| json!({ "layer": layer, "cim": cim });
            let layers: Vec<Value> = layers.iter().map(pair).collect();
            json!({ "kind": "forked-cim", "layers": layers, "scratch": scratch })
        }
        WindowsLayers::BlockCims { layers, merged, scratch } => {
            let layers: Vec<Value> = layers.iter().map(cim).collect();
            let mut all = json!({ "kind": "block-cim", "layers": layers, "scratch": scratch });
            if let Some(merged) = &merged {
                all["merged"] = cim(merged);
            }
            all
        }
    })
}
