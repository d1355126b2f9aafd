//! Which names an archive may give its entries.
//!
//! A name is hostile when Windows would take it for something else than a file of that name
//! (devices, streams, trailing dots), or this host would (absolute paths, `..`).

/// The longest path that this host can open, and a bound on what one name can make folders of.
const MAX_NAME: usize = 4096;

/// The broken rule, in words for the user.
pub(crate) type Rule = String;

/// Splits an entry's name into components that are safe on both systems.
pub(crate) fn split(name: &str) -> Result<Vec<&str>, Rule> {
    if name.len() > MAX_NAME {
        return Err(format!("a name longer than {MAX_NAME} bytes"));
    }
    if name.starts_with('/') {
        return Err("an absolute path".into());
    }
    if name.contains('\\') {
        return Err("a backslash in the name".into());
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("`..` leads out of the layer".into()),
            part => parts.push(part),
        }
    }
    Ok(parts)
}

/// Checks one component.
pub(crate) fn check(part: &str) -> Result<(), Rule> {
    if part.is_empty() || part == "." || part == ".." {
        return Err(format!("`{part}` is not a name"));
    }
    if let Some(c) = part.chars().find(|&c| c.is_control() || "<>:\"|?*\\/".contains(c)) {
        let c = c.escape_default();
        return Err(format!("the character `{c}` cannot be in the name of a Windows file"));
    }
    if part.ends_with(['.', ' ']) {
        return Err("Windows drops dots and spaces at the end of a name".into());
    }
    if part.len() > 255 {
        return Err("a name longer than 255 bytes".into());
    }
    if is_device(part) {
        return Err("the name of a device".into());
    }
    Ok(())
}

/// `NUL`, also as `nul.txt` or `NUL .x`: Windows looks only at what stands before the first dot.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end_matches(' ').to_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    ["COM", "LPT"].iter().any(|port| {
        let mut rest = stem.strip_prefix(port).unwrap_or_default().chars();
        let digit = rest.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c));
        digit && rest.next().is_none()
    })
}

/// What a name with a colon says: the stream `stream` of `owner`.
pub(crate) fn split_stream(last: &str) -> Option<(&str, &str)> {
    let (owner, stream) = last.split_once(':')?;
    let stream = stream.strip_suffix(":$DATA").unwrap_or(stream);
    let plain = !stream.is_empty() && !stream.chars().any(|c| c.is_control() || ":/\\".contains(c));
    (plain && !owner.is_empty()).then_some((owner, stream))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for name in [
            "CON", "con.txt", "Nul", "NUL .x", "com1", "COM9.log", "lpt3.a.b", "COM¹", "conin$",
            "a.", "a ", "...", "a:b", "a:$DATA", "a?", "a*", "a|b", "a\"", "<", "a\u{1}", "a\nb",
            "a\\b", "a/b", "..",
        ] {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check(&"x".repeat(256)).is_err());
        assert!(split(&"x/".repeat(2048)).is_ok() && split(&"x/".repeat(2049)).is_err());
    }

    #[test]
    fn names_that_only_look_like_devices_are_fine() {
        for name in [
            "console",
            "null.sys",
            "com10",
            "comx",
            "auxiliary.dll",
            "lpt",
            "$Recycle.Bin",
            ".a",
            "é ü.txt",
            "COM",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_stream_has_an_owner_and_a_plain_name() {
        assert_eq!(split_stream("a.txt:Zone.Identifier"), Some(("a.txt", "Zone.Identifier")));
        assert_eq!(split_stream("a:s:$DATA"), Some(("a", "s")));
        for name in ["a", ":s", "a:", "a::$DATA", "a:$I30:$INDEX_ALLOCATION", "a:b:c"] {
            assert_eq!(split_stream(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_stays_beneath_its_root(name in "[a-zA-Z./\\\\: ]{0,24}") {
            if let Ok(parts) = split(&name) && parts.iter().all(|p| check(p).is_ok()) {
                let path = parts.join("/");
                let components: Vec<_> = std::path::Path::new(&path).components().collect();
                prop_assert!(components.iter().all(|c| matches!(c, std::path::Component::Normal(_))));
                prop_assert_eq!(components.len(), parts.len());
            }
        }
    }
}
