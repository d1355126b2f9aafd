//! `NAME=VALUE` lists: variables, labels, options, and files of them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// Variables of files and flags, files first. A bare `NAME` takes this environment's value, and
/// is left out when there is none.
pub fn environment(files: &[String], flags: &[String]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for file in files {
        lines.extend(from_file(file, |name| std::env::var(name).ok())?);
    }
    lines.extend(flags.iter().cloned());
    let mut all = Vec::new();
    for line in lines {
        let name = line.split_once('=').map_or(line.as_str(), |(name, _)| name);
        if name.is_empty() {
            bail!("invalid environment variable: {line}");
        }
        if line.contains('=') {
            all.push(line);
        } else {
            all.extend(std::env::var(&line).ok().map(|value| format!("{line}={value}")));
        }
    }
    Ok(all)
}

/// Labels of files and flags, flags winning. A bare `NAME` is an empty label.
pub fn labels(files: &[String], flags: &[String]) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for file in files {
        all.extend(from_file(file, |_| Some(String::new()))?.iter().map(|line| split(line)));
    }
    all.extend(flags.iter().map(|line| split(line)));
    if all.contains_key("") {
        bail!("a label needs a name");
    }
    Ok(all)
}

/// Options of which each must have a value.
pub fn options(flag: &str, flags: &[String]) -> Result<BTreeMap<String, String>> {
    let pair = |line: &String| {
        let (name, value) = line.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.to_owned()))
    };
    let pairs = flags.iter().map(|line| {
        pair(line)
            .with_context(|| format!("invalid value of {flag}: \"{line}\": NAME=VALUE is wanted"))
    });
    pairs.collect()
}

fn split(line: &str) -> (String, String) {
    let (name, value) = line.split_once('=').unwrap_or((line, ""));
    (name.to_owned(), value.to_owned())
}

/// A file of them, read by docker's rules.
fn from_file(path: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Vec<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {path}"))?;
    spec::env::parse_file(&bytes, environment).with_context(|| format!("reading {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_before_flags_and_comments_count_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, "# a comment\nA=1\n\nB=x # y\nNO_SUCH_VARIABLE_HERE\n").unwrap();
        let path = path.to_string_lossy().into_owned();
        let all = environment(&[path], &["A=2".to_owned(), "C=".to_owned()]).unwrap();
        assert_eq!(all, ["A=1", "B=x # y", "A=2", "C="]);
    }

    #[test]
    fn a_variable_needs_a_name() {
        assert!(environment(&[], &["=x".to_owned()]).is_err());
        assert!(options("--log-opt", &["max-size".to_owned()]).is_err());
        assert_eq!(labels(&[], &["a".to_owned()]).unwrap()["a"], "");
    }
}
