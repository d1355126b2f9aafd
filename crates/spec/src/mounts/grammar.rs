//! The forms of mount strings and mount paths, as regular expressions.
//!
//! All are matched against lower-cased text on a Windows host; a Unix host keeps its letters. Both
//! cases are spelled out, because a match without regard to case also takes letters that only fold
//! to ASCII. The engine behind runs in linear time, whatever it is fed.

use std::sync::LazyLock;

use regex::Regex;

use crate::host::PathStyle;

const HOST_DIR: &str = r#"(?:\\\\\?\\)?[a-zA-Z]:[\\/](?:[^\\/:*?"<>|\r\n]+[\\/]?)*"#;
const NAME: &str = r#"[^\\/:*?"<>|\r\n]+"#;
const PIPE: &str = r#"[/\\]{2}.[/\\][pP][iI][pP][eE][/\\][^:*?"<>|\r\n]+"#;
const TARGET_DIR: &str = r#"(?:\\\\\?\\)?[a-zA-Z]:(?:[\\/][^\\/:*?"<>\r\n]+)*[\\/]?"#;
/// A directory of a Unix host. It ends at the next colon, as on the other daemon.
const UNIX_DIR: &str = r"/[^:\x00\r\n]*";

/// A mount string taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts<'t> {
    pub(super) source: Option<&'t str>,
    pub(super) destination: &'t str,
    pub(super) mode: &'t str,
}

/// `[source:]destination[:mode]`; a mode needs a source.
pub(super) fn split(text: &str, style: PathStyle) -> Option<Parts<'_>> {
    static WINDOWS: LazyLock<Regex> = LazyLock::new(|| whole(&mount(HOST_DIR)));
    static UNIX: LazyLock<Regex> =
        LazyLock::new(|| whole(&mount(&format!("{PIPE}|{UNIX_DIR}|{HOST_DIR}"))));
    let regex = if style == PathStyle::Windows { &WINDOWS } else { &UNIX };
    let found = regex.captures(text)?;
    let group = |name| found.name(name).map(|group| group.as_str());
    let parts = Parts {
        source: group("source"),
        destination: group("destination")?,
        mode: group("mode").unwrap_or_default(),
    };
    (parts.source.is_some() || parts.mode.is_empty()).then_some(parts)
}

/// A place in a container: a directory with its drive, or a pipe.
pub(super) fn is_destination(path: &str) -> bool {
    static TARGET: LazyLock<Regex> =
        LazyLock::new(|| whole(&format!("(?:{TARGET_DIR})|(?:{PIPE})")));
    TARGET.is_match(path)
}

/// A directory of a Windows host.
pub(super) fn is_host_dir(path: &str) -> bool {
    static DIR: LazyLock<Regex> = LazyLock::new(|| whole(HOST_DIR));
    DIR.is_match(path)
}

/// A volume's name, reserved words not yet excluded.
pub(super) fn is_name(text: &str) -> bool {
    static ONE: LazyLock<Regex> = LazyLock::new(|| whole(NAME));
    ONE.is_match(text)
}

/// A pipe's path in the form that the system itself uses.
pub(super) fn is_pipe(path: &str) -> bool {
    path.starts_with(r"\\.\pipe\")
}

fn mount(host_dir: &str) -> String {
    format!(
        "(?:(?P<source>(?:{host_dir})|(?:{NAME})|(?:{PIPE})):)?\
         (?P<destination>(?:{TARGET_DIR})|(?:{PIPE}))(?::(?P<mode>[rR][oO]|[rR][wW]))?"
    )
}

fn whole(pattern: &str) -> Regex {
    Regex::new(&format!(r"\A(?:{pattern})\z"))
        .expect("the pattern is a constant, and a test matches it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_host_takes_directories_of_both_kinds() {
        let unix = |text| split(text, PathStyle::Unix);
        for (text, source, destination, mode) in [
            (r"/srv/data:C:\data:ro", Some("/srv/data"), r"C:\data", "ro"),
            (r"C:\x:D:\y", Some(r"C:\x"), r"D:\y", ""),
            (r"Name:C:\x:RW", Some("Name"), r"C:\x", "RW"),
            (r"//./pipe/a://./pipe/a", Some("//./pipe/a"), "//./pipe/a", ""),
            (r"C:\x", None, r"C:\x", ""),
        ] {
            assert_eq!(unix(text), Some(Parts { source, destination, mode }), "{text}");
        }
        assert_eq!(unix("/srv:/data"), None);
        assert_eq!(unix(r"C:\x:ro"), None);
    }
}
