//! `Update`: other limits for a container that runs. What a request comes to is `plan`'s to decide.

use containerd_shim_protos::api::UpdateTaskRequest;
use engine::{Engine, System};
use plan::linux_shaped::windows_limits;
use plan::oci::Annotations;
use plan::update::{Change, LiveMount, Target, Update};
use plan::vm::GuestOs;
use protobuf::well_known_types::any::Any;
use resources::{Host, HostFiles};
use serde::Deserialize;
use serde_json::Value;

use super::Service;
use crate::error::{Error, Result};
use crate::wire::bare_name;

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
        "LinuxResources" => Ok(Update::windows(windows_limits(&json()?, processors))?),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// hcsshim's `service_internal_taskshim_test.go`: update with wrong type.
    #[test]
    fn only_resources_and_mounts_are_taken() {
        let any = Any { type_url: "x/Process".to_owned(), value: b"{}".to_vec(), ..Any::new() };
        let refused = decode(&any, 2).unwrap_err();
        assert!(refused.to_string().contains("must be of type *WindowsResources"), "{refused}");
    }
}
