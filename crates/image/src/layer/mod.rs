//! Windows layers: from an archive in the store to a folder that an overlay is mounted from.
//!
//! ```text
//!  blob --source: inflate, hash--> tarball: entries --stage--> temporary folder + tree in memory
//!                                                                  |
//!  parents' folders, platform --fold--> settle: spelling, links, whiteouts, times, meta.jsonl
//!                                                                  |
//!                                                      renamed to layers/<chain id>
//! ```
//!
//! Staging needs nothing of the layers below, so the layers of an image are staged side by side;
//! what depends on them (names folded onto the chain's spelling, links into a parent) is settled
//! afterwards, base first, and costs little.
//!
//! Where the host has a service for layers (`engine::layering`: Windows), the last step is another
//! one: see [`hosted`].
//!
//! The utility VM's files (`UtilityVM/`) are checked and passed over: no engine here boots them.
//! Registry hives are stored as they came.

mod adopt;
pub(crate) mod beneath;
mod budget;
mod export;
mod filler;
pub(crate) mod fold;
mod hosted;
mod import;
mod meta;
mod names;
mod pool;
pub(crate) mod record;
mod settle;
mod source;
mod stage;
mod staging;
mod tarball;
mod target;
mod tree;
mod unpack;

use std::path::PathBuf;

pub use adopt::adopt;
pub use export::{Below, DESCRIPTOR_ATTRIBUTE, Descriptors, HiveFile, OWNER_ATTRIBUTE, Scratch};
pub use fold::key as folded;
pub(crate) use source::decompressed;
pub(crate) use tarball::{Entry, Tarball};

use crate::digest::Digest;

/// The folders of an unpacked image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Nearest parent first, the base last: as `windows.layerFolders` wants them.
    pub folders: Vec<PathBuf>,
    /// Their chain ids, in the same order.
    pub ids: Vec<Digest>,
}
