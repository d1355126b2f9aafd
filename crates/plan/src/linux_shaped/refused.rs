//! What a Linux-shaped spec may ask for and a Windows container cannot have.

use serde_json::Value;

use crate::error::{PlanError, Result};
use crate::oci::Spec;

/// Settings of a network namespace that every namespace of a Windows container has anyway.
const ALWAYS_SET: [&str; 2] = ["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"];

pub(super) fn check(spec: &Spec, linux: &Value) -> Result<()> {
    let is_empty = |value: &Value| {
        value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty)
    };
    let settings = linux["sysctl"].as_object().into_iter().flatten().map(|(name, _)| name);
    if let Some(name) = settings.into_iter().find(|name| !ALWAYS_SET.contains(&name.as_str())) {
        let why = "a Windows container has no settings of a Linux kernel";
        return Err(PlanError::unsupported(format!("linux.sysctl.{name}"), why));
    }
    let hooks = spec.hooks.as_ref().and_then(Value::as_object);
    if let Some((kind, _)) = hooks.into_iter().flatten().find(|(_, list)| !is_empty(list)) {
        let why = "programs of the host are not run in the life of a Windows container";
        return Err(PlanError::unsupported(format!("hooks.{kind}"), why));
    }
    Ok(())
}
