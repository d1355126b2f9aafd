//! What a spec depends on beyond the settings: facts of the host, known beforehand, and look-ups
//! that someone with a file system answers. This crate does no I/O of its own.

use std::io;

use crate::isolation::IsolationMode;

/// How this host writes its paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStyle {
    /// `C:\data`; mount strings are read without regard to case, as on a Windows daemon.
    Windows,
    /// `/srv/data`; mount strings keep their case.
    Unix,
}

/// What is known of the host before anything is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// How it writes paths.
    pub path_style: PathStyle,
    /// Its logical processors.
    pub cpus: u32,
    /// The daemon's own folder; credential specs and containers' folders are below it.
    pub root: String,
    /// The folder for secrets, memory-backed where the host can; below `root` when absent.
    pub secrets_root: Option<String>,
    /// The isolation of containers that name none.
    pub default_isolation: IsolationMode,
    /// DNS suffixes of containers that name none.
    pub dns_search: Vec<String>,
    /// Layers are kept by containerd's snapshotter and not by the classic store.
    pub snapshotter: bool,
}

impl HostFacts {
    /// A host with these paths, that many processors and process isolation.
    pub fn new(path_style: PathStyle, root: impl Into<String>, cpus: u32) -> Self {
        Self {
            path_style,
            cpus,
            root: root.into(),
            secrets_root: None,
            default_isolation: IsolationMode::Process,
            dns_search: Vec::new(),
            snapshotter: false,
        }
    }
}

impl PathStyle {
    /// `tail` below `base`. Only for tails that this crate or a checked id supplies.
    pub fn join(self, base: &str, tail: &[&str]) -> String {
        let separator = if self == Self::Windows { '\\' } else { '/' };
        tail.iter().fold(base.trim_end_matches(separator).to_owned(), |mut path, part| {
            path.push(separator);
            path.push_str(part);
            path
        })
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// Something that is not a directory.
    File,
    /// A directory.
    Directory,
}

/// Why a value of the registry's credential specs could not be had.
#[derive(Debug)]
pub enum RegistryError {
    /// The key that holds them cannot be opened.
    Open(io::Error),
    /// It has no such value.
    NotFound,
    /// The value cannot be read.
    Read(io::Error),
}

/// Look-ups on the host. The text of an error goes into the message that users see.
pub trait Lookups {
    /// What stands at `path`; `None` when nothing does.
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>>;

    /// The text of a credential spec file, by its full path.
    fn read_credential_spec(&self, path: &str) -> io::Result<String>;

    /// The container's layer folders as the spec lists them: the nearest parent first, the base
    /// last, and then the container's own.
    fn layer_folders(&self, container: &str) -> io::Result<Vec<String>>;

    /// The folder that a snapshotter's mount shows, if the mount says so.
    fn layer_source(&self, _mount: &str) -> io::Result<Option<String>> {
        Ok(None)
    }

    /// A credential spec in the registry. Hosts without a registry leave this as it is.
    fn registry_credential_spec(&self, _name: &str) -> Result<String, RegistryError> {
        Err(RegistryError::Open(io::Error::new(
            io::ErrorKind::Unsupported,
            "this host has no registry; use file:// or raw://",
        )))
    }

    /// The configs that an orchestrator gave the container; `None` when none manages it.
    fn config(&self, _id: &str) -> Option<io::Result<String>> {
        None
    }
}
