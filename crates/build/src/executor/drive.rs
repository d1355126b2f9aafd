//! The drive of a container, as it is made ready on the host before anything runs on it.

use std::path::PathBuf;

use super::RunError;
use super::stubs::Stubs;
use crate::files;
use crate::view::View;

/// What a drive is made of.
pub(super) struct Drive {
    /// The folders of the layers, the nearest first.
    pub(super) layers: Vec<PathBuf>,
    /// The platform's drive.
    pub(super) platform: PathBuf,
    /// Where what is written goes.
    pub(super) upper: PathBuf,
}

impl Drive {
    /// Makes the working directory when it is not there, and tells which mount points are missing.
    pub(super) fn prepare(&self, cwd: &str, destinations: &[String]) -> Result<Stubs, RunError> {
        let view = self.view();
        let stubs = Stubs::missing(&view, destinations.iter().map(String::as_str))
            .map_err(RunError::io(&self.platform))?;
        if !cwd.is_empty() && self.upper.is_dir() {
            self.make_directory(&view, cwd)?;
        }
        Ok(stubs)
    }

    fn make_directory(&self, view: &View, cwd: &str) -> Result<(), RunError> {
        let failed = |source| RunError::WorkingDirectory { path: cwd.to_owned(), source };
        let path = crate::paths::join("", cwd, false).map_err(|error| failed(error.into()))?;
        match view.find(&path) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => files::make(view, &self.upper, &path).map(drop).map_err(failed),
            Err(error) => Err(RunError::io(path)(error)),
        }
    }

    /// The drive as the layers and the platform make it.
    fn view(&self) -> View {
        let mut folders: Vec<PathBuf> = self.layers.iter().map(|layer| layer.join("fs")).collect();
        let base = folders.pop();
        folders.push(self.platform.clone());
        folders.extend(base);
        // An engine without a host has none of them.
        folders.retain(|folder| folder.is_dir());
        View::drive(folders)
    }
}
