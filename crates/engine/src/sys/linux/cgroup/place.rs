//! Groups that a document names: made as runc makes them, below whatever is there, and known for sure as
//! the silo's own.
//!
//! The path comes from a client, and the groups around it are other people's. So one that is there
//! already is never taken over, even an empty one: it is another silo's that is just being made, or is
//! written down as one's that was killed. Those on the way to it are made where they are missing, and go
//! again with the silo that made them, unless something else is in them by then; and what was made is
//! written down in the silo's directory for as long as it is there, from which alone somebody clears up
//! after a silo host that was killed.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::io_error;
use crate::error::ErrorKind;

/// The record's name in a silo's directory.
const RECORD: &str = "cgroup";
/// The engine's own groups are below this.
pub(super) const OWN: &str = "transom";
/// How often a way is made that somebody else clears away at the same time.
const TRIES: u32 = 20;

/// What was made for a silo, beside its own groups in each tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    /// Below each tree; empty for a silo whose groups are where the engine has them.
    pub(super) path: PathBuf,
    /// Folders on the way, the outermost first.
    pub(super) way: Vec<PathBuf>,
}

/// A path as a document has it: plain words below each tree.
pub(crate) fn asked(text: &str) -> Result<Option<PathBuf>, ErrorKind> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = Path::new(text);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let rule = if !is_plain || text.contains(|letter: char| letter.is_control()) {
        "must be words with `/` between them, below the root of the control groups"
    } else if path.starts_with(OWN) {
        "must not be below `transom`, where the engine has its own"
    } else {
        return Ok(Some(path.to_owned()));
    };
    Err(ErrorKind::InvalidDocument {
        field: "Container.ControlGroup".into(),
        value: text.into(),
        rule: rule.into(),
    })
}

impl Made {
    /// Makes one tree's group, and the way to it where that is missing. `each` sees every folder on the
    /// way, the outermost first.
    pub(super) fn make(
        &mut self,
        group: &Path,
        each: impl Fn(&Path) -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        let mut tries = 0;
        loop {
            let made = self.make_way(group, &each).and_then(|()| exclusive(group));
            tries += 1;
            match made {
                // Who had made the way may have cleared it away just now.
                Err(ErrorKind::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && tries < TRIES => {}
                other => return other,
            }
        }
    }

    fn make_way(
        &mut self,
        group: &Path,
        each: &impl Fn(&Path) -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        let levels = self.path.components().count();
        let mut way: Vec<&Path> = group.ancestors().skip(1).take(levels).collect();
        while let Some(folder) = way.pop() {
            match fs::create_dir(folder) {
                Ok(()) => self.way.push(folder.to_owned()),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(io_error("make", &folder.display().to_string(), e)),
            }
            each(folder)?;
        }
        Ok(())
    }

    /// Takes the way away again, as far as nobody else uses it.
    pub(super) fn clear_way(&self) {
        for folder in self.way.iter().rev() {
            // It is gone, or somebody else's groups are in it by now.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Writes it down in the silo's directory.
    pub(super) fn record(&self, silo: &Path) -> Result<(), ErrorKind> {
        let text = serde_json::to_string(self).expect("paths were read from JSON");
        let file = silo.join(RECORD);
        fs::write(&file, text).map_err(|e| io_error("write", &file.display().to_string(), e))
    }

    /// What a silo's directory tells; nothing when its groups are where the engine has them.
    pub(super) fn recorded(silo: &Path) -> Result<Option<Self>, ErrorKind> {
        let file = silo.join(RECORD);
        let text = match fs::read_to_string(&file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| io_error("read", &file.display().to_string(), e))?,
        };
        // One that was cut off while it was written is of a silo that had nothing in its groups yet.
        Ok(serde_json::from_str(&text).ok())
    }

    /// Strikes it out, once it is gone: whoever makes the same groups next is somebody else.
    pub(super) fn forget(silo: &Path) -> Result<(), ErrorKind> {
        let file = silo.join(RECORD);
        match fs::remove_file(&file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(io_error("remove", &file.display().to_string(), e))
            }
            _ => Ok(()),
        }
    }
}

/// Makes a group that was not there.
fn exclusive(group: &Path) -> Result<(), ErrorKind> {
    fs::create_dir(group).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return ErrorKind::InvalidDocument {
                field: "Container.ControlGroup".into(),
                value: group.display().to_string(),
                rule: "is there already, and a container has a control group for itself".into(),
            };
        }
        io_error("make", &group.display().to_string(), error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(tree: &tempfile::TempDir, path: &str) -> (Made, PathBuf) {
        (Made { path: path.into(), way: Vec::new() }, tree.path().join(path))
    }

    #[test]
    fn what_was_missing_on_the_way_goes_again_and_what_was_there_stays() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("kubepods")).unwrap();
        let (mut made, group) = group(&tree, "kubepods/besteffort/pod/c1");
        let seen = std::cell::RefCell::new(Vec::new());
        made.make(&group, |folder| {
            seen.borrow_mut().push(folder.file_name().unwrap().to_owned());
            Ok(())
        })
        .unwrap();
        // The tree's own root is among those that give their controllers on.
        assert_eq!(seen.borrow()[1..], ["kubepods", "besteffort", "pod"]);
        assert_eq!(made.way.len(), 2);
        fs::create_dir(tree.path().join("kubepods/besteffort/other")).unwrap();
        fs::remove_dir(&group).unwrap();
        made.clear_way();
        assert!(!tree.path().join("kubepods/besteffort/pod").exists());
        assert!(tree.path().join("kubepods/besteffort/other").exists(), "another is in there");
    }

    #[test]
    fn a_group_that_is_there_is_refused_and_stays() {
        let tree = tempfile::tempdir().unwrap();
        let (mut made, group) = group(&tree, "system.slice");
        fs::create_dir(&group).unwrap();
        let refused = made.make(&group, |_| Ok(())).unwrap_err();
        assert!(matches!(refused, ErrorKind::InvalidDocument { .. }), "{refused:?}");
        assert!(group.exists());
    }

    #[test]
    fn what_is_written_down_is_read_again() {
        let silo = tempfile::tempdir().unwrap();
        assert_eq!(Made::recorded(silo.path()).unwrap(), None);
        let made = Made { path: "a/b".into(), way: vec!["/x/a".into()] };
        made.record(silo.path()).unwrap();
        assert_eq!(Made::recorded(silo.path()).unwrap(), Some(made));
        Made::forget(silo.path()).unwrap();
        Made::forget(silo.path()).unwrap();
        assert_eq!(Made::recorded(silo.path()).unwrap(), None);
    }

    #[test]
    fn a_documents_path_is_plain_words_and_not_the_engines_own() {
        assert_eq!(asked("").unwrap(), None);
        assert_eq!(asked("kubepods/c1").unwrap(), Some("kubepods/c1".into()));
        for bad in ["/", "/a", "../a", "a/../b", "a/..", ".", "a\nb", "transom", "transom/c1"] {
            let refused = asked(bad).unwrap_err().to_string();
            assert!(refused.contains("Container.ControlGroup"), "{bad:?}: {refused}");
        }
    }
}
