//! What Rust's standard library adds to files on Unix, as far as it means something here.

/// Files' and folders' permission bits: archives have them, NTFS passes them over.
pub mod fs {
    use std::fs::{DirBuilder, FileType, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::windows::fs::MetadataExt as _;
    use std::path::Path;

    /// A file's permission bits when it is made.
    pub trait OpenOptionsExt {
        /// Passed over: the folder's access list goes on to the file.
        fn mode(&mut self, mode: u32) -> &mut Self;
    }

    impl OpenOptionsExt for OpenOptions {
        fn mode(&mut self, _mode: u32) -> &mut Self {
            self
        }
    }

    /// A folder's permission bits when it is made.
    pub trait DirBuilderExt {
        /// Passed over, as above.
        fn mode(&mut self, mode: u32) -> &mut Self;
    }

    impl DirBuilderExt for DirBuilder {
        fn mode(&mut self, _mode: u32) -> &mut Self {
            self
        }
    }

    /// Permission bits.
    pub trait PermissionsExt {
        /// As an archive has them.
        fn mode(&self) -> u32;
    }

    impl PermissionsExt for Permissions {
        fn mode(&self) -> u32 {
            if self.readonly() { 0o555 } else { 0o755 }
        }
    }

    /// Permission bits for a file that is to be made: it has its folder's access list.
    pub fn permissions(_mode: u32) -> Option<Permissions> {
        None
    }

    /// What a file can be made with of these: a file that is read-only could not be written.
    pub fn at_creation(_wanted: Permissions) -> Option<Permissions> {
        None
    }

    /// Sets what a file's permission bits say that NTFS has: whether it can be written.
    pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        let mut permissions = std::fs::metadata(path)?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        std::fs::set_permissions(path, permissions)
    }

    /// Of an open file.
    pub fn set_mode_of(file: &std::fs::File, mode: u32) -> io::Result<()> {
        let mut permissions = file.metadata()?.permissions();
        permissions.set_readonly(mode & 0o200 == 0);
        file.set_permissions(permissions)
    }

    /// More of what is known of a file.
    pub trait MetadataExt {
        /// Permission bits.
        fn mode(&self) -> u32;
        /// Seconds since 1970.
        fn mtime(&self) -> i64;
        /// Of a device: there is none.
        fn rdev(&self) -> u64;
        /// What it takes of the disk, in 512 bytes: as if it had no holes.
        fn blocks(&self) -> u64;
    }

    impl MetadataExt for Metadata {
        fn mode(&self) -> u32 {
            if self.is_dir() { 0o755 } else { 0o644 }
        }

        fn mtime(&self) -> i64 {
            let ticks = self.last_write_time() / 10_000_000;
            i64::try_from(ticks).unwrap_or(i64::MAX) - 11_644_473_600
        }

        fn rdev(&self) -> u64 {
            0
        }

        fn blocks(&self) -> u64 {
            self.file_size().div_ceil(512)
        }
    }

    /// Kinds of files that NTFS does not have.
    pub trait FileTypeExt {
        /// A device.
        fn is_char_device(&self) -> bool;
        /// A socket.
        fn is_socket(&self) -> bool;
    }

    impl FileTypeExt for FileType {
        fn is_char_device(&self) -> bool {
            false
        }

        fn is_socket(&self) -> bool {
            false
        }
    }

    /// Makes a link to a file or a folder.
    pub fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
        let (target, link) = (target.as_ref(), link.as_ref());
        let there = link.parent().unwrap_or(Path::new("")).join(target);
        if there.is_dir() {
            std::os::windows::fs::symlink_dir(target, link)
        } else {
            std::os::windows::fs::symlink_file(target, link)
        }
    }
}
