//! Whether a path stays below the folder that it is looked up in.

use super::{clean, is_separator};

/// A relative path that neither climbs out, nor names a drive, nor a reserved device.
pub fn is_local(path: &str) -> bool {
    if path.is_empty() || path.starts_with(is_separator) || path.contains(':') {
        return false;
    }
    if path.split(is_separator).any(is_device) {
        return false;
    }
    let cleaned = clean(path);
    cleaned != ".." && !cleaned.starts_with(r"..\")
}

/// `nul`, `com1`, `con.txt`: names that lead to a device from any folder.
fn is_device(element: &str) -> bool {
    let base = element.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let name = base.to_uppercase();
    match name.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" => true,
        _ => ["COM", "LPT"].iter().any(|port| name.strip_prefix(port).is_some_and(is_port_number)),
    }
}

fn is_port_number(rest: &str) -> bool {
    let mut digits = rest.chars();
    matches!((digits.next(), digits.next()), (Some('1'..='9' | '¹' | '²' | '³'), None))
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn a_local_path_cannot_leave_its_folder() {
        for path in ["sub", "a/../b", ".", r"a\b", "com0", "console"] {
            assert!(is_local(path), "{path}");
        }
        for path in ["", "../x", "a/../../x", r"c:\x", "c:x", r"\x", "nul", "a/con/x", "com1.txt"] {
            assert!(!is_local(path), "{path}");
        }
    }
}
