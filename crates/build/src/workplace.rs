//! Folders that a build works in, gone with whoever took them. What a killed build left is told from
//! what is in use by `executor::place`'s locks.

use std::io;
use std::path::PathBuf;

use crate::executor::{FILES, Place};

/// Where such folders are made.
#[derive(Debug, Clone)]
pub struct Workplaces(PathBuf);

/// A folder, gone with this value.
#[derive(Debug)]
pub struct Workplace(Option<Place>);

impl Workplaces {
    /// In `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// An empty folder that only this user can look into.
    pub fn take(&self) -> io::Result<Workplace> {
        use engine::os::unix::fs::set_mode;
        let name = format!("{FILES}{}", uuid::Uuid::new_v4().simple());
        let place = Workplace(Some(Place::make(&self.0, &name)?));
        let path = place.path();
        std::fs::create_dir(&path)?;
        let parent = path.parent().expect("it was just put together");
        set_mode(parent, 0o700)?;
        Ok(place)
    }

    /// Removes those whose process is gone. Gives why one of them is still there.
    pub(crate) fn sweep(&self) -> Vec<io::Error> {
        if !self.0.is_dir() {
            return Vec::new();
        }
        match Place::dead(&self.0) {
            Ok(dead) => dead.into_iter().filter_map(|place| place.remove().err()).collect(),
            Err(error) => vec![error],
        }
    }
}

impl Workplace {
    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.0.as_ref().expect("only its end takes it").path.join("in")
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if let Some(place) = self.0.take()
            && let Err(error) = place.remove()
        {
            tracing::warn!(%error, "a folder of the build was not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_stays_and_what_was_left_goes_also_beside_what_is_stuck() {
        let dir = tempfile::tempdir().unwrap();
        let places = Workplaces::new(dir.path().join("w"));
        assert!(places.sweep().is_empty());
        let used = places.take().unwrap();
        let mut left = places.take().unwrap();
        std::fs::write(left.path().join("x"), "").unwrap();
        // As if its process had been killed.
        let dead = left.0.take().map(|place| place.path.clone()).unwrap();
        // Its lock is no file, so that removing it fails.
        std::fs::create_dir_all(dir.path().join("w/files-stuck/lock")).unwrap();
        assert_eq!(places.sweep().len(), 1);
        assert!(used.path().is_dir() && !dead.exists());
        let path = used.path();
        drop(used);
        assert!(!path.exists());
    }
}
