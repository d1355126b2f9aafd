//! `Update`: other limits for a container that runs. What a request comes to is `plan`'s to decide.

use containerd_shim_protos::api::UpdateTaskRequest;
use engine::{Engine, System};
use plan::oci::{Annotations, Resources, Storage};
use plan::update::{Change, LiveMount, Target, Update};
use plan::vm::GuestOs;
use plan::{HostFacts, PlanError, linux_shaped};
use protobuf::well_known_types::any::Any;
use resources::{Host, HostFiles};
use serde::Deserialize;
use serde_json::Value;

use super::Service;
use crate::error::{Error, Result};
use crate::wire::bare_name;

/// All of the processors' time, and the largest weight.
const WHOLE: u16 = 10_000;
const MEBIBYTE: u64 = 1 << 20;

impl<E: Engine, H: Host> Service<E, H> {
    pub(super) async fn update(&self, request: UpdateTaskRequest) -> Result<()> {
        let wanted = request.resources.as_ref();
        let wanted =
            wanted.ok_or_else(|| Error::Invalid("resources cannot be empty".to_owned()))?;
        let (_, system) = self.system(&request.id).await?;
        let facts = &self.inner.world.facts;
        let update = decode(wanted, facts)?;
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

fn decode(wanted: &Any, host: &HostFacts) -> Result<Update> {
    let json = || -> Result<Value> {
        serde_json::from_slice(&wanted.value)
            .map_err(|error| Error::Failed(format!("cannot read `{}`: {error}", wanted.type_url)))
    };
    match bare_name(wanted) {
        "WindowsResources" => match Update::windows(json()?)? {
            Update::Windows(asked) => Ok(Update::Windows(checked(asked, host)?)),
            other => Ok(other),
        },
        // What Kubernetes sends on Linux, whatever the container is.
        "LinuxResources" => Ok(linux_shaped::update(json()?, host)?),
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

/// Nothing of it may be refused once a part of it holds, and nothing be taken and not done.
fn checked(mut asked: Resources, host: &HostFacts) -> Result<Resources> {
    if asked.storage.as_ref().is_some_and(|storage| *storage != Storage::default()) {
        let why = "the storage of a container that runs keeps the limits that it has";
        return Err(PlanError::unsupported("windows.resources.storage", why).into());
    }
    let (maximum, shares) =
        asked.cpu.as_ref().map_or((None, None), |cpu| (cpu.maximum, cpu.shares));
    for (name, value) in [("maximum", maximum), ("shares", shares)] {
        if value.is_some_and(|value| value > WHOLE) {
            let (field, value) = (format!("windows.resources.cpu.{name}"), value.unwrap_or(0));
            return Err(PlanError::field(field, value, "it must be from 1 to 10000").into());
        }
    }
    let limit = asked.memory.as_mut().and_then(|memory| memory.limit.as_mut());
    if let Some(limit) = limit.filter(|limit| host.is_unix() && (1..MEBIBYTE).contains(*limit)) {
        // Less than is counted in is little, and not no limit.
        *limit = MEBIBYTE;
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// hcsshim's `service_internal_taskshim_test.go`: update with wrong type.
    #[test]
    fn only_resources_and_mounts_are_taken() {
        let any = Any { type_url: "x/Process".to_owned(), value: b"{}".to_vec(), ..Any::new() };
        let refused = decode(&any, &HostFacts::unix(2)).unwrap_err();
        assert!(refused.to_string().contains("must be of type *WindowsResources"), "{refused}");
    }

    #[test]
    fn what_would_not_hold_is_refused_whole_and_little_memory_is_not_no_limit() {
        let windows = |json: &str| {
            let any = Any {
                type_url: "x/WindowsResources".to_owned(),
                value: json.as_bytes().to_vec(),
                ..Any::new()
            };
            decode(&any, &HostFacts::unix(2))
        };
        for (json, field) in [
            (r#"{"storage":{"iops":5}}"#, "windows.resources.storage"),
            (r#"{"cpu":{"maximum":10001}}"#, "windows.resources.cpu.maximum"),
            (r#"{"memory":{"limit":9999999999},"cpu":{"shares":20000}}"#, "resources.cpu.shares"),
        ] {
            let refused = windows(json).unwrap_err().to_string();
            assert!(refused.contains(field), "{json}: {refused}");
        }
        for (json, expected) in
            [(r#"{"memory":{"limit":1}}"#, MEBIBYTE), (r#"{"memory":{"limit":0},"storage":{}}"#, 0)]
        {
            let Ok(Update::Windows(asked)) = windows(json) else { panic!("{json} is refused") };
            assert_eq!(asked.memory.unwrap().limit, Some(expected), "{json}");
        }
    }
}
