//! Mounts of a Windows container: `-v` strings, `--mount` objects, and what they come to.
//!
//! [`parse`] reads a string, [`from_spec`] an object; both look at the host through
//! [`Lookups`](crate::Lookups) and nothing else. Creating named volumes is the caller's: it turns each
//! [`MountPoint`] into a [`Binding`], which is what a spec lists.

mod check;
mod collect;
mod error;
mod grammar;
mod name;
mod parse;
mod point;
mod sort;
mod tmpfs;
mod volumes_from;

pub use check::check;
pub use collect::{Inherited, collect};
pub use error::{MountError, Rule};
pub use name::{NameError, check_volume_name};
pub use parse::{from_spec, parse};
pub use point::{Binding, MountKind, MountPoint};
pub use sort::sort;
pub use tmpfs::{tmpfs_destination, tmpfs_options};
pub use volumes_from::{VolumesFrom, volumes_from};
