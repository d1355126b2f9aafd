//! The paths of a Windows image in a Dockerfile, by `BuildKit`'s rules.
//!
//! Inside, paths have slashes and no drive (`/a/b`); an image's `WorkingDir` has backslashes
//! (`\a\b`). Only drive `C:` can be meant. Where the original loses the separator behind a name of
//! one character, this does not (`docs/differences.md`).

/// Why a path cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// `C:`
    #[error("No relative path specified in \"{0}\"")]
    NoRelativePath(String),
    /// `\\server\share`
    #[error("UNC paths are not supported: \"{0}\"")]
    Unc(String),
    /// `D:\x`
    #[error("The specified path is not on the system drive (C:): \"{0}\"")]
    OtherDrive(String),
}

type Result<T> = std::result::Result<T, PathError>;

/// A path with slashes and without its drive; it may be relative. A separator at its end stays if
/// `keep` says so.
pub fn without_drive(path: &str, keep: bool) -> Result<String> {
    let slashed = path.replace('\\', "/");
    let mut chars = slashed.chars();
    let first = (chars.next(), chars.next());
    if slashed.chars().count() == 2 && first.1 == Some(':') {
        return Err(PathError::NoRelativePath(path.to_owned()));
    }
    if first == (Some('/'), Some('/')) {
        return Err(PathError::Unc(path.to_owned()));
    }
    match slashed.split_once(':') {
        None => Ok(clean(&slashed, keep)),
        Some(("c" | "C", rest)) => Ok(clean(rest, keep)),
        Some(_) => Err(PathError::OtherDrive(path.to_owned())),
    }
}

/// Whether it says where it begins.
pub fn is_absolute(path: &str) -> bool {
    without_drive(path, false).is_ok_and(|path| path.starts_with('/'))
}

/// Without `.`, `..` and doubled slashes.
pub fn clean(path: &str, keep: bool) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    let mut cleaned = if rooted { format!("/{joined}") } else { joined };
    if cleaned.is_empty() {
        ".".clone_into(&mut cleaned);
    }
    if keep && path.ends_with('/') && !matches!(cleaned.as_str(), "/" | "." | "..") {
        cleaned.push('/');
    }
    cleaned
}

/// The path that `new` means from `current`, in slash form from the root.
pub fn join(current: &str, new: &str, keep: bool) -> Result<String> {
    let current = if current.is_empty() { "/".to_owned() } else { without_drive(current, false)? };
    let new = if new.is_empty() { String::new() } else { without_drive(new, keep)? };
    let joined = if new.starts_with('/') { new } else { format!("/{current}/{new}") };
    Ok(clean(&joined, keep && joined.ends_with('/') && !joined.ends_with("//")))
}

/// `WORKDIR`: what the image keeps.
pub fn workdir(current: &str, new: &str) -> Result<String> {
    Ok(join(current, new, false)?.replace('/', "\\"))
}

/// Where `COPY` and `ADD` copy to, a separator at the end telling that it is a directory.
pub fn destination(workdir: &str, written: &str) -> Result<String> {
    let path = written.replace('\\', "/");
    let here = matches!(path.as_str(), "" | "." | "./");
    if here {
        let workdir = join(workdir, "", false)?;
        return Ok(if workdir == "/" { workdir } else { format!("{workdir}/") });
    }
    join(workdir, written, true)
}

/// A source of `COPY` and `ADD`, from the root of where it is copied from.
pub fn source(written: &str) -> Result<String> {
    if written.is_empty() {
        return Ok("/".to_owned());
    }
    Ok(clean(&format!("/{}", without_drive(written, false)?), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Wanted<T> = std::result::Result<T, &'static str>;
    const NO_PATH: &str = "No relative path";
    const UNC: &str = "UNC";
    const DRIVE: &str = "system drive";

    fn check(what: &str, got: Result<String>, wanted: Wanted<&str>) {
        match (got, wanted) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted, "{what}"),
            (Err(got), Err(wanted)) => assert!(got.to_string().contains(wanted), "{what}: {got}"),
            (got, wanted) => panic!("{what}: {got:?}, not {wanted:?}"),
        }
    }

    #[test]
    fn workdirs_join_as_the_table_says() {
        let table: &[(&str, &str, Wanted<&str>)] = &[
            ("", "test", Ok(r"\test")),
            ("", r"\strippedWd", Ok(r"\strippedWd")),
            ("", r"C:\withDriveLetter", Ok(r"\withDriveLetter")),
            ("", "C:/fwd", Ok(r"\fwd")),
            ("", r"C:/first\second/third", Ok(r"\first\second\third")),
            ("testing", "", Ok(r"\testing")),
            ("testing", "newTesting", Ok(r"\testing\newTesting")),
            (r"testing/with\mixed/slashes", "n", Ok(r"\testing\with\mixed\slashes\n")),
            (r"C:\testing/with\mixed/slashes", "n", Ok(r"\testing\with\mixed\slashes\n")),
            (r"C:\testing/with\mixed/slashes", "", Ok(r"\testing\with\mixed\slashes")),
            (r"D:\x", "any", Err(DRIVE)),
            (r"C:\testing", r"D:\testing", Err(DRIVE)),
            ("C:", "testing", Err(NO_PATH)),
            ("/test", "C:", Err(NO_PATH)),
            ("/test", "C:testing", Ok(r"\test\testing")),
            (r"C:\..\test\..\", "", Ok(r"\")),
            ("/test", "relative/path", Ok(r"\test\relative\path")),
            ("", ".", Ok(r"\")),
            ("", "", Ok(r"\")),
            ("", "/", Ok(r"\")),
            ("", r"c:\", Ok(r"\")),
            (r"\a", "..", Ok(r"\")),
            (r"\a", r"..\..\b", Ok(r"\b")),
            (r"\a", "/b/", Ok(r"\b")),
            (r"\a", r"b\", Ok(r"\a\b")),
            (r"\a", r"C:\b\..\c", Ok(r"\c")),
            (r"\a", r".\b", Ok(r"\a\b")),
            (r"\a", "c:/", Ok(r"\")),
            (r"\a", r"\\srv\share", Err(UNC)),
            (r"\a", "//srv/share", Err(UNC)),
            (r"\a", r"\\?\C:\x", Err(UNC)),
            (r"\a", r"\\.\pipe\x", Err(UNC)),
            (r"\a", "a:b", Err(DRIVE)),
            (r"\a", "E:", Err(NO_PATH)),
            (r"\a", "file:stream", Err(DRIVE)),
            (r"\a", r"foo bar\baz", Ok(r"\a\foo bar\baz")),
            (r"\a", r"C:..\b", Ok(r"\b")),
            (r"\a", r"a//b\\c", Ok(r"\a\a\b\c")),
            (r"\a", r"c:\A\B", Ok(r"\A\B")),
            (r"\a", "x.", Ok(r"\a\x.")),
            (r"\a", " x", Ok(r"\a\ x")),
            ("C:x", "y", Ok(r"\x\y")),
            (r"C:\", "x", Ok(r"\x")),
        ];
        for (current, new, wanted) in table {
            check(&format!("{current} + {new}"), workdir(current, new), *wanted);
        }
    }

    #[test]
    fn drives_go_as_the_table_says() {
        let table: &[(&str, Wanted<(&str, &str)>)] = &[
            ("", Ok((".", "."))),
            ("./", Ok((".", "."))),
            ("..", Ok(("..", ".."))),
            (r"\", Ok(("/", "/"))),
            (r"\\", Err(UNC)),
            ("AB", Ok(("AB", "AB"))),
            (r"\l", Ok(("/l", "/l"))),
            (r"c:\", Ok(("/", "/"))),
            ("Z:", Err(NO_PATH)),
            (r"1:\x", Err(DRIVE)),
            ("C:.", Ok((".", "."))),
            ("C:..", Ok(("..", ".."))),
            (r"C:\.", Ok(("/", "/"))),
            ("c:x", Ok(("x", "x"))),
            (r"c:\x\", Ok(("/x/", "/x"))),
            (r"C:\x\y\..", Ok(("/x", "/x"))),
            (r"C:\x y\", Ok(("/x y/", "/x y"))),
            (r"xy\", Ok(("xy/", "xy"))),
            (r"x\.", Ok(("x", "x"))),
            (r"x\..\", Ok((".", "."))),
            (r"\a\b\..\c\", Ok(("/a/c/", "/a/c"))),
            ("/c:/x", Err(DRIVE)),
            (r"c:c:\x", Ok(("c:/x", "c:/x"))),
        ];
        for (path, wanted) in table {
            check(path, without_drive(path, true), wanted.map(|(keep, _)| keep));
            check(path, without_drive(path, false), wanted.map(|(_, drop)| drop));
        }
        for (path, absolute) in [(r"C:\test", true), ("/test", true), ("C:test", false)] {
            assert_eq!(is_absolute(path), absolute, "{path}");
        }
    }

    #[test]
    fn destinations_are_as_the_table_says() {
        let table: &[(&str, &str, Wanted<&str>)] = &[
            ("/app", ".", Ok("/app/")),
            ("/app", "./", Ok("/app/")),
            ("/app", r".\", Ok("/app/")),
            ("/app", "", Ok("/app/")),
            ("/app", "out", Ok("/app/out")),
            ("/app", r"out\", Ok("/app/out/")),
            // The original makes a file of this one.
            ("/app", r"x\", Ok("/app/x/")),
            ("/app", r"a\b\", Ok("/app/a/b/")),
            ("/app", r"C:\foo", Ok("/foo")),
            ("/app", "C:/foo/", Ok("/foo/")),
            ("/app", r"C:\", Ok("/")),
            ("/app", "C:", Err(NO_PATH)),
            ("/app", r"D:\x", Err(DRIVE)),
            ("/app", r"..\sib\", Ok("/sib/")),
            ("/app", r"..\..\..\x1\", Ok("/x1/")),
            ("/app", r"C:foo\", Ok("/app/foo/")),
            ("/app", r"foo\.", Ok("/app/foo")),
            ("/app", r"\foo\.", Ok("/foo")),
            ("/app", "//x/", Err(UNC)),
            ("", ".", Ok("/")),
            ("", r"out\", Ok("/out/")),
            ("/app", r"foo bar\", Ok("/app/foo bar/")),
            ("/app", r"C:\foo\..\bar\", Ok("/bar/")),
        ];
        for (workdir, written, wanted) in table {
            check(&format!("{workdir} + {written}"), destination(workdir, written), *wanted);
        }
    }

    #[test]
    fn sources_are_as_the_table_says() {
        let table: &[(&str, Wanted<&str>)] = &[
            (".", Ok("/")),
            ("", Ok("/")),
            (r".\", Ok("/")),
            ("a.txt", Ok("/a.txt")),
            (r"dir\a.txt", Ok("/dir/a.txt")),
            (r"C:\ctx\a", Ok("/ctx/a")),
            (r"\a", Ok("/a")),
            (r"..\..\secret", Ok("/secret")),
            ("*.txt", Ok("/*.txt")),
            (r"d?r\*", Ok("/d?r/*")),
            (r"D:\a", Err(DRIVE)),
            (r"\\srv\a", Err(UNC)),
            ("c:a", Ok("/a")),
            ("dir/.", Ok("/dir")),
            ("a:b", Err(DRIVE)),
        ];
        for (written, wanted) in table {
            check(written, source(written), *wanted);
        }
    }
}
