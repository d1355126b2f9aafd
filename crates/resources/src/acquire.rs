//! Acquiring: step by step, each written down first, all or nothing.

use std::path::{Path, PathBuf};

use engine::network::EndpointRequest;
use plan::{Acquired, Plan, Step};
use schema::SystemId;
use schema::document::ComputeSystem;

use crate::error::{AcquireError, Cause, ReleaseError};
use crate::host::Host;
use crate::ledger::Ledger;
use crate::undo::{Undo, finish};

/// What a container stands on. Dropping it gives nothing back: that is [`Held::release`]'s, or
/// [`release_ledger`](crate::release_ledger)'s after a crash.
#[derive(Debug)]
#[must_use = "what is held is only given back by `release`"]
pub struct Held {
    system: SystemId,
    ledger: PathBuf,
    undos: Vec<Undo>,
}

impl Held {
    /// Acquires everything that `plan` names, or nothing, and completes its document.
    ///
    /// Run it on a task of its own: a future that is dropped half-way gives nothing back, though its
    /// ledger still can.
    pub async fn acquire(
        plan: &Plan,
        host: &impl Host,
        ledger: &Path,
    ) -> Result<(Self, ComputeSystem), AcquireError> {
        let mut held = Self::empty(&plan.id, ledger);
        let mut open = Ledger::begin(ledger).map_err(|cause| AcquireError::begin(ledger, cause))?;
        match held.fill(plan, host, &mut open).await {
            Ok(document) => Ok((held, document)),
            Err(failure) => Err(held.unwind(failure, host).await),
        }
    }

    /// Takes steps that no document comes of, or none of them: what a pod's placeholder holds.
    pub async fn acquire_steps(
        system: &SystemId,
        steps: &[Step],
        host: &impl Host,
        ledger: &Path,
    ) -> Result<Self, AcquireError> {
        let mut held = Self::empty(system, ledger);
        let mut open = Ledger::begin(ledger).map_err(|cause| AcquireError::begin(ledger, cause))?;
        let failure = match held.take_all(steps, host, &mut open).await {
            Err(failure) => failure,
            Ok(_) => match open.complete() {
                Ok(()) => return Ok(held),
                Err(cause) => Failure::complete(cause.into()),
            },
        };
        Err(held.unwind(failure, host).await)
    }

    fn empty(system: &SystemId, ledger: &Path) -> Self {
        Self { system: system.clone(), ledger: ledger.to_owned(), undos: Vec::new() }
    }

    /// Gives everything back, newest first: tries all of it, and reports the first failure. What
    /// failed stays in the ledger.
    pub async fn release(self, host: &impl Host) -> Result<(), ReleaseError> {
        let undos: Vec<Undo> = self.undos.into_iter().filter(Undo::is_for_release).collect();
        finish(&self.ledger, &undos, true, host).await
    }

    /// The system that it is held for.
    pub fn system(&self) -> &SystemId {
        &self.system
    }

    async fn fill(
        &mut self,
        plan: &Plan,
        host: &impl Host,
        ledger: &mut Ledger,
    ) -> Result<ComputeSystem, Failure> {
        let acquired = self.take_all(&plan.steps, host, ledger).await?;
        let document = plan.complete(&acquired).map_err(|cause| Failure::complete(cause.into()))?;
        ledger.complete().map_err(|cause| Failure::complete(cause.into()))?;
        Ok(document)
    }

    async fn take_all(
        &mut self,
        steps: &[Step],
        host: &impl Host,
        ledger: &mut Ledger,
    ) -> Result<Acquired, Failure> {
        let mut acquired = Acquired::default();
        for step in steps {
            self.take(step, host, ledger, &mut acquired)
                .await
                .map_err(|cause| Failure::of(step, cause))?;
        }
        Ok(acquired)
    }

    /// Takes a step. It is written down before, and owed from when it has been taken: what it names
    /// may be somebody else's when the engine refuses it.
    async fn take(
        &mut self,
        step: &Step,
        host: &impl Host,
        ledger: &mut Ledger,
        acquired: &mut Acquired,
    ) -> Result<(), Cause> {
        let undo = Undo::of(step, &self.system);
        if let Some(undo) = &undo {
            ledger.intend(undo)?;
        }
        match step {
            Step::CreateScratch { scratch, layers, size } => {
                host.create_scratch(Path::new(scratch), &folders(layers), *size).await?;
            }
            Step::CreateFolder { path } => tokio::fs::create_dir_all(path).await?,
            Step::MountLayers { scratch, layers } => {
                let mounted =
                    host.mount(&self.system, Path::new(scratch), &folders(layers)).await?;
                acquired.root = Some(mounted.path);
                acquired.layers = mounted.layers;
            }
            Step::CreateNamespace { name, .. } => {
                host.create_namespace(name).await?;
                acquired.namespace = Some(name.clone());
            }
            Step::AdoptNamespace { name, path } => {
                host.adopt_namespace(name, Path::new(path)).await?;
                acquired.namespace = Some(name.clone());
            }
            Step::SetNames { namespace, names } => host.set_names(namespace, names).await?,
            Step::AddCredentials { credential_spec, .. } => {
                acquired.credentials = Some(host.add(&self.system, credential_spec).await?);
            }
            Step::GrantVmAccess { .. }
            | Step::GrantVmGroupAccess { .. }
            | Step::CopyFile { .. }
            | Step::SetDiskIdentifier { .. }
            | Step::ModifyVm(_)
            | Step::ExecInVm { .. }
            | Step::LocateDevice { .. }
            | Step::ConfigureVmNetwork { .. }
            | Step::AllowCredentialService {} => return Err(Cause::NeedsVm),
        }
        self.undos.extend(undo);
        if let Step::CreateNamespace { name, endpoints } = step {
            self.connect(name, endpoints, host).await?;
        }
        Ok(())
    }

    /// Deleting the namespace gives these back.
    async fn connect(
        &self,
        name: &str,
        networks: &[String],
        host: &impl Host,
    ) -> Result<(), Cause> {
        for network in networks {
            let endpoint = EndpointRequest {
                network: network.clone(),
                container_id: self.system.to_string(),
                ..EndpointRequest::default()
            };
            host.attach(name, &endpoint).await?;
        }
        Ok(())
    }

    async fn unwind(self, failure: Failure, host: &impl Host) -> AcquireError {
        let mut error = AcquireError {
            step: failure.step,
            detail: failure.detail,
            cause: failure.cause,
            leaked: Vec::new(),
        };
        match finish(&self.ledger, &self.undos, false, host).await {
            Ok(()) => {}
            Err(ReleaseError::Leaked { first, others }) => {
                error.leaked.push(*first);
                error.leaked.extend(others);
            }
            Err(ReleaseError::Ledger(ledger)) => {
                tracing::warn!(
                    error = &ledger as &dyn std::error::Error,
                    "a ledger is left behind"
                );
            }
        }
        error
    }
}

/// The step that failed, and why.
struct Failure {
    step: &'static str,
    detail: String,
    cause: Cause,
}

impl Failure {
    fn of(step: &Step, cause: Cause) -> Self {
        let (step, detail) = step.summary();
        Self { step, detail, cause }
    }

    fn complete(cause: Cause) -> Self {
        Self { step: "complete the document", detail: "everything was acquired".into(), cause }
    }
}

fn folders(layers: &[String]) -> Vec<PathBuf> {
    layers.iter().map(PathBuf::from).collect()
}
