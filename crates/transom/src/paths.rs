//! Where Transom keeps things on this host.
//!
//! The three variables are inherited by every helper process, so that a whole second Transom can
//! live beside the first one: tests do that.

use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Transom's directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dirs {
    /// What outlives a reboot: images, layers, containers, volumes.
    pub root: PathBuf,
    /// What does not: sockets, bundles, namespaces.
    pub state: PathBuf,
}

impl Dirs {
    /// From `TRANSOM_ROOT` and `TRANSOM_STATE`, or where this OS keeps such things.
    pub fn from_env() -> Result<Self> {
        let engine::HostConfig { root, state, .. } = engine::HostConfig::from_env();
        Ok(Self { root: absolute("TRANSOM_ROOT", root)?, state: absolute("TRANSOM_STATE", state)? })
    }

    /// One folder per container.
    pub fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// One file per container name, holding the id.
    pub fn names(&self) -> PathBuf {
        self.root.join("names")
    }

    /// One folder per volume.
    pub fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    /// The events of all containers and images.
    pub fn events(&self) -> PathBuf {
        self.root.join("events.log")
    }

    /// Where running containers' secrets are, each in a memory file system of its own.
    pub fn secrets(&self) -> PathBuf {
        self.state.join("secrets")
    }

    /// The bundle of a running container.
    pub fn bundle(&self, id: &str) -> PathBuf {
        self.state.join("bundles").join(id)
    }

    /// Where monitors listen.
    pub fn monitors(&self) -> PathBuf {
        self.state.join("monitors")
    }

    /// A helper program: beside this one in a distribution, or where packages put it.
    pub fn helper(name: &str) -> Result<PathBuf> {
        let own = std::env::current_exe().context("finding this program's own file")?;
        let own = own.parent().unwrap_or(Path::new("/"));
        let named = std::env::var_os("TRANSOM_LIBEXEC").map(PathBuf::from);
        let places = [
            named.unwrap_or_else(|| own.join("../libexec")),
            own.to_owned(),
            PathBuf::from("/usr/libexec/transom"),
        ];
        let suffix = if name.ends_with(EXE_SUFFIX) { "" } else { EXE_SUFFIX };
        let file = format!("{name}{suffix}");
        let found = places.iter().map(|place| place.join(&file)).find(|path| path.is_file());
        found.with_context(|| {
            let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            format!("{file} is not installed: looked in {}", places.join(", "))
        })
    }
}

fn absolute(name: &str, path: PathBuf) -> Result<PathBuf> {
    if !path.is_absolute() {
        bail!("{name} must be an absolute path, not `{}`", path.display());
    }
    Ok(path)
}
