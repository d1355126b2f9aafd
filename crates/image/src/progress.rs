//! How far a pull, a push or an unpacking is: told as it happens, drawn by the caller.

use crate::digest::Digest;

/// Something that happened to one layer.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Which blob.
    pub blob: &'a Digest,
    /// What it is doing now.
    pub state: State,
}

/// What a layer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its turn has not come.
    Waiting,
    /// It was here already.
    Exists,
    /// Bytes come in.
    Downloading {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// It is here and is what it should be.
    Downloaded,
    /// Compressed bytes that have been unpacked.
    Extracting {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// It is ready for use.
    Complete,
    /// Bytes go out.
    Pushing {
        /// So far.
        done: u64,
        /// In all.
        total: u64,
    },
    /// The registry has it now.
    Pushed,
    /// The registry had it in another repository.
    Mounted,
    /// The registry had it.
    AlreadyThere,
}

/// Hears how far things are. Called from several threads, so it must be quick.
pub trait Progress: Send + Sync {
    /// A layer did something.
    fn layer(&self, event: Event<'_>);

    /// A line for the user that is about no single layer (`Pulling from library/node`).
    fn status(&self, line: &str);

    /// A line that the user must see also when asking for quiet.
    fn warning(&self, line: &str) {
        self.status(&format!("Warning: {line}"));
    }
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn layer(&self, _: Event<'_>) {}

    fn status(&self, _: &str) {}

    fn warning(&self, line: &str) {
        tracing::warn!("{line}");
    }
}
