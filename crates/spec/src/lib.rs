//! Container settings to an OCI runtime spec for Windows.
//!
//! ```text
//! CreateRequest --create::prepare--> Config + HostConfig --build--> oci::Spec
//!   (JSON, flags)  refuse, check,      (what is stored)    at every
//!                  merge with image                         start
//! ```
//!
//! The settings are the Docker Engine API's ([`api`]); what it refuses is refused here with its
//! words, what it drops is dropped with its warnings. All of it is pure: files, volumes and the
//! registry are looked up through [`Lookups`], and nothing asks which system this is.
//!
//! What a spec turns into is crate `plan`'s; storing containers, making volumes and attaching
//! networks is the command line's.

pub mod api;
pub mod build;
pub mod create;
pub mod credential;
pub mod devices;
pub mod env;
pub mod error;
pub mod escape;
pub mod hcsv1;
pub mod health;
pub mod hns;
pub mod host;
pub mod isolation;
pub mod mounts;
pub mod network;
pub mod oci;
pub mod ports;
pub mod process;
pub mod resources;
pub mod secrets;
pub mod signal;
pub mod update;
pub mod validate;
pub mod winpath;

mod fold;

pub use build::{Settings, build};
pub use error::{Class, SpecError};
pub use host::{HostFacts, Lookups, PathKind, PathStyle};
pub use isolation::{Isolation, IsolationMode};
pub use oci::Spec;
