//! `Create`: whose task it is, and whether it may come. How it is made stands in [`make`](super::make).

use containerd_shim_protos::api::CreateTaskRequest;
use engine::Engine;
use plan::Spec;
use plan::oci::Annotations;
use plan::sandbox::Role;
use resources::Host;
use schema::TaskId;

use super::Service;
use super::bundle::{Asked, has_nothing_to_do, read, role};
use super::pod_config::inherited;
use super::slot::{PodTasks, Slot};
use crate::error::{Error, Result};

impl<E: Engine, H: Host> Service<E, H> {
    pub(super) async fn create(&self, request: CreateTaskRequest) -> Result<()> {
        let _asking = self.asking();
        let inherited = match &*self.inner.slot.lock().await {
            Slot::Pod(pod) => inherited(pod.sandbox().spec()),
            Slot::Empty | Slot::Standalone(..) => Annotations::new(),
        };
        let asked = read(request, &self.inner.world.facts, inherited).await?;
        if self.inner.is_sandbox {
            let making = self.inner.making.lock().await;
            if matches!(*self.inner.slot.lock().await, Slot::Pod(_)) {
                drop(making);
                return self.create_workload(asked).await;
            }
            return self.create_pod(asked).await;
        }
        self.create_standalone(asked).await
    }

    async fn create_standalone(&self, asked: Asked) -> Result<()> {
        let _making = self.inner.making.lock().await;
        match role(&asked.spec)? {
            Role::Standalone => {}
            role @ (Role::Sandbox(_) | Role::Container(_)) => {
                return Err(Error::Precondition(format!(
                    "cannot create standalone task, expected no annotation: '{}': got '{}'",
                    plan::annotations::names::KUBERNETES_TYPE,
                    role.as_str()
                )));
            }
        }
        self.check_own(&asked.id)?;
        if !matches!(*self.inner.slot.lock().await, Slot::Empty) {
            return Err(Error::AlreadyExists(format!("task `{}`", asked.id)));
        }
        let id = asked.id.clone();
        let task = self.make(asked).await?;
        *self.inner.slot.lock().await = Slot::Standalone(id, task);
        Ok(())
    }

    /// A shim is found by the id that it was started with.
    fn check_own(&self, id: &TaskId) -> Result<()> {
        if *id == self.inner.id {
            return Ok(());
        }
        Err(Error::Invalid(format!("task `{id}` does not belong to this shim")))
    }

    /// Called while `making` is held.
    pub(super) async fn create_pod(&self, mut asked: Asked) -> Result<()> {
        let expect = |kind: &str, got: &str| {
            let name = plan::annotations::names::KUBERNETES_TYPE;
            Error::Precondition(format!("expected annotation: '{name}': '{kind}' got '{got}'"))
        };
        match role(&asked.spec)? {
            Role::Sandbox(pod) if pod == asked.id.as_str() => {}
            Role::Sandbox(pod) => {
                let id = &asked.id;
                return Err(Error::Precondition(format!("the pod's id is '{pod}', not '{id}'")));
            }
            other @ (Role::Standalone | Role::Container(_)) => {
                return Err(expect("sandbox", other.as_str()));
            }
        }
        self.check_own(&asked.id)?;
        if !self.inner.world.facts.is_unix() {
            keep_alive(&mut asked.spec);
        }
        let id = asked.id.clone();
        let sandbox = self.make(asked).await?;
        *self.inner.slot.lock().await = Slot::Pod(Box::new(PodTasks::new(id, sandbox)));
        Ok(())
    }

    async fn create_workload(&self, mut asked: Asked) -> Result<()> {
        let id = asked.id.clone();
        self.reserve(&id).await?;
        let made = match self.check_workload(&mut asked).await {
            Ok(()) => self.make(asked).await,
            Err(error) => Err(error),
        };
        let mut slot = self.inner.slot.lock().await;
        let Slot::Pod(pod) = &mut *slot else {
            return Err(Error::Precondition("the pod is gone".to_owned()));
        };
        match made {
            Ok(task) => {
                pod.add(&id, task);
                Ok(())
            }
            Err(error) => {
                pod.machine.failed(&id);
                Err(error)
            }
        }
    }

    /// Takes a workload's id while it is made.
    async fn reserve(&self, id: &TaskId) -> Result<()> {
        let sandbox = self.task(self.inner.id.as_str()).await?;
        let ready = sandbox.is_running().await;
        match &mut *self.inner.slot.lock().await {
            Slot::Pod(pod) => Ok(pod.machine.create(id, ready)?),
            Slot::Empty | Slot::Standalone(..) => {
                Err(Error::Precondition("the pod must be created first".to_owned()))
            }
        }
    }

    async fn check_workload(&self, asked: &mut Asked) -> Result<()> {
        let sandbox = match &*self.inner.slot.lock().await {
            Slot::Pod(pod) => pod.sandbox().clone(),
            Slot::Empty | Slot::Standalone(..) => {
                return Err(Error::Precondition("the pod must be created first".to_owned()));
            }
        };
        plan::sandbox::adjust_container(sandbox.spec(), &mut asked.spec, None)?;
        let pod = self.inner.id.as_str();
        match role(&asked.spec)? {
            Role::Container(of) if of == pod => {}
            Role::Container(of) => {
                return Err(Error::Precondition(format!("pod '{of}' is not this one, '{pod}'")));
            }
            other @ (Role::Standalone | Role::Sandbox(_)) => {
                return Err(Error::Precondition(format!(
                    "expected annotation: '{}': 'container' got '{}'",
                    plan::annotations::names::KUBERNETES_TYPE,
                    other.as_str()
                )));
            }
        }
        share_network(sandbox.spec(), &mut asked.spec);
        Ok(())
    }
}

/// A sandbox that would end at once gets something to do.
fn keep_alive(spec: &mut Spec) {
    const FOREVER: &str = "cmd /c ping -t 127.0.0.1 > nul";
    if has_nothing_to_do(spec)
        && let Some(process) = spec.process.as_mut()
    {
        tracing::warn!("the sandbox has no command of its own, and gets one");
        FOREVER.clone_into(&mut process.command_line);
    }
}

/// A pod's containers share its network; one that names none has the pod's.
fn share_network(pod: &Spec, workload: &mut Spec) {
    let network = pod.windows.as_ref().and_then(|windows| windows.network.clone());
    if let (Some(network), Some(windows)) = (network, workload.windows.as_mut())
        && windows.network.is_none()
    {
        windows.network = Some(network);
    }
}
