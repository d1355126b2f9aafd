//! `Update`: other limits for a container that runs. What a request comes to is `plan`'s to decide.

use containerd_shim_protos::api::UpdateTaskRequest;
use engine::{Engine, System};
use plan::oci::Annotations;
use plan::update::{Change, LiveMount, Target, Update};
use plan::vm::GuestOs;
use protobuf::well_known_types::any::Any;
use resources::{Host, HostFiles};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Service;
use crate::error::{Error, Result};
use crate::wire::bare_name;

/// All processors, in the unit of a limit.
const EVERYTHING: i64 = 10_000;

impl<E: Engine, H: Host> Service<E, H> {
    pub(super) async fn update(&self, request: UpdateTaskRequest) -> Result<()> {
        let wanted = request.resources.as_ref();
        let wanted =
            wanted.ok_or_else(|| Error::Invalid("resources cannot be empty".to_owned()))?;
        let (_, system) = self.system(&request.id).await?;
        let facts = &self.inner.world.facts;
        let update = decode(wanted, facts.processors)?;
        let annotations: Annotations = request.annotations.into_iter().collect();
        let target = Target { os: GuestOs::Windows, vm: None, owns_vm: false };
        for change in plan::update::update(target, &update, &annotations, facts, &HostFiles)? {
            match change {
                Change::Container(request) => system.modify(&request).await?,
                Change::Affinity(_) => {
                    return Err(Error::NotImplemented("other processors for a running container"));
                }
                Change::Guest(_) | Change::Vm(_) => {
                    return Err(Error::Failed("task is not isolated".to_owned()));
                }
            }
        }
        Ok(())
    }
}

fn decode(wanted: &Any, processors: u32) -> Result<Update> {
    let json = || -> Result<Value> {
        serde_json::from_slice(&wanted.value)
            .map_err(|error| Error::Failed(format!("cannot read `{}`: {error}", wanted.type_url)))
    };
    match bare_name(wanted) {
        "WindowsResources" => Ok(Update::windows(json()?)?),
        // What Kubernetes sends on Linux, whatever the container is.
        "LinuxResources" => Ok(Update::windows(from_linux(&json()?, processors))?),
        "ContainerMount" => {
            let mount = LiveMount::deserialize(json()?);
            let mount = mount.map_err(|error| Error::Failed(format!("cannot read it: {error}")))?;
            Ok(Update::Mount(mount))
        }
        _ => Err(Error::Failed(
            "update resources must be of type *WindowsResources or *LinuxResources".to_owned(),
        )),
    }
}

/// Linux limits as Windows has them: a quota is a share of all processors, and 1024, the usual
/// weight there, is 500.
fn from_linux(linux: &Value, processors: u32) -> Value {
    let number = |path: &str| linux.pointer(path).and_then(Value::as_i64).filter(|n| *n > 0);
    let mut windows = json!({});
    if let Some(bytes) = number("/memory/limit") {
        windows["memory"] = json!({ "limit": bytes });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_quota_becomes_a_share_of_all_processors() {
        let linux = json!({ "memory": { "limit": 1 << 28 }, "cpu": { "quota": 50_000 } });
        let windows = from_linux(&linux, 2);
        assert_eq!(windows, json!({ "memory": { "limit": 1 << 28 }, "cpu": { "maximum": 2500 } }));
        let shares = from_linux(&json!({ "cpu": { "shares": 2048, "quota": -1 } }), 2);
        assert_eq!(shares, json!({ "cpu": { "shares": 1000 } }));
    }

    /// shim.md 7.1 and 7.2: update with wrong type.
    #[test]
    fn only_resources_and_mounts_are_taken() {
        let any = Any { type_url: "x/Process".to_owned(), value: b"{}".to_vec(), ..Any::new() };
        let refused = decode(&any, 2).unwrap_err();
        assert!(refused.to_string().contains("must be of type *WindowsResources"), "{refused}");
    }
}
