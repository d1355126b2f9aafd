//! A runtime spec to the documents of HCS's first schema, as Docker's built-in runtime for Windows
//! makes them: what a host needs that runs containers without containerd.
//!
//! Everything else in Transom speaks schema 2 (crate `plan`). Looking for the utility VM's image is
//! [`Lookups::stat`](crate::Lookups::stat)'s; the name-to-GUID function of HCS is passed in.

mod container;
mod documents;
mod error;
mod hidden;
mod process;

pub use container::{Host, container};
pub use documents::{
    AssignedDevice, ContainerConfig, HvRuntime, Layer, MappedDirectory, MappedPipe, ProcessConfig,
};
pub use error::HcsV1Error;
pub use process::{exec, init};
