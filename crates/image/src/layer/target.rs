//! Where a Windows link leads, as names below `C:`.

use super::names::{self, Rule};

/// Reads the target of a link that lies in the folder `dir` (names below `C:`).
pub(crate) fn resolve(dir: &[String], target: &str) -> Result<Vec<String>, Rule> {
    let target = target.replace('/', "\\");
    let bare = ["\\\\?\\", "\\??\\"].iter().find_map(|prefix| target.strip_prefix(prefix));
    let target = bare.unwrap_or(&target);
    let mut at = dir.to_vec();
    let rest = match target.split_once(':') {
        Some((drive, rest)) if drive.eq_ignore_ascii_case("c") => {
            at.clear();
            match rest.strip_prefix('\\') {
                Some(rest) => rest,
                None if rest.is_empty() => rest,
                None => return Err(leads(target, "to a folder that depends on who looks")),
            }
        }
        Some(_) => return Err(leads(target, "to another drive")),
        None if bare.is_some() || target.starts_with("\\\\") => {
            return Err(leads(target, "to another volume or machine"));
        }
        None => match target.strip_prefix('\\') {
            Some(rest) => {
                at.clear();
                rest
            }
            None => target,
        },
    };
    for part in rest.split('\\').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            at.pop().ok_or_else(|| leads(target, "out of the drive"))?;
            continue;
        }
        names::check(part).map_err(|rule| leads(target, &format!("to a bad name: {rule}")))?;
        at.push(part.to_owned());
    }
    Ok(at)
}

/// The path from the folder `dir` to `target`, for a symbolic link of this host.
pub(crate) fn relative(dir: &[String], target: &[String]) -> String {
    let common = dir.iter().zip(target).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", dir.len() - common);
    let path: Vec<&str> = up.chain(target[common..].iter().map(String::as_str)).collect();
    if path.is_empty() { ".".to_owned() } else { path.join("/") }
}

fn leads(target: &str, whither: &str) -> Rule {
    format!("its target `{target}` leads {whither}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(path: &str) -> Vec<String> {
        path.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn windows_targets_become_relative_paths() {
        for (dir, target, expected) in [
            ("Users/All", r"C:\ProgramData", "../../ProgramData"),
            ("Users", r"c:\Users\x", "x"),
            ("a", r"\??\C:\b", "../b"),
            ("a", r"\\?\C:\b\c", "../b/c"),
            ("a/b", r"..\c", "../c"),
            ("a", r"\b", "../b"),
            ("a", "b/c", "b/c"),
            ("a", r"C:\", ".."),
            ("", "C:", "."),
            ("a/b", r"C:\a\b", "."),
        ] {
            let dir = names(dir);
            assert_eq!(relative(&dir, &resolve(&dir, target).unwrap()), expected, "{target}");
        }
    }

    #[test]
    fn targets_outside_the_drive_are_refused() {
        for target in [
            r"D:\x",
            r"\\server\share",
            r"\??\UNC\server\share",
            r"\\?\Volume{1}\x",
            r"..\..\x",
            r"C:\..\x",
            "C:x",
            r"C:\nul",
            r"a\b.\c",
            r"Z:\etc\passwd",
            r"\\.\pipe\x",
            r"\\?\unix\etc",
            "/../../etc",
        ] {
            assert!(resolve(&names("a"), target).is_err(), "{target}");
        }
    }

    proptest! {
        #[test]
        fn no_target_leaves_the_drive(dir in "([a-c]/){0,3}", target in "(([a-c]|\\.\\.|\\.|C:|\\\\)[\\\\/]?){0,8}") {
            let dir = names(&dir);
            if let Ok(found) = resolve(&dir, &target) {
                let path = relative(&dir, &found);
                let mut depth = dir.len();
                for part in path.split('/') {
                    match part {
                        ".." => { prop_assert!(depth > 0, "{}", path); depth -= 1; }
                        "." => {}
                        _ => depth += 1,
                    }
                }
                prop_assert!(!path.starts_with('/'));
            }
        }
    }
}
