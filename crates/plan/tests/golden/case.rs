//! The cases: one file each, or one line each of a set's file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use serde_json::Value;

/// An input, and what the original made of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    pub(crate) set: String,
    pub(crate) name: String,
    pub(crate) func: String,
    #[serde(default)]
    pub(crate) input: Value,
    #[serde(default)]
    pub(crate) output: Option<Value>,
    #[serde(default)]
    pub(crate) error: Option<String>,
}

impl Case {
    /// Whether some filter is in its set or its name.
    pub(crate) fn matches(&self, filters: &[String]) -> bool {
        let has = |filter: &String| self.set.contains(filter) || self.name.contains(filter);
        filters.is_empty() || filters.iter().any(has)
    }
}

/// How a case went.
pub(crate) enum Verdict {
    Passes,
    Fails(String),
    Unclaimed,
}

/// What our code made of an input.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<String>,
}

impl Outcome {
    pub(crate) fn of<E: ToString>(result: Result<Value, E>) -> Self {
        match result {
            Ok(output) => Self { output: Some(output), error: None },
            Err(error) => Self { output: None, error: Some(error.to_string()) },
        }
    }
}

/// Where the cases are.
pub(crate) fn folder() -> PathBuf {
    let ours = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    std::env::var_os("TRANSOM_GOLDEN").map_or_else(ours, PathBuf::from).join("hcs")
}

/// Reads all of them, in the order of their files' names.
pub(crate) fn load(folder: &Path) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in files(folder)? {
        let text = fs::read_to_string(&path)?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => cases.push(parse(&path, &text)?),
            Some("jsonl") => {
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    cases.push(parse(&path, line)?);
                }
            }
            _ => {}
        }
    }
    Ok(cases)
}

fn parse(path: &Path, text: &str) -> io::Result<Case> {
    serde_json::from_str(text)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(self::files(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}
