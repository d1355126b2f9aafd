//! Limits of control groups as Windows has them.

use serde_json::{Value, json};

use crate::error::{PlanError, Result};
use crate::host::HostFacts;
use crate::oci::Resources;
use crate::update::Update;

/// All processors, in the unit of a limit.
const EVERYTHING: i64 = 10_000;
/// How many processes every container may have: the engine's own bound.
const MOST_TASKS: i64 = 4096;

/// Less than Windows counts in is little, and not nothing, which would be no limit.
const LEAST_MEMORY: i64 = 1 << 20;

/// Other limits for a container that runs, as a client of Linux asks for them.
pub fn update(asked: Value, host: &HostFacts) -> Result<Update> {
    let Update::Linux(asked) = Update::linux(asked)? else {
        unreachable!("it was asked for as that")
    };
    check(&asked)?;
    let mut windows = windows_limits(&asked, host.processors);
    let is_lifted = |path: &str| asked.pointer(path).and_then(Value::as_i64).is_some_and(|n| n < 0);
    if is_lifted("/memory/limit") {
        windows["memory"] = json!({ "limit": 0 });
    }
    if is_lifted("/cpu/quota") && windows.get("cpu").is_none() {
        windows["cpu"] = json!({ "maximum": 0 });
    }
    Update::windows(windows)
}

/// A quota is a share of all processors, and 1024, the usual weight there, is 500.
pub(super) fn windows_limits(linux: &Value, processors: u32) -> Value {
    let number = |path: &str| linux.pointer(path).and_then(Value::as_i64).filter(|n| *n > 0);
    let mut windows = json!({});
    if let Some(bytes) = number("/memory/limit") {
        windows["memory"] = json!({ "limit": bytes.max(LEAST_MEMORY) });
    }
    let period = number("/cpu/period").unwrap_or(100_000);
    if let Some(quota) = number("/cpu/quota") {
        let share = quota.saturating_mul(EVERYTHING) / period / i64::from(processors.max(1));
        windows["cpu"] = json!({ "maximum": share.clamp(1, EVERYTHING) });
    } else if let Some(shares) = number("/cpu/shares") {
        let weight = shares.saturating_mul(500) / 1024;
        windows["cpu"] = json!({ "shares": weight.clamp(1, EVERYTHING) });
    }
    windows
}

/// The limits of a Linux section.
pub(super) fn of_section(linux: &Value, host: &HostFacts) -> Result<Option<Resources>> {
    let Some(asked) = linux.get("resources") else { return Ok(None) };
    check(asked)?;
    let limits = windows_limits(asked, host.processors);
    serde_json::from_value(limits)
        .map(Some)
        .map_err(|error| PlanError::field("linux.resources", asked, error.to_string()))
}

/// Refuses what would silently not hold.
fn check(asked: &Value) -> Result<()> {
    for name in ["cpus", "mems"] {
        let set = asked["cpu"][name].as_str().unwrap_or_default();
        if !set.is_empty() {
            let why = "the Linux engine cannot bind a container to processors; limit their time";
            return Err(PlanError::unsupported(format!("linux.resources.cpu.{name}"), why));
        }
    }
    let tasks = asked["pids"]["limit"].as_i64().unwrap_or_default();
    if (1..MOST_TASKS).contains(&tasks) {
        let rule = "every container may have 4096 processes and threads; fewer cannot be asked for";
        return Err(PlanError::field("linux.resources.pids.limit", tasks, rule));
    }
    Ok(())
}
