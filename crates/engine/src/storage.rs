//! Layers and scratch.

use std::future::Future;
use std::path::{Path, PathBuf};

use schema::SystemId;
use schema::container::Layer;

use crate::Result;

/// A file of this name in a scratch's folder, made before its first mount: nobody will ask for what
/// is in the scratch once the host has crashed. An engine may then spare the host the writing of
/// everything when the container ends, which others who use the disk would wait for too; the
/// container's own flushes then last no longer than the host does.
pub const PASSING: &str = "passing";

/// What the folder of a chain's registry names the platform in that it was made from.
pub const MADE_FROM: &str = "platform";

/// The folder of the registry that the layers (nearest parent first) make of this platform's, whether
/// it is there or not: where images are unpacked, in the nearest layer.
pub fn chain_registry(layers: &[PathBuf]) -> Option<PathBuf> {
    Some(layers.first()?.join("registry"))
}

/// The same, if it was made from this platform.
pub fn registry_of(layers: &[PathBuf], platform: &str) -> Option<PathBuf> {
    let registry = chain_registry(layers)?;
    let made_from = std::fs::read_to_string(registry.join(MADE_FROM)).ok()?;
    (made_from == platform).then_some(registry)
}

/// Prepares what a compute system's `C:` is made of.
///
/// On Windows: `computestorage.dll`. On Linux a scratch is a folder whose contents belong to this
/// crate, and mounting happens in the silo's own mount namespace at `create`, so that nothing is
/// left mounted however a silo ends.
pub trait Storage: Send + Sync + 'static {
    /// Makes an empty scratch over `layers` (nearest parent first). All or nothing. `size` limits
    /// what it can hold, in bytes; refused where that cannot be enforced.
    fn create_scratch(
        &self,
        scratch: &Path,
        layers: &[PathBuf],
        size: Option<u64>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Makes the scratch ready for `system` and tells what goes into its document.
    fn mount(
        &self,
        system: &SystemId,
        scratch: &Path,
        layers: &[PathBuf],
    ) -> impl Future<Output = Result<Mounted>> + Send;

    /// Undoes [`Storage::mount`]. One that is not mounted is a success.
    fn unmount(&self, scratch: &Path) -> impl Future<Output = Result<()>> + Send;

    /// Removes a scratch and all that is in it. One that is gone is a success.
    fn destroy_scratch(&self, scratch: &Path) -> impl Future<Output = Result<()>> + Send;
}

/// What goes into a document's `Storage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// `Storage.Path`.
    pub path: String,
    /// `Storage.Layers`, nearest parent first.
    pub layers: Vec<Layer>,
}
