//! `Create`: from a bundle to a container, all or nothing.

use std::path::Path;
use std::sync::Arc;

use containerd_shim_protos::api::CreateTaskRequest;
use engine::{Engine, ErrorKind};
use plan::sandbox::Role;
use plan::{ContainerRequest, RootfsMount, Spec};
use resources::{Held, Host, HostFiles};
use schema::process::ProcessParameters;
use schema::{SystemId, TaskId};

use super::Service;
use super::slot::{PodTasks, Slot};
use crate::driver::{Actor, Container, Made, TaskEvents, TaskHandle, end};
use crate::error::{Error, Result, words};
use crate::options;
use crate::proto::Options;
use crate::stdio::{Ends, Upstream};

/// Who creates compute systems, as they are listed.
const OWNER: &str = "containerd-shim-runhcs-v1";

/// A request whose bundle was read.
struct Asked {
    id: TaskId,
    request: CreateTaskRequest,
    spec: Spec,
    options: Options,
}

impl<E: Engine, H: Host> Service<E, H> {
    pub(super) async fn create(&self, request: CreateTaskRequest) -> Result<()> {
        let asked = read(request).await?;
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
        if asked.id != self.inner.id {
            let id = &asked.id;
            return Err(Error::Invalid(format!("task `{id}` does not belong to this shim")));
        }
        if !matches!(*self.inner.slot.lock().await, Slot::Empty) {
            return Err(Error::AlreadyExists(format!("task `{}`", asked.id)));
        }
        let id = asked.id.clone();
        let task = self.make(asked).await?;
        *self.inner.slot.lock().await = Slot::Standalone(id, task);
        Ok(())
    }

    /// Called while `making` is held.
    async fn create_pod(&self, mut asked: Asked) -> Result<()> {
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

    /// Makes the task: streams, resources, compute system, driver.
    async fn make(&self, asked: Asked) -> Result<TaskHandle<E::System>> {
        let world = &self.inner.world;
        let Asked { id, request, spec, options } = asked;
        let ends = ends(&request);
        let upstream = Upstream::connect(ends.clone(), &world.namespace, id.as_str()).await?;
        let shown = upstream.ends.clone();
        let (container, parameters) = if is_holder(&spec, world.facts.is_unix()) {
            (None, ProcessParameters::default())
        } else {
            let plan = self.plan(&id, &spec, &request, &options, &upstream)?;
            let parameters = plan.process.clone().unwrap_or_default();
            (Some(self.acquire(&id, &plan).await?), parameters)
        };
        let events = TaskEvents {
            publisher: self.inner.publisher.clone(),
            id: id.to_string(),
            bundle: request.bundle.clone(),
            rootfs: request.rootfs,
            ends,
        };
        let made =
            Made { id, bundle: request.bundle, container, parameters, upstream, ends: shown };
        let (task, receipts) = Actor::launch(made, spec, Arc::clone(world), events);
        for receipt in receipts {
            receipt.await;
        }
        Ok(task)
    }

    fn plan(
        &self,
        id: &TaskId,
        spec: &Spec,
        request: &CreateTaskRequest,
        options: &Options,
        upstream: &Upstream,
    ) -> Result<plan::Plan> {
        if !spec.is_wcow() && !spec.is_lcow() {
            let rule = "oci spec does not contain WCOW or LCOW spec";
            return Err(Error::Precondition(rule.to_owned()));
        }
        let rootfs = request.rootfs.iter().map(|mount| RootfsMount {
            mount_type: mount.type_.clone(),
            source: mount.source.clone(),
            target: mount.target.clone(),
            options: mount.options.clone(),
        });
        let wanted = ContainerRequest {
            scale_cpu_limits: options.scale_cpu_limits_to_sandbox,
            sandbox_folder: self.sandbox_folder(),
            ..ContainerRequest::new(SystemId::from(id), OWNER, spec.clone())
        };
        let wanted = wanted.stdio(upstream.streams()).rootfs(rootfs.collect());
        let plan = plan::container(&wanted, &self.inner.world.facts, &HostFiles)?;
        for remark in &plan.remarks {
            tracing::warn!(task = id.as_str(), remark);
        }
        Ok(plan)
    }

    /// Where a pod's containers share files.
    fn sandbox_folder(&self) -> Option<String> {
        let folder = self.inner.world.state.join("pods").join(self.inner.id.as_str());
        self.inner.is_sandbox.then(|| folder.display().to_string())
    }

    /// Acquires what the plan names and creates the compute system; or nothing.
    async fn acquire(&self, id: &TaskId, plan: &plan::Plan) -> Result<Container<E>> {
        let world = &self.inner.world;
        let ledger = world.ledger(id);
        self.sweep(&plan.id, &ledger).await?;
        let (held, document) = Held::acquire(plan, &world.host, &ledger).await?;
        match world.engine.create(&plan.id, &document).await {
            Ok(system) => Ok(Container { system, held }),
            Err(error) => {
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

/// Reads the bundle, and does to its spec what the options say.
async fn read(request: CreateTaskRequest) -> Result<Asked> {
    let id = TaskId::new(&request.id).map_err(|error| Error::Invalid(error.to_string()))?;
    let options = match request.options.as_ref() {
        Some(any) => options::from_any(any).map_err(|error| Error::Failed(error.to_string()))?,
        None => Options::new(),
    };
    let path = Path::new(&request.bundle).join("config.json");
    let text = tokio::fs::read_to_string(&path)
        .await
        .map_err(|error| Error::Failed(format!("cannot read `{}`: {error}", path.display())))?;
    let mut spec = Spec::from_json(&text)?;
    options::for_plan(&options).prepare(&mut spec)?;
    if request.terminal && !request.stderr.is_empty() {
        let rule = "if using terminal, stderr must be empty";
        return Err(Error::Precondition(rule.to_owned()));
    }
    Ok(Asked { id, request, spec, options })
}

fn role(spec: &Spec) -> Result<Role> {
    Ok(Role::of(&spec.annotations.clone().unwrap_or_default())?)
}

fn ends(request: &CreateTaskRequest) -> Ends {
    Ends {
        stdin: request.stdin.clone(),
        stdout: request.stdout.clone(),
        stderr: request.stderr.clone(),
        terminal: request.terminal,
    }
}

/// Some pods need no container of their own: those of host-process containers, and where a network
/// needs nobody in it to last, those whose sandbox has nothing to do.
fn is_holder(spec: &Spec, network_lasts: bool) -> bool {
    let sandbox = matches!(role(spec), Ok(Role::Sandbox(_)));
    let on_host = spec.is_job_container() && !spec.is_isolated();
    sandbox && (on_host || (network_lasts && has_nothing_to_do(spec)))
}

/// Its image has no entry point: there is a bare shell, which would end at once.
fn has_nothing_to_do(spec: &Spec) -> bool {
    const SHELL: &str = r"c:\windows\system32\cmd.exe";
    let Some(process) = spec.process.as_ref() else { return true };
    let only = match process.args.as_slice() {
        [only] => only.eq_ignore_ascii_case(SHELL),
        _ => false,
    };
    only || process.command_line.eq_ignore_ascii_case(SHELL)
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

/// Ends a compute system by its id; one that is not there is a success.
pub(crate) async fn end_by_id<E: Engine>(engine: &E, id: &SystemId) -> engine::Result<()> {
    match engine.open(id).await {
        Ok(system) => {
            end(&system, false).await;
            Ok(())
        }
        Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
