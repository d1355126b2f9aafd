//! Mount points: what the engine makes in a scratch so that something can be mounted there, and
//! what of it goes again, so that it is not in the image.

use std::fs;
use std::path::{Path, PathBuf};

use super::RunError;
use crate::view::{View, parts};

/// Mount points that were not there before.
#[derive(Debug, Default)]
pub(super) struct Stubs(Vec<Vec<String>>);

impl Stubs {
    /// Those of `destinations` (Windows paths) that `drive` lacks.
    pub(super) fn missing<'a>(
        drive: &View,
        destinations: impl Iterator<Item = &'a str>,
    ) -> std::io::Result<Self> {
        let mut missing = Vec::new();
        for destination in destinations {
            let Ok(path) = crate::paths::without_drive(destination, false) else { continue };
            let names: Vec<String> = parts(&path).collect();
            // A name that is there is nobody's stub, and neither are those above it.
            for end in (1..=names.len()).rev() {
                if drive.find(&names[..end].join("/"))?.is_none() {
                    missing.push(names[..end].to_vec());
                }
            }
        }
        missing.sort_by_key(|names| std::cmp::Reverse(names.len()));
        Ok(Self(missing))
    }

    /// Removes from `upper`, if there is one, those that are still empty, the deepest first.
    pub(super) fn remove(&self, upper: &Path) -> Result<(), RunError> {
        if !upper.is_dir() {
            return Ok(());
        }
        self.remove_from(upper).map_err(RunError::io(upper))
    }

    fn remove_from(&self, upper: &Path) -> std::io::Result<()> {
        for names in &self.0 {
            let Some(path) = spelled(upper, names)? else { continue };
            let about = fs::symlink_metadata(&path)?;
            if about.is_dir() && fs::read_dir(&path)?.next().is_none() {
                fs::remove_dir(&path)?;
            } else if about.is_file() && about.len() == 0 {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Where a path is below `upper`, whatever the case of its names; no link is followed.
fn spelled(upper: &Path, names: &[String]) -> std::io::Result<Option<PathBuf>> {
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
}
