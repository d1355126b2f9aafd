//! `vm`: the pod path, from annotations to options, and from options and boot files to a document.

use plan::step::Step;
use plan::vm::{CommonOptions, LinuxOptions, VmPlan, WindowsOptions, linux, windows};
use plan::{PlanError, RootfsMount, Spec};
use serde_json::{Value, json};

use crate::case::Outcome;
use crate::container::{call, names, part, spec};
use crate::host::SimHost;

/// Everything.
const GENERIC_ALL: u32 = 0x1000_0000;

/// Runs a case.
pub(crate) fn run(input: &Value) -> Outcome {
    Outcome::of(plan(input))
}

fn plan(input: &Value) -> Result<Value, PlanError> {
    let host = SimHost::of(input);
    let spec = spec(input)?;
    if !spec.is_isolated() {
        return Err(PlanError::missing("windows.hyperv", "only an isolated pod has a VM"));
    }
    let (id, owner) = names(input, &host)?;
    let rootfs: Vec<RootfsMount> = part(&input["rootfs"]);
    let (mut output, planned) = if spec.is_lcow() {
        let mut options = LinuxOptions::of(&id, &owner, &spec, &host.facts, &host)?;
        let mut output = json!({ "guest_os": "linux", "options": options });
        if has_devices(&spec) {
            output["spec_devices_cleared"] = json!(true);
        }
        finish_linux(&mut options, input);
        (output, linux(&id, &options, &host.facts, &host))
    } else {
        let mut options = WindowsOptions::of(&id, &owner, &spec, &host.facts)?;
        let output = json!({ "guest_os": "windows", "options": options });
        finish_windows(&mut options, input);
        (output, windows(&id, &options, &spec, &rootfs, &host.facts, &host))
    };
    match planned {
        Ok(plan) => tell(&plan, &mut output),
        Err(error) => output["document_error"] = json!(error.to_string()),
    }
    Ok(output)
}

fn has_devices(spec: &Spec) -> bool {
    spec.windows.as_ref().is_some_and(|windows| windows.devices.is_some())
}

/// What comes after the annotations were read: the bundle's folder, and options that no annotation
/// sets. What is left is of one kind of VM.
fn finish<'a>(options: &mut CommonOptions, input: &'a Value) -> Vec<(&'a str, &'a Value)> {
    input["bundle"].as_str().unwrap_or_default().clone_into(&mut options.bundle_directory);
    let mut left = Vec::new();
    for (name, value) in input["option_overrides"].as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("EnableGraphicsConsole", Value::Bool(on)) => options.enable_graphics_console = *on,
            ("SCSIControllerCount", Value::Number(count)) => {
                let count = count.as_u64().unwrap_or_default();
                options.scsi_controller_count = u32::try_from(count).unwrap_or(u32::MAX);
            }
            ("ConsolePipe", Value::String(pipe)) => options.console_pipe.clone_from(pipe),
            ("AllowOvercommit", Value::Bool(on)) => options.allow_overcommit = *on,
            (name, value) => left.push((name, value)),
        }
    }
    left
}

fn finish_linux(options: &mut LinuxOptions, input: &Value) {
    for (name, value) in finish(&mut options.common, input) {
        match (name, value) {
            ("ForwardStdout", Value::Bool(on)) => options.forward_stdout = *on,
            ("ForwardStderr", Value::Bool(on)) => options.forward_stderr = *on,
            ("ExecCommandLine", Value::String(line)) => options.exec_command_line.clone_from(line),
            ("KernelFile", Value::String(file)) => options.kernel_file.clone_from(file),
            ("RootFSFile", Value::String(file)) => options.root_fs_file.clone_from(file),
            ("KernelBootOptions", Value::String(more)) => {
                options.kernel_boot_options.clone_from(more);
            }
            ("VPCIEnabled", Value::Bool(on)) => options.pci_enabled = *on,
            (other, _) => panic!("the runner does not know the option {other}"),
        }
    }
}

fn finish_windows(options: &mut WindowsOptions, input: &Value) {
    for (name, value) in finish(&mut options.common, input) {
        match (name, value) {
            ("FirmwareParameters", Value::String(text)) => {
                options.firmware_parameters.clone_from(text);
            }
            ("NoDirectMap", Value::Bool(on)) => options.no_direct_map = *on,
            (other, _) => panic!("the runner does not know the option {other}"),
        }
    }
}

fn tell(plan: &VmPlan, output: &mut Value) {
    output["document"] = json!(plan.document);
    output["vm_state"] = json!(plan.state);
    let calls: Vec<Value> = plan.steps.iter().filter_map(host_call).collect();
    if !calls.is_empty() {
        output["host_calls"] = Value::Array(calls);
    }
}

fn host_call(step: &Step) -> Option<Value> {
    match step {
        Step::GrantVmAccess { vm, path } => {
            Some(call("host.grant_vm_access", json!({ "vm": vm, "path": path })))
        }
        Step::GrantVmGroupAccess { path } => {
            let args = json!({ "path": path, "mask": GENERIC_ALL });
            Some(call("host.grant_vm_group_access", args))
        }
        Step::SetDiskIdentifier { path, id } => {
            Some(call("host.set_virtual_disk_identifier", json!({ "path": path, "id": id })))
        }
        // Copies and new folders are the simulated host's own business.
        _ => None,
    }
}
