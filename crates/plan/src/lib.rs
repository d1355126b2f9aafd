//! From an OCI spec to one decided plan: what to acquire, and the HCS document that results.
//!
//! Nothing here touches the host: a plan is a value, made from a [`ContainerRequest`], facts about
//! the host ([`HostFacts`]) and what the host answers when asked ([`Lookups`]). `resources` carries
//! it out, through `engine`.
//!
//! ```text
//! spec -- annotations::expand --> request -- container() --> Plan { steps, document, process }
//!                                                             |
//!                               resources acquires the steps, then Plan::complete(acquired)
//! ```

pub mod annotations;
mod container;
pub mod error;
mod fields;
pub mod host;
mod host_process;
pub mod hosted;
pub mod hvsocket;
pub mod job;
pub mod layers;
pub mod limits;
pub mod linux_shaped;
pub mod mounts;
pub mod oci;
pub mod paths;
mod plan;
pub mod process;
mod process_isolated;
pub mod registry;
mod render;
pub mod request;
pub mod root;
pub mod sandbox;
pub mod schema_version;
pub mod signals;
pub mod step;
pub mod task;
pub mod unpacked;
pub mod update;
pub mod vm;
pub mod wcow;

pub use annotations::ShimOptions;
pub use container::{container, system};
pub use error::{PlanError, Result};
pub use host::{HostFacts, Lookups, PathStyle};
pub use oci::Spec;
pub use plan::{Acquired, Plan, Sent};
pub use process::{command_line, process_parameters};
pub use request::{ContainerRequest, RootfsMount, Streams};
pub use step::Step;
pub use update::update;
