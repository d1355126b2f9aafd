//! Keeps `file://` below the folder of credential specs.

use super::CredentialError;
use crate::host::PathStyle;
use crate::winpath;

const FOLDER: &str = "CredentialSpecs";

/// By text, as Docker does.
pub(super) fn below_windows(root: &str, path: &str) -> Result<String, CredentialError> {
    let path = winpath::clean(path);
    if winpath::is_absolute(&path) {
        return Err(CredentialError::Absolute);
    }
    let folder = winpath::join(root, FOLDER);
    let full = winpath::join(&folder, &path);
    if full.starts_with(&folder) { Ok(full) } else { Err(CredentialError::Outside(folder)) }
}

/// Either slash separates, so that an option works on both kinds of host.
pub(super) fn below_unix(root: &str, path: &str) -> Result<String, CredentialError> {
    if winpath::is_absolute(path) || path.starts_with('/') {
        return Err(CredentialError::Absolute);
    }
    let folder = PathStyle::Unix.join(root, &[FOLDER]);
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(winpath::is_separator) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or_else(|| CredentialError::Outside(folder.clone()))?;
            }
            part => parts.push(part),
        }
    }
    Ok(PathStyle::Unix.join(&folder, &parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_host_confines_files_by_path_element() {
        let root = "/var/lib/transom";
        assert_eq!(
            below_unix(root, r"sub\..\a.json").unwrap(),
            "/var/lib/transom/CredentialSpecs/a.json"
        );
        for path in ["../CredentialSpecsEvil/x", r"..\x", "a/../../x"] {
            assert!(matches!(below_unix(root, path), Err(CredentialError::Outside(_))), "{path}");
        }
        for path in ["/etc/passwd", r"C:\x", r"\\srv\share"] {
            assert!(matches!(below_unix(root, path), Err(CredentialError::Absolute)), "{path}");
        }
    }
}
