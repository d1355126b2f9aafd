//! What the crates above ask of Windows itself: files, streams between processes, the terminal.
//!
//! The same names as on Linux, where most of them are `rustix`'s. [`fs`] works beneath open folders,
//! which no name can leave; what NTFS has another idea of (permission bits, device nodes) is
//! answered with `NOTSUP` where it would be missed, and passed over where folders' access lists
//! already say it.

#![expect(unsafe_code, reason = "Windows is a C interface")]
#![expect(clippy::needless_pass_by_value, reason = "the same calls as on Linux, which are rustix'")]

mod at;
mod dir;
mod errno;
pub mod fd;
pub mod fifo;
pub mod fs;
pub mod machine;
pub mod memory;
pub mod process;
pub mod random;
pub mod service;
pub mod signals;
pub mod streams;
pub mod terminal;
pub mod unix;
pub mod watch;

/// Errors of [`fs`].
pub mod io {
    pub use super::errno::Errno;
}

/// Whether a container's `C:` is a folder of this host that the command line can look into: HCS
/// keeps it in a disk of its own.
pub const DRIVES_ARE_FOLDERS: bool = false;

/// Whether Transom serves containers the names of their neighbours.
pub const NAMES_ARE_SERVED: bool = false;

/// Whether the networks that there are were made by Transom, and are its own to remove: Windows keeps
/// its own, which others use too.
pub const NETWORKS_ARE_OURS: bool = false;
