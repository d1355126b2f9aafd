//! Giving back: what undoes a step, and doing it, also long after.

use std::path::{Path, PathBuf};

use engine::EngineError;
use plan::Step;
use schema::SystemId;
use serde::{Deserialize, Serialize};

use crate::error::{Leak, ReleaseError};
use crate::host::Host;
use crate::ledger::{self, Ledger};

/// What gives a step back. Each may be done when its step never was, and more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo")]
pub enum Undo {
    /// Remove a scratch that acquisition made. Only when acquisition did not come to its end.
    DestroyScratch {
        /// The scratch folder.
        scratch: PathBuf,
    },
    /// Unmount a scratch.
    Unmount {
        /// The scratch folder.
        scratch: PathBuf,
    },
    /// Delete a network namespace with all that is attached to it.
    DeleteNamespace {
        /// Its name.
        name: String,
    },
    /// Remove a credential guard instance.
    RemoveCredentials {
        /// The system that it was made for.
        system: SystemId,
    },
}

impl Undo {
    /// What gives `step` back, if it has to be given back.
    pub fn of(step: &Step, system: &SystemId) -> Option<Self> {
        match step {
            Step::CreateScratch { scratch, .. } => {
                Some(Self::DestroyScratch { scratch: scratch.into() })
            }
            Step::MountLayers { scratch, .. } => Some(Self::Unmount { scratch: scratch.into() }),
            Step::CreateNamespace { name, .. } | Step::AdoptNamespace { name, .. } => {
                Some(Self::DeleteNamespace { name: name.clone() })
            }
            Step::AddCredentials { .. } => Some(Self::RemoveCredentials { system: system.clone() }),
            Step::CreateFolder { .. }
            | Step::SetNames { .. }
            | Step::GrantVmAccess { .. }
            | Step::GrantVmGroupAccess { .. }
            | Step::CopyFile { .. }
            | Step::SetDiskIdentifier { .. }
            | Step::ModifyVm(_)
            | Step::ExecInVm { .. }
            | Step::LocateDevice { .. }
            | Step::ConfigureVmNetwork { .. }
            | Step::AllowCredentialService {} => None,
        }
    }

    /// Whether it is done for a container that was acquired as a whole.
    pub fn is_for_release(&self) -> bool {
        !matches!(self, Self::DestroyScratch { .. })
    }

    pub(crate) async fn run(&self, host: &impl Host) -> Result<(), EngineError> {
        match self {
            Self::DestroyScratch { scratch } => host.destroy_scratch(scratch).await,
            Self::Unmount { scratch } => host.unmount(scratch).await,
            Self::DeleteNamespace { name } => host.delete_namespace(name).await,
            Self::RemoveCredentials { system } => host.remove(system).await,
        }
    }
}

impl std::fmt::Display for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DestroyScratch { scratch } => write!(f, "remove scratch {}", scratch.display()),
            Self::Unmount { scratch } => write!(f, "unmount {}", scratch.display()),
            Self::DeleteNamespace { name } => write!(f, "delete namespace {name}"),
            Self::RemoveCredentials { system } => write!(f, "remove credentials of {system}"),
        }
    }
}

/// Gives back, newest first, trying everything.
pub(crate) async fn give_back(undos: &[Undo], host: &impl Host) -> Vec<Leak> {
    let mut leaks = Vec::new();
    for undo in undos.iter().rev() {
        if let Err(cause) = undo.run(host).await {
            tracing::warn!(%undo, error = &cause as &dyn std::error::Error, "could not give back");
            leaks.push(Leak { undo: undo.clone(), cause });
        }
    }
    leaks
}

/// Gives back what a ledger names, after whoever wrote it is gone, and removes it. A ledger that is
/// not there has nothing to give back. What fails stays in the ledger, so that it can be tried again.
pub async fn release_ledger(path: &Path, host: &impl Host) -> Result<(), ReleaseError> {
    let Some(entries) = ledger::read(path)? else { return Ok(()) };
    let undos: Vec<Undo> = entries
        .undos
        .into_iter()
        .filter(|undo| !entries.complete || undo.is_for_release())
        .collect();
    finish(path, &undos, entries.complete, host).await
}

/// Gives `undos` back and leaves in the ledger at `path` only what failed.
pub(crate) async fn finish(
    path: &Path,
    undos: &[Undo],
    complete: bool,
    host: &impl Host,
) -> Result<(), ReleaseError> {
    let mut leaks = give_back(undos, host).await;
    if leaks.is_empty() {
        return Ok(ledger::remove(path)?);
    }
    // The leaks are newest first; the ledger is in the order of acquisition.
    let left: Vec<Undo> = leaks.iter().rev().map(|leak| leak.undo.clone()).collect();
    Ledger::rewrite(path, &left, complete)?;
    let first = leaks.remove(0);
    Err(ReleaseError::Leaked { first: Box::new(first), others: leaks })
}
