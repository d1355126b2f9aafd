//! Dockerfile builds for Windows images, and the executor that they run on.
//!
//! [`dockerfile`] is the language: text to instructions with their lines. [`paths`] holds the rules
//! for the paths of Windows images, of `BuildKit` and of docker's older builder ([`classic`]), which
//! also serves changes at a commit; [`ignore`] decides what of a context is not there. None of these
//! touches the host. [`executor`] runs one process in a container, [`Builder`] makes images.
//!
//! Everything is the same whatever the OS: it is written against `engine`'s traits.

mod builder;
pub mod classic;
pub mod dockerfile;
mod error;
pub mod executor;
mod files;
pub mod ignore;
pub mod output;
pub mod paths;
pub mod progress;
mod registry;
pub mod remote;
mod view;

pub use builder::{Builder, Ground, Options, change};
pub use error::{BuildError, Cause};
pub use files::CopyError;
pub use registry::{RegistryError, changes as registry_changes};
