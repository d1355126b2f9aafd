//! `--cidfile`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The file that gets the container's id; it must not be there before.
pub(super) struct CidFile {
    path: PathBuf,
    file: Option<std::fs::File>,
}

impl CidFile {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = std::fs::File::create_new(path);
        let file = file.with_context(|| format!("creating the cidfile {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    pub(super) fn write(mut self, id: &str) -> Result<()> {
        let written = self.file.take().map_or(Ok(()), |mut file| file.write_all(id.as_bytes()));
        written.with_context(|| format!("writing the cidfile {}", self.path.display()))
    }
}

impl Drop for CidFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Docker removes it as well when there is no container in the end.
            std::fs::remove_file(&self.path).ok();
        }
    }
}
