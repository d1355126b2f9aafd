//! Windows paths as text, on any host: what is absolute, cleaned, joined, local.
//!
//! Nothing here looks at a file system. The rules are those by which the originals judged paths, so
//! that a spec comes out the same wherever it is made.

mod clean;
mod local;
mod volume;

pub use clean::{clean, join};
pub use local::is_local;
pub use volume::volume_len;

/// Either slash.
pub fn is_separator(c: char) -> bool {
    matches!(c, '\\' | '/')
}

/// Every `/` as `\`.
pub fn from_slash(path: &str) -> String {
    path.replace('/', "\\")
}

/// A drive with a slash after it, a UNC path or a device path. `\x` and `C:x` are not.
pub fn is_absolute(path: &str) -> bool {
    let volume = volume_len(path);
    if volume == 0 {
        return false;
    }
    let (head, rest) = path.split_at(volume);
    head.starts_with(is_separator) || rest.starts_with(is_separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_drive_with_a_slash_or_a_share_is_absolute() {
        for path in [r"C:\x", "c:/x", r"\\srv\share", r"\\?\C:\x", r"//srv/share/x", r"\\.\pipe\x"]
        {
            assert!(is_absolute(path), "{path}");
        }
        for path in [r"\x", "/x", "C:", "C:x", "x", "", r"é:\x"] {
            assert!(!is_absolute(path), "{path}");
        }
    }
}
