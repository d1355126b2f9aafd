//! The rules of docker's older builder, which it still goes by for changes at a commit: working
//! directories keep their drive, and a shell form becomes one command line.

use crate::dockerfile::{CommandLine, Fault, Flags, Statement, statement_command};

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassicError {
    /// `WORKDIR` without a path.
    #[error("cannot normalize nothing")]
    Nothing,
    /// `C:`
    #[error(
        "{0} is not a directory. If you are specifying a drive letter, please add a trailing '\\'"
    )]
    DriveOnly(String),
    /// A destination on another drive.
    #[error("Windows does not support destinations not on the system drive (C:)")]
    OtherDrive,
    /// A working directory that is no path.
    #[error("Current WorkingDir {0} is not platform consistent")]
    Inconsistent(String),
    /// A relative destination from another drive.
    #[error("Windows does not support relative paths when WORKDIR is not the system drive")]
    RelativeToOtherDrive,
}

/// `WORKDIR`
pub fn workdir(current: &str, requested: &str) -> Result<String, ClassicError> {
    if requested.is_empty() {
        return Err(ClassicError::Nothing);
    }
    let current = if current.is_empty() { String::new() } else { clean(current) };
    let requested = clean(requested);
    if let Some(bad) = [&current, &requested].into_iter().find(|path| is_drive_only(path)) {
        return Err(ClassicError::DriveOnly(bad.clone()));
    }
    let joined = if current.is_empty() || is_rooted(&requested) {
        if has_drive(&requested) { requested } else { clean(&format!("C:\\\\.\\{requested}")) }
    } else {
        clean(&format!("{current}\\{requested}"))
    };
    let mut chars = joined.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    Ok(first + chars.as_str())
}

/// Where `COPY` and `ADD` copy to.
pub fn destination(workdir: &str, requested: &str) -> Result<String, ClassicError> {
    let mut dest = requested.replace('/', "\\");
    let ends_in_separator = dest.ends_with('\\');
    if is_absolute(&dest) {
        if !dest.starts_with(['c', 'C']) {
            return Err(ClassicError::OtherDrive);
        }
        dest.drain(..2);
    }
    if workdir.is_empty() {
        return Ok(dest);
    }
    let below = workdir.get(2..).unwrap_or_default();
    if !is_rooted(below) {
        return Err(ClassicError::Inconsistent(workdir.to_owned()));
    }
    if is_rooted(&dest) {
        return Ok(dest);
    }
    if !workdir.starts_with('C') {
        return Err(ClassicError::RelativeToOtherDrive);
    }
    let mut joined = clean(&format!("\\.\\{below}\\{dest}"));
    if ends_in_separator {
        joined.push('\\');
    }
    Ok(joined)
}

/// The command of a `RUN`, `CMD` or `ENTRYPOINT` statement in an image's configuration, and whether
/// it is one escaped line. `shell` is the one in effect.
pub fn command(
    statement: &Statement,
    escape: char,
    shell: &[String],
    escaped_before: bool,
) -> Result<(Vec<String>, bool), Fault> {
    let (_, text) = Flags::split(&statement.text, escape);
    match statement_command(statement, &text)? {
        CommandLine::Exec(words) if words.is_empty() => Ok((words, escaped_before)),
        CommandLine::Exec(words) => Ok((words, false)),
        // Everything behind the instruction's name, as it was written.
        CommandLine::Shell(_) => {
            let line = format!("{} {}{}", shell.join(" "), statement.text, statement.blanks);
            Ok((vec![line], true))
        }
    }
}

/// Whatever stands before the colon: Windows' own functions do not ask which drives there can be.
fn has_drive(path: &str) -> bool {
    path.is_char_boundary(1) && path.as_bytes().get(1) == Some(&b':')
}

fn is_drive_only(path: &str) -> bool {
    path.starts_with(|c: char| c.is_ascii_alphabetic()) && path.get(1..) == Some(":.")
}

/// It begins at the root of a drive, whichever.
fn is_rooted(path: &str) -> bool {
    path.starts_with('\\') || (has_drive(path) && path[2..].starts_with('\\'))
}

/// A drive or a share is named, and the path begins at its root.
fn is_absolute(path: &str) -> bool {
    path.starts_with("\\\\") || (has_drive(path) && path[2..].starts_with('\\'))
}

/// As Windows' own rules have it: a drive or a share stays in front.
fn clean(path: &str) -> String {
    let path = path.replace('/', "\\");
    let (volume, rest) = path.split_at(volume(&path));
    let rooted = rest.starts_with('\\');
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('\\') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let rest = parts.join("\\");
    let root = if rooted { "\\" } else { "" };
    let here = if rest.is_empty() && !rooted { "." } else { "" };
    format!("{volume}{root}{rest}{here}")
}

/// How much of a path is `X:` or `\\server\share`.
fn volume(path: &str) -> usize {
    if has_drive(path) {
        return 2;
    }
    let Some(rest) = path.strip_prefix("\\\\") else { return 0 };
    let mut names = rest.splitn(3, '\\');
    match (names.next(), names.next()) {
        (Some(server), Some(share)) if !server.is_empty() && !share.is_empty() && server != "." => {
            2 + server.len() + 1 + share.len()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workdirs_keep_their_drive() {
        let table = [
            ("", "a", r"C:\a"),
            ("", r"c:\foo", r"C:\foo"),
            ("", r"c:\\foo", r"C:\foo"),
            ("", r"\\foo", r"C:\foo"),
            ("", "/foo", r"C:\foo"),
            (r"C:\foo", "bar", r"C:\foo\bar"),
            (r"C:\foo", "/bar", r"C:\bar"),
            (r"C:\foo", r"\bar", r"C:\bar"),
            ("", r"\\?\C:\x", r"C:\?\C:\x"),
            ("", "C:foo", "C:foo"),
            (r"C:\foo", "C:bar", r"C:\foo\C:bar"),
            (r"C:\foo", r"1:\x", r"1:\x"),
            ("", "é:", r"C:\é:"),
        ];
        for (current, requested, wanted) in table {
            assert_eq!(workdir(current, requested).unwrap(), wanted, "{current} + {requested}");
        }
        let error = |current, requested| workdir(current, requested).unwrap_err().to_string();
        assert_eq!(error("", ""), "cannot normalize nothing");
        assert!(error("", "C:").starts_with("C:. is not a directory."));
        assert!(error("c:.", r"\a").starts_with("c:. is not a directory."));
    }

    #[test]
    fn destinations_lose_their_drive() {
        let table = [
            ("", "D", "D"),
            ("", "./a1", r".\a1"),
            ("", r"c:\", r"\"),
            ("", ".", "."),
            (r"C:\wdd", "./a1", r"\wdd\a1"),
            (r"C:\wdf", "c:/", r"\"),
            (r"C:\wdj", ".", r"\wdj"),
            (r"C:\wdn", r"foo\bar/", r"\wdn\foo\bar\"),
        ];
        for (workdir, requested, wanted) in table {
            assert_eq!(destination(workdir, requested).unwrap(), wanted, "{workdir} + {requested}");
        }
        for other in ["e:/", r"\\server\share\x", "//server/share", r"1:\x"] {
            assert_eq!(destination(r"C:\app", other), Err(ClassicError::OtherDrive), "{other}");
        }
        assert_eq!(destination(r"D:\", "."), Err(ClassicError::RelativeToOtherDrive));
        assert!(matches!(destination("C", ""), Err(ClassicError::Inconsistent(_))));
    }
}
