//! Environment lists, `KEY=value` entry by entry.
//!
//! Two rules meet here: when a container is made its own entries win over the image's whatever the
//! case of their keys; when a process is started in it, keys are compared exactly. Files of entries
//! (`--env-file`) are read by [`parse_file`].

mod file;

pub use file::{EnvFileError, parse_file};

use crate::fold;

/// The environment of a process: `overrides` put over `base`.
///
/// The same key replaces in place (the last of several), a bare key removes, the rest is appended.
pub fn apply(base: &[String], overrides: &[String]) -> Vec<String> {
    let mut list: Vec<Option<String>> = base.iter().cloned().map(Some).collect();
    for entry in overrides {
        let place = base.iter().rposition(|known| key(known) == key(entry));
        match (place, entry.contains('=')) {
            (Some(at), true) => list[at] = Some(entry.clone()),
            (Some(at), false) => list[at] = None,
            (None, true) => list.push(Some(entry.clone())),
            (None, false) => {}
        }
    }
    list.into_iter().flatten().filter(|entry| !entry.is_empty()).collect()
}

/// The environment of a container's first process. There are no built-in variables on Windows, so
/// only the bare keys go.
pub fn of_container(config: &[String]) -> Vec<String> {
    apply(&[], config)
}

/// The container's list with what only the image sets behind it. A bare key counts as set.
pub fn merge(own: Vec<String>, image: &[String]) -> Vec<String> {
    if own.is_empty() {
        return image.to_vec();
    }
    let set: Vec<String> = own.iter().map(|entry| key(entry).to_owned()).collect();
    let missing = image.iter().filter(|entry| !set.iter().any(|known| fold::eq(known, key(entry))));
    own.into_iter().chain(missing.cloned()).collect()
}

/// What stands before the first `=`.
pub fn key(entry: &str) -> &str {
    entry.split_once('=').map_or(entry, |(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn a_bare_key_unsets_and_a_later_entry_sets_again_in_place() {
        let got = apply(&list(&["A=1", "B=2"]), &list(&["A", "A=3", "B"]));
        assert_eq!(got, ["A=3"]);
    }

    #[test]
    fn the_image_fills_in_only_keys_that_differ_in_more_than_case() {
        let got = merge(list(&["path=mine", "X"]), &list(&["PATH=theirs", "x=1", "Y=2"]));
        assert_eq!(got, ["path=mine", "X", "Y=2"]);
    }
}
