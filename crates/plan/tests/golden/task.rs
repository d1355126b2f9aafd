//! `create_task`: a create request up to its failure, or up to the point of creating something.

use plan::task::{Created, TaskRequest, create};
use plan::{PlanError, RootfsMount, ShimOptions, Spec, Streams};
use schema::SystemId;
use serde_json::{Value, json};

use crate::case::Outcome;
use crate::container::part;
use crate::host::SimHost;

/// Runs a case.
pub(crate) fn run(input: &Value) -> Outcome {
    Outcome::of(decide(input))
}

fn decide(input: &Value) -> Result<Value, PlanError> {
    let host = SimHost::of(input);
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let request = TaskRequest {
        id: SystemId::new(text("task_id"))
            .map_err(|error| PlanError::field("task_id", "", error.to_string()))?,
        owner: "containerd-shim-runhcs-v1.exe".into(),
        bundle: text("bundle"),
        is_sandbox: input["is_sandbox"] == json!(true),
        spec: Spec::from_value(input["config"].clone())?,
        options: part::<ShimOptions>(&input["shim_options"]),
        rootfs: part::<Vec<RootfsMount>>(&input["rootfs"]),
        terminal: input["terminal"] == json!(true),
        stderr: text("stderr"),
        stdio: Streams::default(),
        beside: plan::linux_shaped::Beside::default(),
    };
    let reached = match create(request, &host.facts, &host)? {
        Created::Vm(_) => "vm-create",
        Created::Container(_) => "container-create",
        Created::HostProcessPod => "pod-create",
    };
    Ok(json!({ "reached": reached }))
}
