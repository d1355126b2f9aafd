//! One spelling per name in a chain of layers, as on NTFS, where `a` and `A` are one file.
//!
//! The platform's spelling comes first (it is Wine's own), then the base layer's, and so on up.

use engine::os::fd::OwnedFd;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::rc::Rc;

use super::beneath;
use crate::error::{IoContext, Result};

/// What two names that are the same to Windows have in common: simple upper case, letter by letter.
/// Names are compared in no other way: `to_lowercase` folds letters that NTFS keeps apart, and keeps
/// apart some that it folds.
pub fn key(name: &str) -> String {
    name.chars().map(upper).collect()
}

fn upper(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        // NTFS never folds a letter onto an ASCII one (`ı`, `ſ`), nor one letter onto two (`ß`).
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

/// The names in one folder of the chain: key to spelling.
pub(crate) type Names = Rc<HashMap<String, String>>;

/// The spelling that a chain of layers has so far.
pub(crate) struct Spelling {
    /// Folders that lie over each other, in the order in which they decide.
    roots: Vec<OwnedFd>,
    known: HashMap<String, Names>,
}

impl Spelling {
    pub(crate) fn new<'a>(roots: impl IntoIterator<Item = &'a Path>) -> Result<Self> {
        let roots = roots.into_iter().map(|root| beneath::open_root(root).at("open", root));
        Ok(Self { roots: roots.collect::<Result<_>>()?, known: HashMap::new() })
    }

    /// The names in the folder `path`, which must be in the chain's spelling itself.
    pub(crate) fn names(&mut self, path: &str) -> Result<Names> {
        let slot = match self.known.entry(path.to_owned()) {
            Entry::Occupied(known) => return Ok(Rc::clone(known.get())),
            Entry::Vacant(slot) => slot,
        };
        let mut names = HashMap::new();
        for root in &self.roots {
            let found = beneath::list(root, path).at("list", Path::new(path))?;
            for name in found {
                names.entry(key(&name)).or_insert(name);
            }
        }
        Ok(Rc::clone(slot.insert(Rc::new(names))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_fold_as_on_ntfs() {
        for (one, other) in [("Windows", "wINDOWS"), ("É", "é"), ("Ω", "ω"), ("д", "Д")] {
            assert_eq!(key(one), key(other));
        }
        for (one, other) in [("ß", "SS"), ("ı", "I"), ("ſ", "S"), ("a", "b")] {
            assert_ne!(key(one), key(other));
        }
    }

    #[test]
    fn the_first_root_decides_and_the_others_add() {
        let dir = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| dir.path().join(name));
        std::fs::create_dir_all(one.join("windows/system32")).unwrap();
        std::fs::create_dir_all(two.join("windows/Fonts")).unwrap();
        std::fs::create_dir_all(two.join("WINDOWS")).unwrap();
        let mut spelling = Spelling::new([one.as_path(), two.as_path()]).unwrap();
        assert_eq!(spelling.names("").unwrap()["WINDOWS"], "windows");
        let names = spelling.names("windows").unwrap();
        assert_eq!((names["FONTS"].as_str(), names["SYSTEM32"].as_str()), ("Fonts", "system32"));
        assert!(spelling.names("nowhere").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(name in "\\PC{0,12}") {
            prop_assert_eq!(key(&key(&name)), key(&name));
            prop_assert_eq!(name.chars().count(), key(&name).chars().count());
        }

        #[test]
        fn ascii_case_never_matters(name in "[a-zA-Z0-9._ -]{1,16}") {
            prop_assert_eq!(key(&name.to_ascii_lowercase()), key(&name.to_ascii_uppercase()));
        }
    }
}
