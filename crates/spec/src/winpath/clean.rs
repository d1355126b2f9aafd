//! The shortest text for the same path, and paths put together.

use super::{from_slash, is_separator, volume_len};

/// `path` with single backslashes, without `.`, and with each `..` taken back where it can be.
pub fn clean(path: &str) -> String {
    let (volume, rest) = path.split_at(volume_len(path));
    if rest.is_empty() {
        return if volume.starts_with(is_separator) && volume.len() > 1 {
            from_slash(path)
        } else {
            format!("{path}.")
        };
    }
    let rooted = rest.starts_with(is_separator);
    let body = elements(rest, rooted).join("\\");
    let volume = from_slash(volume);
    match (rooted, body.is_empty()) {
        (true, _) => format!("{volume}{}", guarded(&volume, rest, format!("\\{body}"))),
        (false, true) => format!("{volume}."),
        (false, false) => format!("{volume}{}", guarded(&volume, rest, body)),
    }
}

/// The elements that are left; `..` survives only at the head of a path that is not rooted.
fn elements(rest: &str, rooted: bool) -> Vec<&str> {
    let mut kept: Vec<&str> = Vec::new();
    for element in rest.split(is_separator) {
        match element {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if rooted => {}
            other => kept.push(other),
        }
    }
    kept
}

/// Keeps a path without a volume from turning into one with a volume: `a/../c:` must not become
/// `c:`, nor `\a\..\??\c:\x` become `\??\c:\x`.
fn guarded(volume: &str, before: &str, cleaned: String) -> String {
    if !volume.is_empty() || before.starts_with(&cleaned) {
        return cleaned;
    }
    let first = cleaned.split(is_separator).next().unwrap_or_default();
    if first.contains(':') {
        return format!(".\\{cleaned}");
    }
    if cleaned.starts_with("\\??") { format!("\\.{cleaned}") } else { cleaned }
}

/// `tail` below `base`, cleaned. A rooted `tail` does not leave `base`, but `..` in it can.
pub fn join(base: &str, tail: &str) -> String {
    if base.is_empty() && tail.is_empty() {
        return String::new();
    }
    if base.is_empty() || tail.is_empty() {
        return clean(&format!("{base}{tail}"));
    }
    let joined = if base.ends_with(is_separator) {
        format!("{base}{}", tail.trim_start_matches(is_separator))
    } else if base.ends_with(':') {
        format!("{base}{tail}")
    } else {
        format!("{base}\\{tail}")
    };
    clean(&joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_gives_the_shortest_path() {
        for (path, cleaned) in [
            (r"C:\x\..\y\", r"C:\y"),
            (r"C:\x\\y", r"C:\x\y"),
            ("C:/..", r"C:\"),
            ("C:", "C:."),
            (r"C:..\x", r"C:..\x"),
            (r"\\srv\share", r"\\srv\share"),
            (r"\\?\C:\x", r"\\?\C:\x"),
            ("a/../..", ".."),
            ("", "."),
            ("a/../c:", r".\c:"),
            (r"\a\..\??\c:\x", r"\.\??\c:\x"),
            ("/x/./y", r"\x\y"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }

    #[test]
    fn joining_keeps_a_rooted_tail_below_the_base() {
        assert_eq!(join(r"C:\secrets", r"\rooted\pw"), r"C:\secrets\rooted\pw");
        assert_eq!(join(r"C:\", "/rooted"), r"C:\rooted");
        assert_eq!(join(r"C:\a", r"..\b"), r"C:\b");
        assert_eq!(join(r"C:\", "C:rel"), r"C:\C:rel");
    }
}
