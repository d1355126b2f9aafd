//! What can go wrong: the step that failed, and what could not be given back.

use std::path::Path;

use engine::EngineError;
use plan::PlanError;

use crate::ledger::LedgerError;
use crate::undo::Undo;

/// An acquisition that failed. Everything but `leaked` was given back.
#[derive(Debug, thiserror::Error)]
#[error("failed to {step} ({detail}){}", also(leaked))]
pub struct AcquireError {
    /// The step that failed, in words.
    pub step: &'static str,
    /// What it was about.
    pub detail: String,
    /// Why it failed.
    #[source]
    pub cause: Cause,
    /// What could not be given back, newest first. It stays in the ledger.
    pub leaked: Vec<Leak>,
}

impl AcquireError {
    pub(crate) fn begin(ledger: &Path, cause: LedgerError) -> Self {
        Self {
            step: "begin the ledger",
            detail: ledger.display().to_string(),
            cause: cause.into(),
            leaked: Vec::new(),
        }
    }
}

fn also(leaked: &[Leak]) -> String {
    match leaked.first() {
        None => String::new(),
        Some(leak) => format!("; {} things could not be given back, first: {leak}", leaked.len()),
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The engine could not do it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The ledger could not be written, so it was not tried.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What the engine answered does not fit the plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A folder could not be made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// This host has nothing that does such a step.
    #[error("it is a step for a VM, and comes with the VM engine")]
    NeedsVm,
}

/// Something that could not be given back.
#[derive(Debug, thiserror::Error)]
#[error("{undo}")]
pub struct Leak {
    /// What was tried.
    pub undo: Undo,
    /// Why it failed.
    #[source]
    pub cause: EngineError,
}

/// A release that did not give everything back. What failed stays in the ledger.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// Something could not be given back; everything else was tried.
    #[error("failed to {} and {} more", first.undo, others.len())]
    Leaked {
        /// The first that failed.
        #[source]
        first: Box<Leak>,
        /// The others.
        others: Vec<Leak>,
    },
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
