//! Folders of the host that bound paths are in. Several containers may need the same one, as `C:\hpc`:
//! the last one takes it away.
//!
//! Whoever makes one notes it first, and so does whoever finds one there that another container has
//! noted. All look and write one after the other. A folder that has something in it by then stays:
//! that is somebody else's.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::leftovers::Leftovers;
use super::sweeping::Sweeping;
use super::{beneath, root};
use crate::error::ErrorKind;

/// Sees to it that there is a folder, for as long as this container is there; `field` asked for it.
/// One that is there is used wherever it leads; none is made through a link.
pub(super) fn make(path: &Path, field: &str, note: &mut Leftovers) -> Result<(), ErrorKind> {
    let (drive, below): (Vec<_>, Vec<_>) = path
        .components()
        .partition(|part| matches!(part, Component::Prefix(_) | Component::RootDir));
    let (drive, below): (PathBuf, PathBuf) = (drive.iter().collect(), below.iter().collect());
    let below = below.display().to_string();
    let _alone = Sweeping::of_folders()?;
    note_needed(&drive, &below, field, &note.folders_of_others(), note)?;
    if path.is_dir() { Ok(()) } else { beneath::folder(&drive, &below, field).map(|_| ()) }
}

/// The folder `below` a container's files, made where it is missing, and noted.
pub(super) fn beneath_files(
    files: &Path,
    below: &str,
    field: &str,
    note: &mut Leftovers,
) -> Result<PathBuf, ErrorKind> {
    note_needed(files, below, field, &[], note)?;
    beneath::folder(files, below, field)
}

/// Notes what is not there before it is made, and what others have made.
fn note_needed(
    above: &Path,
    below: &str,
    field: &str,
    others: &[PathBuf],
    note: &mut Leftovers,
) -> Result<(), ErrorKind> {
    let mut at = above.to_owned();
    for name in beneath::names(below, field)? {
        at.push(name);
        if is_missing(&at) || is_in(others, &at) {
            note.note_folder(&at)?;
        }
    }
    Ok(())
}

fn is_missing(path: &Path) -> bool {
    matches!(fs::symlink_metadata(path), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Windows does not tell names apart by their case.
pub(super) fn is_in(all: &[PathBuf], path: &Path) -> bool {
    let small = |path: &Path| path.to_string_lossy().to_lowercase();
    all.iter().any(|one| small(one) == small(path))
}

/// Takes away what only this container has noted, the newest first.
pub(super) fn take_away(note: &Leftovers) -> Result<(), ErrorKind> {
    if note.folders().is_empty() {
        return Ok(());
    }
    let _alone = Sweeping::of_folders()?;
    let others = note.folders_of_others();
    for folder in note.folders().iter().rev().filter(|folder| !is_in(&others, folder)) {
        // None was made through a link: one that is on its way now is somebody's trap.
        if !folder.ancestors().any(root::leads_elsewhere) {
            // One with something in it stays.
            fs::remove_dir(folder).ok();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use schema::SystemId;
    use schema::job::JobContainer;

    use super::*;

    fn note(state: &Path, name: &str) -> Leftovers {
        let id = SystemId::new(format!("{name}-{}", std::process::id())).unwrap();
        let container = JobContainer { bound: true, ..JobContainer::default() };
        Leftovers::note(state, &id, "test", &container, "").unwrap()
    }

    #[test]
    fn a_folder_that_several_need_goes_with_the_last_one() {
        let place = tempfile::tempdir().unwrap();
        let (state, deep) = (place.path().join("state"), place.path().join(r"a\b"));
        let (mut first, mut second) = (note(&state, "first"), note(&state, "second"));
        make(&deep, "F", &mut first).unwrap();
        make(&deep, "F", &mut second).unwrap();
        first.give_back().unwrap();
        assert!(deep.is_dir(), "the second one needs it");
        second.give_back().unwrap();
        assert!(!place.path().join("a").exists());
        assert!(place.path().is_dir(), "it was there before");
    }

    #[test]
    fn what_was_there_or_has_something_in_it_stays() {
        let place = tempfile::tempdir().unwrap();
        let (state, there) = (place.path().join("state"), place.path().join("there"));
        fs::create_dir(&there).unwrap();
        let mut note = note(&state, "stays");
        make(&there, "F", &mut note).unwrap();
        make(&there.join("made"), "F", &mut note).unwrap();
        make(&there.join("used"), "F", &mut note).unwrap();
        fs::write(there.join("used").join("file"), "").unwrap();
        // As after a kill: all that is known is the note.
        drop(note);
        let ids = Leftovers::ids(&state).unwrap();
        Leftovers::read(&state, &ids[0]).unwrap().unwrap().give_back().unwrap();
        assert!(there.join("used").is_dir() && !there.join("made").exists());
    }

    #[test]
    fn a_file_in_the_way_is_refused_and_nothing_is_left() {
        let place = tempfile::tempdir().unwrap();
        let (state, file) = (place.path().join("state"), place.path().join("file"));
        fs::write(&file, "").unwrap();
        let mut note = note(&state, "way");
        make(&file.join("below"), "F", &mut note).unwrap_err();
        make(&place.path().join(r"a\..\b"), "F", &mut note).unwrap_err();
        note.give_back().unwrap();
        assert!(file.is_file() && !place.path().join("a").exists());
    }
}
