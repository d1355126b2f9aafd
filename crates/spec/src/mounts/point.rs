//! A mount that was understood, and what the spec says of it.

use serde::Serialize;

use crate::api::Mount;

/// The kinds of mount that Windows has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// A directory of the host.
    Bind,
    /// A volume, by name or anonymous.
    Volume,
    /// A named pipe of the host.
    #[serde(rename = "npipe")]
    NamedPipe,
}

impl MountKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::NamedPipe => "npipe",
        }
    }
}

/// A mount that was understood, as `inspect` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MountPoint {
    /// What is mounted.
    #[serde(rename = "Type")]
    pub kind: MountKind,
    /// The volume's name; empty for an anonymous one and for other kinds.
    pub name: String,
    /// The host's path or pipe; empty for volumes.
    pub source: String,
    /// The place in the container.
    pub destination: String,
    /// The volume's driver.
    pub driver: String,
    /// `ro`, `rw` or empty, as it stood in a mount string.
    pub mode: String,
    /// Whether the container may write.
    #[serde(rename = "RW")]
    pub writable: bool,
    /// Always empty: Windows has no mount propagation.
    pub propagation: String,
    /// Always false: nothing is copied from the image into a new volume.
    pub copy_data: bool,
    /// The object that it came from.
    pub spec: Mount,
}

impl MountPoint {
    /// A volume without a name, at a place that an image or a container declares.
    pub fn anonymous(destination: &str, driver: &str) -> Self {
        let spec = Mount {
            kind: MountKind::Volume.as_str().to_owned(),
            target: destination.to_owned(),
            ..Mount::default()
        };
        Self {
            kind: MountKind::Volume,
            name: String::new(),
            source: String::new(),
            destination: trimmed(destination.replace('/', "\\")),
            driver: driver.to_owned(),
            mode: String::new(),
            writable: true,
            propagation: String::new(),
            copy_data: false,
            spec,
        }
    }

    /// The folder inside the volume that is asked for, instead of the whole.
    pub fn subpath(&self) -> Option<&str> {
        let options = self.spec.volume_options.as_ref()?;
        (!options.subpath.is_empty()).then_some(options.subpath.as_str())
    }

    /// What the spec lists, once the host's path is known.
    pub fn binding(&self, host_path: impl Into<String>) -> Binding {
        Binding {
            source: host_path.into(),
            destination: self.destination.clone(),
            writable: self.writable,
        }
    }
}

/// A path of the host and its place in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The host's path or pipe.
    pub source: String,
    /// The place in the container.
    pub destination: String,
    /// Whether the container may write.
    pub writable: bool,
}

/// Without its last backslash, unless that belongs to a drive.
pub(super) fn trimmed(mut path: String) -> String {
    const DRIVE_ROOT: usize = 3;
    if path.len() > DRIVE_ROOT && path.ends_with('\\') {
        path.pop();
    }
    path
}
