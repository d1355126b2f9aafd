//! How files are opened, and what kinds there are.

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT,
};

/// A set of bits with names.
macro_rules! bits {
    ($(#[$about:meta])* $set:ident { $($(#[$why:meta])* $name:ident = $value:expr,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $set(u32);

        impl $set {
            $($(#[$why])* pub const $name: Self = Self($value);)*

            /// None of them.
            pub const fn empty() -> Self {
                Self(0)
            }

            /// All of `other` are in it.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
        }

        impl std::ops::BitOr for $set {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

bits! {
    /// How something is opened.
    OFlags {
        /// Nothing is inherited here anyway.
        CLOEXEC = 0,
        /// To read.
        RDONLY = 0,
        /// A pipe's ends never wait here.
        NONBLOCK = 0,
        /// Links are never followed beneath a folder.
        NOFOLLOW = 0,
        /// To write.
        WRONLY = 1,
        /// To read and write.
        RDWR = 2,
        /// A new file.
        CREATE = 4,
        /// It must not be there yet.
        EXCL = 8,
        /// A folder.
        DIRECTORY = 16,
        /// Only to name what is beneath it.
        PATH = 32,
    }
}

bits! {
    /// How a path is followed: always thus.
    ResolveFlags {
        /// Not out of the folder.
        BENEATH = 1,
        /// Through no link.
        NO_SYMLINKS = 2,
        /// Nor any other.
        NO_MAGICLINKS = 4,
    }
}

bits! {
    /// How a name is looked at.
    AtFlags {
        /// A link itself.
        SYMLINK_NOFOLLOW = 1,
    }
}

bits! {
    /// How an attribute is set.
    XattrFlags {}
}

/// Permission bits: a folder's access list goes on to what is made in it, so they are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(u32);

impl Mode {
    /// The owner reads.
    pub const RUSR: Self = Self(0o400);
    /// The owner writes.
    pub const WUSR: Self = Self(0o200);

    /// None.
    pub const fn empty() -> Self {
        Self(0)
    }

    /// These.
    pub const fn from_raw_mode(mode: u32) -> Self {
        Self(mode)
    }
}

/// What something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// A file.
    RegularFile,
    /// A folder.
    Directory,
    /// A link.
    Symlink,
    /// Not on NTFS.
    CharacterDevice,
    /// Not on NTFS.
    BlockDevice,
    /// Not on NTFS.
    Fifo,
    /// Not on NTFS.
    Socket,
}

const KIND: u32 = 0o170_000;

impl FileType {
    pub(in super::super) fn of_attributes(attributes: u32) -> Self {
        if attributes & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            Self::Symlink
        } else if attributes & FILE_ATTRIBUTE_DIRECTORY != 0 {
            Self::Directory
        } else {
            Self::RegularFile
        }
    }

    /// Of a [`Stat`](super::Stat)'s mode.
    pub fn from_raw_mode(mode: u32) -> Self {
        match mode & KIND {
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            _ => Self::RegularFile,
        }
    }

    /// As a mode, with the bits that tar archives have for it.
    pub(super) fn mode(self) -> u32 {
        match self {
            Self::Directory => 0o040_755,
            Self::Symlink => 0o120_777,
            _ => 0o100_644,
        }
    }
}
