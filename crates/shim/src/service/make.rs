//! Making a task: what its bundle comes to is decided by `plan`, acquired by `resources` and created
//! by the engine; all of it, or nothing.

use std::path::Path;
use std::sync::Arc;

use engine::{Engine, ErrorKind};
use plan::sandbox::{self, Role};
use plan::task::{Created, TaskRequest};
use plan::{ContainerRequest, HostFacts, Plan, Step, Streams};
use resources::{Held, Host, HostFiles};
use schema::process::ProcessParameters;
use schema::{SystemId, TaskId};

use super::Service;
use super::bundle::{Asked, ends, has_nothing_to_do, role};
use crate::OWNER;
use crate::driver::{Actor, Container, Made, TaskEvents, TaskHandle, end};
use crate::error::{Error, Result, words};
use crate::options;
use crate::stdio::Upstream;

/// What a request comes to.
enum Decided {
    /// A placeholder, and what it holds for its pod.
    Holder(Vec<Step>),
    Container(Box<Plan>),
}

impl<E: Engine, H: Host> Service<E, H> {
    /// Makes the task: streams, resources, compute system, driver.
    pub(super) async fn make(&self, mut asked: Asked) -> Result<TaskHandle<E::System>> {
        let world = &self.inner.world;
        let ends = ends(&asked.request);
        let id = asked.id.clone();
        let upstream = Upstream::connect(ends.clone(), &world.namespace, id.as_str()).await?;
        let (mut container, mut held) = (None, None);
        let mut parameters = ProcessParameters::default();
        match self.decide(&mut asked, upstream.streams()).await? {
            Decided::Holder(steps) => held = self.hold(&id, &steps).await?,
            Decided::Container(plan) => {
                parameters = plan.process.clone().unwrap_or_default();
                container = Some(self.acquire(&id, &plan).await?);
            }
        }
        let Asked { request, spec, is_linux_shaped, is_quiet, .. } = asked;
        let events = TaskEvents {
            publisher: self.inner.publisher.clone().quiet(is_quiet),
            id: id.to_string(),
            bundle: request.bundle.clone(),
            rootfs: request.rootfs,
            ends,
        };
        let ends = upstream.ends.clone();
        let bundle = request.bundle;
        let made =
            Made { id, bundle, container, held, parameters, upstream, ends, is_linux_shaped };
        let (task, receipts) = Actor::launch(made, spec, Arc::clone(world), events);
        for receipt in receipts {
            receipt.await;
        }
        Ok(task)
    }

    async fn decide(&self, asked: &mut Asked, stdio: Streams) -> Result<Decided> {
        let facts = &self.inner.world.facts;
        if !asked.spec.is_wcow() && !asked.spec.is_lcow() {
            let rule = "oci spec does not contain WCOW or LCOW spec";
            return Err(Error::Precondition(rule.to_owned()));
        }
        let role = role(&asked.spec)?;
        if matches!(role, Role::Sandbox(_)) && is_held(asked, facts) {
            let id = SystemId::from(&asked.id);
            return Ok(Decided::Holder(sandbox::hold(
                &id,
                &mut asked.spec,
                &asked.beside.names,
                facts,
            )));
        }
        self.adopt_rootfs(asked).await?;
        let decided = match role {
            Role::Container(_) => self.decide_workload(asked, stdio)?,
            Role::Standalone | Role::Sandbox(_) => self.decide_first(asked, stdio)?,
        };
        if let Decided::Container(plan) = &decided {
            for remark in &plan.remarks {
                tracing::warn!(task = asked.id.as_str(), remark);
            }
        }
        Ok(decided)
    }

    /// A pod's sandbox, or a container on its own.
    fn decide_first(&self, asked: &Asked, stdio: Streams) -> Result<Decided> {
        let request = TaskRequest {
            id: SystemId::from(&asked.id),
            owner: OWNER.to_owned(),
            bundle: asked.request.bundle.clone(),
            is_sandbox: self.inner.is_sandbox,
            spec: asked.spec.clone(),
            options: options::for_plan(&asked.options),
            rootfs: asked.rootfs.clone(),
            beside: asked.beside.clone(),
            terminal: asked.request.terminal,
            stderr: asked.request.stderr.clone(),
            stdio,
        };
        match plan::task::create(request, &self.inner.world.facts, &HostFiles)? {
            Created::Container(plan) => Ok(Decided::Container(plan)),
            Created::HostProcessPod => Ok(Decided::Holder(Vec::new())),
            Created::Vm(_) => Err(Error::NotImplemented("a pod in a utility VM")),
        }
    }

    fn decide_workload(&self, asked: &Asked, stdio: Streams) -> Result<Decided> {
        let request = ContainerRequest {
            scale_cpu_limits: asked.options.scale_cpu_limits_to_sandbox,
            sandbox_folder: self.sandbox_folder(),
            beside: asked.beside.clone(),
            ..ContainerRequest::new(SystemId::from(&asked.id), OWNER, asked.spec.clone())
        };
        let request = request.stdio(stdio).rootfs(asked.rootfs.clone());
        let plan = plan::system(&request, &self.inner.world.facts, &HostFiles)?;
        Ok(Decided::Container(Box::new(plan)))
    }

    /// Where a pod's containers share files.
    fn sandbox_folder(&self) -> Option<String> {
        let (world, pod) = (&self.inner.world, self.inner.id.as_str());
        let folder = crate::roles::pod_folder(&world.state, &world.namespace, pod);
        self.inner.is_sandbox.then(|| folder.display().to_string())
    }

    /// Acquires what a placeholder holds.
    async fn hold(&self, id: &TaskId, steps: &[Step]) -> Result<Option<Held>> {
        if steps.is_empty() {
            return Ok(None);
        }
        let (world, system) = (&self.inner.world, SystemId::from(id));
        let ledger = world.ledger(id);
        self.sweep(&system, &ledger).await?;
        Ok(Some(Held::acquire_steps(&system, steps, &world.host, &ledger).await?))
    }

    /// Acquires what the plan names and creates the compute system; or nothing.
    async fn acquire(&self, id: &TaskId, plan: &Plan) -> Result<Container<E>> {
        if !plan.affinity.is_empty() {
            // They are not in the document, but a matter of the container's job.
            return Err(Error::NotImplemented("`windows.resources.cpu.affinity` of a container"));
        }
        let world = &self.inner.world;
        let ledger = world.ledger(id);
        self.sweep(&plan.id, &ledger).await?;
        let (held, document) = Held::acquire(plan, &world.host, &ledger).await?;
        match world.engine.create(&plan.id, &document).await {
            Ok(system) => Ok(Container { system, held }),
            Err(error) => {
                // Looking for it sweeps what was left of it, should its host have been killed.
                let _ = world.engine.open(&plan.id).await;
                if let Err(leak) = held.release(&world.host).await {
                    tracing::error!(error = words(&leak), "something was not given back");
                }
                Err(error.into())
            }
        }
    }

    /// Gives back what a killed shim held under this id; refuses when its container still runs.
    async fn sweep(&self, id: &SystemId, ledger: &Path) -> Result<()> {
        if !tokio::fs::try_exists(ledger).await.unwrap_or(false) {
            return Ok(());
        }
        match self.inner.world.engine.open(id).await {
            Ok(_) => return Err(Error::AlreadyExists(format!("container `{id}`"))),
            Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let released = resources::release_ledger(ledger, &self.inner.world.host).await;
        released.map_err(|error| Error::Failed(words(&error)))
    }
}

/// A network that needs nobody in it to last needs no container to keep it: neither a sandbox that
/// would do nothing, nor the Linux program that a Linux containerd keeps a pod with.
fn is_held(asked: &Asked, facts: &HostFacts) -> bool {
    facts.is_unix() && (asked.is_linux_shaped || has_nothing_to_do(&asked.spec))
}

/// Ends a compute system by its id; one that is not there is a success.
pub(crate) async fn end_by_id<E: Engine>(engine: &E, id: &SystemId) -> engine::Result<()> {
    match engine.open(id).await {
        Ok(system) => end(&system, None).await,
        Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
