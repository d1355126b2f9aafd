//! Windows paths as text: this crate never asks the host how it spells them.

/// The length of a path's volume: a drive, a share, or a device.
fn volume_len(path: &str) -> usize {
    let bytes = path.as_bytes();
    match bytes {
        [_, b':', ..] => 2,
        [first, ..] if !is_separator(*first) => 0,
        [] => 0,
        _ if has_prefix(bytes, br"\\.\UNC") => share_len(bytes, 8),
        _ if has_prefix(bytes, br"\\.")
            || has_prefix(bytes, br"\\?")
            || has_prefix(bytes, br"\??") =>
        {
            device_len(bytes)
        }
        [_, second, ..] if is_separator(*second) => share_len(bytes, 2),
        _ => 0,
    }
}

fn is_separator(byte: u8) -> bool {
    byte == b'\\' || byte == b'/'
}

fn has_prefix(path: &[u8], prefix: &[u8]) -> bool {
    path.len() >= prefix.len()
        && prefix.iter().zip(path).all(|(want, got)| {
            if is_separator(*want) { is_separator(*got) } else { want.eq_ignore_ascii_case(got) }
        })
        && path.get(prefix.len()).is_none_or(|next| is_separator(*next))
}

fn device_len(path: &[u8]) -> usize {
    if path.len() == 3 {
        return 3;
    }
    path[4..].iter().position(|byte| is_separator(*byte)).map_or(path.len(), |at| at + 4)
}

fn share_len(path: &[u8], prefix: usize) -> usize {
    path.iter()
        .enumerate()
        .skip(prefix)
        .filter(|(_, byte)| is_separator(**byte))
        .nth(1)
        .map_or(path.len(), |(at, _)| at)
}

/// The shortest path that means the same: no `.`, no `..` that can be resolved, backslashes only.
pub fn clean(path: &str) -> String {
    let (volume, rest) = path.split_at(volume_len(path));
    let volume = volume.replace('/', r"\");
    if rest.is_empty() {
        let is_share = volume.len() > 1 && volume.starts_with(r"\\");
        return if is_share { volume } else { format!("{volume}.") };
    }
    let rooted = rest.starts_with(['\\', '/']);
    let mut kept: Vec<&str> = Vec::new();
    for element in rest.split(['\\', '/']).filter(|element| !matches!(*element, "" | ".")) {
        match (element, kept.last()) {
            ("..", Some(last)) if *last != ".." => {
                kept.pop();
            }
            ("..", _) if rooted => {}
            _ => kept.push(element),
        }
    }
    let mut clean = kept.join(r"\");
    if rooted {
        clean.insert(0, '\\');
    } else if clean.is_empty() {
        clean.push('.');
    }
    if volume.is_empty() && clean != rest.replace('/', r"\") {
        clean = guarded(clean);
    }
    volume + &clean
}

/// A path that has only become one on a drive, or one of the kernel's, by cleaning is neither.
fn guarded(clean: String) -> String {
    let first = clean.split('\\').next().unwrap_or_default();
    if first.contains(':') {
        return format!(r".\{clean}");
    }
    if clean.starts_with(r"\??") { format!(r"\.{clean}") } else { clean }
}

/// Joins paths and cleans the result; empty ones do not count.
pub fn windows_join(elements: &[&str]) -> String {
    let mut joined = String::new();
    for element in elements.iter().filter(|element| !element.is_empty()) {
        if !joined.is_empty() && !joined.ends_with(['\\', '/', ':']) {
            joined.push('\\');
        }
        let element =
            if joined.is_empty() { element } else { element.trim_start_matches(['\\', '/']) };
        joined.push_str(element);
    }
    if joined.is_empty() { joined } else { clean(&joined) }
}

/// The folder that a path is in.
pub fn folder(path: &str) -> String {
    let volume = volume_len(path);
    let end = path[volume..].rfind(['\\', '/']).map_or(volume, |at| volume + at + 1);
    let folder = clean(&path[volume..end]);
    let volume = &path[..volume];
    if folder == "." && volume.len() > 2 { volume.to_owned() } else { format!("{volume}{folder}") }
}

/// The last element of a path.
pub fn name(path: &str) -> String {
    if path.is_empty() {
        return ".".into();
    }
    let path = path.trim_end_matches(['\\', '/']);
    let path = &path[volume_len(path)..];
    match path.rsplit(['\\', '/']).next() {
        Some("") | None => r"\".into(),
        Some(name) => name.to_owned(),
    }
}

/// Whether a path is absolute: a drive or a share, and a path from its root.
pub fn is_absolute(path: &str) -> bool {
    let volume = volume_len(path);
    if volume == 0 {
        return false;
    }
    let is_share = path.len() >= 2 && path.as_bytes()[..2].iter().all(|byte| is_separator(*byte));
    is_share || path[volume..].starts_with(['\\', '/'])
}

/// Cleans a path on a drive, and refuses everything else and what lies under a forbidden prefix.
pub fn sanitize(path: &str, forbidden: &[&str]) -> Option<String> {
    let path = clean(path);
    let on_drive =
        matches!(path.as_bytes(), [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    if !on_drive {
        return None;
    }
    let lower = path.to_lowercase();
    let is_below = |prefix: &&str| {
        let prefix = clean(prefix).to_lowercase();
        lower.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
    };
    (!forbidden.iter().any(is_below)).then_some(path)
}

/// Places in a VM that a container must not use as its root.
pub const FORBIDDEN_IN_VM: &[&str] = &[r"C:\Windows", r"C:\mounts", r"C:\EFI", r"C:\SandboxMounts"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_resolves_dots_but_never_leaves_the_root() {
        for (path, want) in [
            (r"C:\a\.\b\..\c", r"C:\a\c"),
            (r"C:\..\..\x", r"C:\x"),
            (r"C:/a//b/", r"C:\a\b"),
            (r"..\x", r"..\x"),
            ("", "."),
            (r"C:", "C:."),
            (r"\\server\share\a\..\b", r"\\server\share\b"),
        ] {
            assert_eq!(clean(path), want, "{path}");
        }
    }

    #[test]
    fn a_folder_and_a_name_make_up_a_path() {
        assert_eq!(folder(r"C:\a\b"), r"C:\a");
        assert_eq!(folder(r"C:\a"), r"C:\");
        assert_eq!(folder(r"\\.\PHYSICALDRIVE3\x.cim"), r"\\.\PHYSICALDRIVE3\");
        assert_eq!((name(r"C:\a\b\"), name(r"C:\")), ("b".into(), r"\".into()));
    }
}
