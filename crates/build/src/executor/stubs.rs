//! Mount points: what the engine makes in a scratch so that something can be mounted there, and
//! what of it goes again, so that it is not in the image.
//!
//! A step may rename a folder in which one is. So it is noted which file each is, not only where.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use engine::os::fs::{AtFlags, CWD, statat};

use super::RunError;
use crate::view::{View, parts};

/// Mount points that were not there before, the deepest first.
#[derive(Debug, Default)]
pub(super) struct Stubs(Vec<Stub>);

#[derive(Debug)]
struct Stub {
    names: Vec<String>,
    /// What was made, once it is.
    made: Option<FileId>,
}

/// Which file it is, wherever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl Stubs {
    /// Those of `destinations` (Windows paths) that `drive` lacks.
    pub(super) fn missing<'a>(
        drive: &View,
        destinations: impl Iterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let mut missing = Vec::new();
        for destination in destinations {
            let Ok(path) = crate::paths::without_drive(destination, false) else { continue };
            let names: Vec<String> = parts(&path).collect();
            // A name that is there is nobody's stub, and neither are those above it.
            for end in (1..=names.len()).rev() {
                if drive.find(&names[..end].join("/"))?.is_none() {
                    missing.push(Stub { names: names[..end].to_vec(), made: None });
                }
            }
        }
        missing.sort_by_key(|stub| std::cmp::Reverse(stub.names.len()));
        Ok(Self(missing))
    }

    /// Notes what was made of them in `upper`, before anything runs there.
    pub(super) fn noted(mut self, upper: &Path) -> Result<Self, RunError> {
        if upper.is_dir() {
            for stub in &mut self.0 {
                let path = spelled(upper, &stub.names).map_err(RunError::io(upper))?;
                let made = path.map(|path| FileId::of(&path)).transpose();
                stub.made = made.map_err(RunError::io(upper))?;
            }
        }
        Ok(self)
    }

    /// Removes from `upper`, if there is one, those that are still empty, the deepest first.
    pub(super) fn remove(&self, upper: &Path) -> Result<(), RunError> {
        if !upper.is_dir() {
            return Ok(());
        }
        self.remove_from(upper).map_err(RunError::io(upper))
    }

    fn remove_from(&self, upper: &Path) -> io::Result<()> {
        let mut lost = Vec::new();
        for stub in &self.0 {
            match spelled(upper, &stub.names)? {
                Some(path) if stub.is(&path)? => remove_empty(&path)?,
                _ => lost.push(stub),
            }
        }
        lost.retain(|stub| stub.made.is_some());
        found(upper, &lost).iter().rev().try_for_each(|path| remove_empty(path))
    }
}

impl Stub {
    /// Whether this is what was made of it. What was not noted goes by its path.
    fn is(&self, path: &Path) -> io::Result<bool> {
        let this = FileId::of(path)?;
        Ok(self.made.is_none_or(|made| made == this))
    }

    /// Whether it may be called so: one that was renamed itself is somebody's.
    fn is_called(&self, name: &str) -> bool {
        self.names.last().is_some_and(|own| image::folded(own) == image::folded(name))
    }
}

impl FileId {
    fn of(path: &Path) -> io::Result<Self> {
        let about = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Self(about.st_dev, about.st_ino))
    }
}

/// Where those are whose folders were renamed, parents before children. A step may have made folders
/// that no path is long enough for: what was moved there stays.
fn found(upper: &Path, lost: &[&Stub]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    folders.extend((!lost.is_empty()).then(|| upper.to_owned()));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let Ok(id) = FileId::of(&path).map(Some) else { continue };
            if lost.iter().any(|stub| stub.made == id && stub.is_called(&name.to_string_lossy())) {
                found.push(path.clone());
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            }
        }
    }
    found
}

fn remove_empty(path: &Path) -> io::Result<()> {
    let about = fs::symlink_metadata(path)?;
    if about.is_dir() && fs::read_dir(path)?.next().is_none() {
        fs::remove_dir(path)
    } else if about.is_file() && about.len() == 0 {
        fs::remove_file(path)
    } else {
        Ok(())
    }
}

/// Where a path is below `upper`, whatever the case of its names; no link is followed.
fn spelled(upper: &Path, names: &[String]) -> io::Result<Option<PathBuf>> {
    let mut at = upper.to_owned();
    for name in names {
        if !fs::symlink_metadata(&at)?.is_dir() {
            return Ok(None);
        }
        match View::drive(vec![at.clone()]).spelling(name)? {
            Some(name) => at.push(name),
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_to_mount_on_goes_and_what_holds_something_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (lower, upper) = (dir.path().join("l"), dir.path().join("u"));
        for folder in ["App", "Empty"] {
            fs::create_dir_all(lower.join(folder)).unwrap();
        }
        let drive = View::drive(vec![lower]);
        let asked = [r"C:\app\cache\deep", r"C:\run\secret", r"C:\empty", r"C:\kept\m"];
        let stubs = Stubs::missing(&drive, asked.into_iter()).unwrap();
        for folder in ["App/cache/deep", "run", "Empty", "kept/m"] {
            fs::create_dir_all(upper.join(folder)).unwrap();
        }
        fs::write(upper.join("run/secret"), "").unwrap();
        fs::write(upper.join("kept/own"), "x").unwrap();
        stubs.remove(&upper).unwrap();
        for (path, there) in [
            ("App", true),
            ("App/cache", false),
            ("run", false),
            ("Empty", true),
            ("kept/own", true),
            ("kept/m", false),
        ] {
            assert_eq!(upper.join(path).exists(), there, "{path}");
        }
    }

    #[test]
    fn one_whose_folder_was_renamed_goes_too_and_no_other_does() {
        let dir = tempfile::tempdir().unwrap();
        let upper = dir.path().join("u");
        fs::create_dir_all(dir.path().join("l/App")).unwrap();
        let drive = View::drive(vec![dir.path().join("l")]);
        let asked = [r"C:\app\cache\deep", r"C:\run\secret", r"C:\again", r"C:\named"];
        let stubs = Stubs::missing(&drive, asked.into_iter()).unwrap();
        for folder in ["App/cache/deep", "run", "again", "named"] {
            fs::create_dir_all(upper.join(folder)).unwrap();
        }
        fs::write(upper.join("run/secret"), "").unwrap();
        let stubs = stubs.noted(&upper).unwrap();
        // The last two as no step can while something is mounted there.
        for (from, to) in [("App", "Moved"), ("run", "Moved/run"), ("named", "own"), ("again", "a")]
        {
            fs::rename(upper.join(from), upper.join(to)).unwrap();
        }
        fs::create_dir_all(upper.join("again")).unwrap();
        fs::create_dir_all(upper.join("Moved/deep")).unwrap();
        stubs.remove(&upper).unwrap();
        for (path, there) in [
            ("Moved", true),
            ("Moved/cache", false),
            ("Moved/run", false),
            ("Moved/deep", true),
            ("own", true),
            ("again", true),
        ] {
            assert_eq!(upper.join(path).exists(), there, "{path}");
        }
    }

    #[test]
    fn folders_that_no_path_is_long_enough_for_fail_no_step() {
        use engine::os::fs::{Mode, OFlags, mkdirat, openat, renameat};
        let dir = tempfile::tempdir().unwrap();
        let upper = dir.path().join("u");
        fs::create_dir(dir.path().join("l")).unwrap();
        let drive = View::drive(vec![dir.path().join("l")]);
        let stubs = Stubs::missing(&drive, [r"C:\app\cache"].into_iter()).unwrap();
        fs::create_dir_all(upper.join("app/cache")).unwrap();
        let stubs = stubs.noted(&upper).unwrap();
        fs::rename(upper.join("app"), upper.join("moved")).unwrap();
        // As a program makes it: by moving one tree into another.
        let (half, long) = (dir.path().join("half"), "n".repeat(200));
        for top in [&half, &upper.join("deep")] {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            fs::create_dir(top).unwrap();
            let mut folder = openat(CWD, top, flags, Mode::empty()).unwrap();
            for _ in 0..15 {
                mkdirat(&folder, &long, Mode::from_raw_mode(0o755)).unwrap();
                folder = openat(&folder, &long, flags, Mode::empty()).unwrap();
            }
            if *top != half {
                renameat(CWD, &half, &folder, "half").unwrap();
            }
        }
        stubs.remove(&upper).unwrap();
        assert!(upper.join("moved").exists() && !upper.join("moved/cache").exists());
    }
}
