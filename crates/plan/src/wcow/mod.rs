//! Documents of Windows containers.

mod devices;
mod document;
mod root;

pub use document::{Builder, Documents};
pub(crate) use document::{credential_spec, pipe_vm};
