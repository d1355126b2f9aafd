//! What the crates above ask of Linux itself: files, streams between processes, the terminal.
//!
//! File work is `rustix`'s and the standard library's under their own names; what Windows has
//! another idea of stands here by what it is for.

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
pub mod watch;

/// Open files and folders.
pub mod fd {
    pub use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
}

/// Errors of [`fs`].
pub mod io {
    pub use rustix::io::Errno;
}

/// What Rust's standard library adds to files on Unix.
pub mod unix {
    /// Permission bits and what stands behind a file's name.
    pub mod fs {
        pub use std::os::unix::fs::{
            DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink,
        };

        /// Permission bits for a file that is to be made.
        pub fn permissions(mode: u32) -> Option<std::fs::Permissions> {
            Some(PermissionsExt::from_mode(mode))
        }

        /// What a file can be made with of these.
        pub fn at_creation(wanted: std::fs::Permissions) -> Option<std::fs::Permissions> {
            Some(wanted)
        }

        /// Sets a file's permission bits.
        pub fn set_mode(path: &std::path::Path, mode: u32) -> std::io::Result<()> {
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
        }

        /// Of an open file.
        pub fn set_mode_of(file: &std::fs::File, mode: u32) -> std::io::Result<()> {
            file.set_permissions(PermissionsExt::from_mode(mode))
        }
    }
}

/// Whether a container's `C:` is a folder of this host that the command line can look into.
pub const DRIVES_ARE_FOLDERS: bool = true;

/// Whether Transom serves containers the names of their neighbours.
pub const NAMES_ARE_SERVED: bool = true;

/// Whether the networks that there are were made by Transom, and are its own to remove.
pub const NETWORKS_ARE_OURS: bool = true;
