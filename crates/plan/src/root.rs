//! The root of a container's file system.

use crate::error::{PlanError, Result};
use crate::host::PathStyle;

/// `root` as it goes into `Storage.Path`: on Windows a volume name with a backslash at its end, on
/// Unix the scratch folder.
pub fn document_path(root: &str, paths: PathStyle) -> Result<String> {
    match paths {
        PathStyle::Unix => Ok(root.to_owned()),
        PathStyle::Windows => volume_path(root),
    }
}

/// Checks that `root` is `\\?\Volume{GUID}\` and ends it with a backslash.
///
/// The originals' check is looser than the rule that it states: the opening brace may be absent.
pub fn volume_path(root: &str) -> Result<String> {
    if is_volume(root) {
        return Ok(format!("{}\\", root.trim_end_matches('\\')));
    }
    let rule = r"must be a volume GUID path like \\?\Volume{GUID}\";
    Err(PlanError::field("root.path", root, rule))
}

fn is_volume(root: &str) -> bool {
    let Some(rest) = root.strip_prefix(r"\\?\Volume") else { return false };
    let rest = rest.strip_prefix('{').unwrap_or(rest);
    let Some((guid, rest)) = rest.split_at_checked(36) else { return false };
    // An optional closing brace, one that is not optional, and a backslash or not.
    let rest = rest.strip_suffix('\\').unwrap_or(rest);
    is_guid(guid) && (rest == "}" || rest == "}}")
}

fn is_guid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "8b1f0a52-3c7d-4e19-9a4b-6d2c5e7f8a90";

    #[test]
    fn a_volume_path_ends_in_one_backslash() {
        for end in ["", "\\"] {
            let root = format!(r"\\?\Volume{{{GUID}}}{end}");
            assert_eq!(volume_path(&root).unwrap(), format!(r"\\?\Volume{{{GUID}}}\"));
        }
    }

    #[test]
    fn a_path_on_a_drive_or_below_a_volume_is_refused() {
        for root in [r"C:\x".to_owned(), format!(r"\\?\Volume{{{GUID}}}\x"), String::new()] {
            assert!(volume_path(&root).is_err(), "{root} was taken");
        }
    }
}
