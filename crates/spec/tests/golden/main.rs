//! Runs every golden case that this crate has code for.
//!
//! The cases are inputs and what Docker Engine itself made of them, one JSON object a line; the README
//! next to them says what each set holds. `TRANSOM_GOLDEN` names another folder of the same layout. A
//! set that no code here claims is named, never passed over.

mod case;
mod compare;
mod host;
mod report;
mod sets;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::Case;
use report::Report;

fn main() -> ExitCode {
    let folder = folder();
    let mut report = Report::default();
    for path in set_files(&folder) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match sets::find(&name) {
            Some(set) => report.set(&name, &Case::read_all(&path), set),
            None => report::unclaimed(&name, Case::count(&path)),
        }
    }
    report.finish(&folder)
}

fn folder() -> PathBuf {
    let root = std::env::var_os("TRANSOM_GOLDEN").map(PathBuf::from);
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    root.unwrap_or_else(own).join("moby")
}

fn set_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder that can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}
