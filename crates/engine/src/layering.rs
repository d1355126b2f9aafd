//! What the host's own service makes of an image's layers, where there is such a service.
//!
//! Linux mounts a layer as it was unpacked. Windows' filter driver wants one that the Host Compute
//! Service has set up: a base layer is restored file by file and then processed, every other one is
//! imported from a folder in the service's own transport form, and all are removed by it. Whoever
//! unpacks asks [`service`] for it, and writes what it is to have; the forms are `image`'s.

use crate::os::fs::Timespec;

pub use crate::sys::layering::{Rights, Service, service};

/// What a file or folder on this host is to have beside its data.
#[derive(Debug, Clone, Default)]
pub struct Restored<'a> {
    /// `FILE_ATTRIBUTE_*`.
    pub attributes: u32,
    /// When it was made.
    pub created: Timespec,
    /// Last read.
    pub accessed: Timespec,
    /// Last written.
    pub written: Timespec,
    /// Last changed in any way.
    pub changed: Timespec,
    /// A self-relative security descriptor.
    pub security: Option<&'a [u8]>,
    /// Extended attributes: a list of `FILE_FULL_EA_INFORMATION`.
    pub extended: Option<&'a [u8]>,
    /// What makes it a link: a `REPARSE_DATA_BUFFER`.
    pub reparse: Option<&'a [u8]>,
    /// Alternate data streams, by name.
    pub streams: &'a [(String, Vec<u8>)],
}
