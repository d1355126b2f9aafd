//! OCI content store, registries, Windows layers.
//!
//! [`Store`] is the whole of it: it finds, names and removes images (`store`), makes the built-in
//! base image (`base`), speaks to registries (`registry`), reads and writes archives (`archive`)
//! and unpacks layers into folders that a container's C: drive is mounted from (`layer`), which
//! `merged` reads as the mount would show them.
//!
//! Left out on purpose: what a container's spec or platform layer is (`spec`, `engine`), drawing of
//! progress (the command line), and content of other systems: a Linux image is refused.

mod archive;
mod attest;
mod base;
mod compose;
mod compress;
mod config;
mod digest;
mod error;
pub mod hive;
mod image;
mod layer;
mod layout;
pub mod merged;
mod name;
mod platform;
mod progress;
mod registry;
mod settings;
mod size;
mod store;
#[cfg(test)]
mod test;

pub use archive::{ArchiveFormat, Loaded};
pub use compose::{Hold, NewLayer};
pub use compress::Compression;
pub use config::{ContainerConfig, History, ImageConfig, RootFs};
pub use digest::Digest;
pub use error::{Error, Result};
pub use image::Image;
pub use layer::{
    Below, Chain, DESCRIPTOR_ATTRIBUTE, Descriptors, HiveFile, OWNER_ATTRIBUTE, Scratch, adopt,
    folded,
};
pub use layout::Layout;
pub use name::{BASE_NAME, ImageName};
pub use oci_spec::image::Descriptor;
pub use platform::{Candidate, OsVersion, check_version, select};
pub use progress::{Event, Progress, Quiet, State};
pub use registry::{Forgotten, Kept, PullOptions, Pulled, Pushed};
pub use settings::Settings;
pub use size::{TreeSize, tree_size};
pub use store::{
    Alone, CacheRecord, CacheUsage, DiskUsage, Dropped, Making, PruneOptions, Pruned,
    RemoveOptions, Removed, Store,
};
