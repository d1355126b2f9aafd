//! From a scratch to a layer: what a container changed of its C: drive, as a Windows layer archive.
//!
//! The scratch is the upper directory of an overlay: what was removed is a whiteout there, and a
//! folder that was removed and made anew is opaque. Windows layers only know removed names, so for
//! an opaque folder every name below it is given as removed. What a parent's archive said about a
//! file beyond what this file system holds (its security descriptor, its streams) goes along.
//!
//! The same content gives the same bytes. Nothing is followed: a container made these files.

mod descriptors;
mod entries;
mod kept;
pub(super) mod security;
mod upper;
mod walk;
pub(super) mod writer;

use std::path::PathBuf;

pub use descriptors::Descriptors;
pub use upper::Scratch;

use crate::compose::{Hold, NewLayer};
use crate::error::{Error, Result};
use crate::store::Store;

/// The attribute by which whoever fills a scratch says whose a file or a folder is: the account's
/// security identifier, `S-1-...`. No container can set it.
pub const OWNER_ATTRIBUTE: &str = "trusted.transom.owner";

/// The attribute by which whoever fills a scratch gives a file or a folder a security descriptor, as
/// [`Descriptors::get`] has it. An owner counts more. No container can set it.
pub const DESCRIPTOR_ATTRIBUTE: &str = "trusted.transom.descriptor";

/// A registry hive to go with a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiveFile {
    /// `System_Delta`.
    pub name: String,
    /// In the `regf` format.
    pub data: Vec<u8>,
}

impl Store {
    /// Stores what a container changed as a new layer. The container must not run.
    pub async fn add_scratch_layer(&self, hold: &Hold, scratch: Scratch) -> Result<NewLayer> {
        let (send, receive) = std::sync::mpsc::channel::<Error>();
        let added = self
            .add_layer(hold, scratch.compression, move |out| {
                // The archive's writer only knows I/O errors; the whole story goes beside it.
                scratch.write(out).map_err(|error| {
                    let told = std::io::Error::other(error.to_string());
                    let _ = send.send(error);
                    told
                })
            })
            .await;
        match receive.try_recv() {
            Ok(error) => Err(error),
            Err(_) => added,
        }
    }
}

/// Where the layers that a scratch lies on are.
#[derive(Debug, Clone, Default)]
pub struct Below {
    /// Layer folders, nearest parent first.
    pub parents: Vec<PathBuf>,
    /// The platform's drive.
    pub drive: PathBuf,
}
