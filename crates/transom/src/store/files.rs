//! Files that are replaced whole, and folders that only root sees.

use engine::os::unix::fs::OpenOptionsExt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Makes a folder, and those above it, for root alone.
pub fn private_dir(path: &Path) -> Result<()> {
    let made = engine::os::fs::make_private(path);
    made.with_context(|| format!("creating {}", path.display()))
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))
}

/// Replaces a JSON file whole.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec(value).with_context(|| format!("writing {}", path.display()))?;
    replace(path, &text)
}

/// Replaces a file whole: whoever reads it sees the old or the new one.
pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let write = || -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(content)?;
        fs::rename(&draft, path)
    };
    write()
        .inspect_err(|_| drop(fs::remove_file(&draft)))
        .with_context(|| format!("writing {}", path.display()))
}

/// The names in a folder, sorted; a folder that is not there has none.
pub(super) fn entries(path: &Path) -> Result<Vec<String>> {
    let reading = || format!("reading {}", path.display());
    let folder = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(reading)?,
    };
    let mut names = Vec::new();
    for entry in folder {
        names.extend(entry.with_context(reading)?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes a folder and all in it, or a file; one that is gone is a success.
pub(super) fn remove_all(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => remove_file(path),
        other => other.with_context(|| format!("removing {}", path.display())),
    }
}

/// The same for several. One that stays keeps nobody from the others; the first error is told.
pub(super) fn remove_each(paths: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    paths.into_iter().map(|path| remove_all(&path)).fold(Ok(()), Result::and)
}

/// Removes a file; one that is gone is a success.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("removing {}", path.display())),
    }
}

/// The bytes of all files below a folder, without their holes; links are not followed. What cannot
/// be counted is no reason not to show or to remove the rest: it is told, and counts for nothing.
pub fn tree_size(path: &Path) -> u64 {
    let size = image::tree_size(path);
    if let Some(error) = size.failed {
        eprintln!("transom: {}: not all of its size can be counted: {error}", path.display());
    }
    size.bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_removed_or_counted_keeps_nobody_from_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (file, left) = (folder.path().join("file"), folder.path().join("left"));
        fs::write(&file, "x").unwrap();
        fs::create_dir(&left).unwrap();
        let beneath_a_file = file.join("stuck");
        assert!(remove_each([beneath_a_file.clone(), left.clone()]).is_err());
        assert!(!left.exists());
        assert_eq!(tree_size(&beneath_a_file), 0);
    }
}
