//! Secrets and configs of an orchestrator: folders of the host mounted read-only, and the links by
//! which applications find single files in them.
//!
//! Writing the folders and the links is the caller's. Links belong into a container that never ran:
//! afterwards what is in it could lead them anywhere.

use crate::host::HostFacts;
use crate::mounts::Binding;
use crate::winpath;

/// A secret or config that a container is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Its id; the name of its file in the folder.
    pub id: String,
    /// Where the application looks for it; `None` gives it no link.
    pub file_name: Option<String>,
    /// Only feeds a credential spec. Such a config has no link, and still the folder is mounted.
    pub runtime: bool,
}

/// What a reference is to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A secret.
    Secret,
    /// A config.
    Config,
}

/// A link in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its path.
    pub path: String,
    /// What it points to.
    pub points_to: String,
}

impl Kind {
    /// The folder in the container that holds one file per id.
    pub fn internal_folder(self) -> &'static str {
        match self {
            Self::Secret => r"C:\ProgramData\Docker\internal\secrets",
            Self::Config => r"C:\ProgramData\Docker\internal\configs",
        }
    }

    /// The folder that relative file names are in.
    fn link_folder(self) -> &'static str {
        match self {
            Self::Secret => r"C:\ProgramData\Docker\secrets",
            Self::Config => r"C:\",
        }
    }

    /// The host's folder for a container's files of this kind.
    pub fn host_folder(self, container: &str, facts: &HostFacts) -> String {
        let style = facts.path_style;
        match (self, &facts.secrets_root) {
            (Self::Secret, Some(root)) => style.join(root, &[container, "secrets"]),
            (Self::Secret, None) => {
                style.join(&facts.root, &["containers", container, "mounts", "secrets"])
            }
            (Self::Config, _) => style.join(&facts.root, &["containers", container, "configs"]),
        }
    }

    /// The link for an id under a file name. A name that is not absolute in the Windows sense is
    /// joined to the folder, `\x` and `C:x` included, and can climb out of it.
    pub fn link(self, id: &str, file_name: &str) -> Link {
        let path = if winpath::is_absolute(file_name) {
            file_name.to_owned()
        } else {
            winpath::join(self.link_folder(), file_name)
        };
        Link { path, points_to: winpath::join(self.internal_folder(), id) }
    }
}

/// The links to make, secrets first. References without a file name have none.
pub fn links(secrets: &[Reference], configs: &[Reference]) -> Vec<Link> {
    let of = |kind: Kind, references: &[Reference]| -> Vec<Link> {
        let linked = references.iter().filter(|reference| !reference.runtime);
        let link = |one: &Reference| Some(kind.link(&one.id, one.file_name.as_deref()?));
        linked.filter_map(link).collect()
    };
    [of(Kind::Secret, secrets), of(Kind::Config, configs)].concat()
}

/// The folders to mount, before every other mount.
pub(crate) fn bindings(
    container: &str,
    secrets: &[Reference],
    configs: &[Reference],
    facts: &HostFacts,
) -> Vec<Binding> {
    [(Kind::Secret, secrets), (Kind::Config, configs)]
        .into_iter()
        .filter(|(_, references)| !references.is_empty())
        .map(|(kind, _)| Binding {
            source: kind.host_folder(container, facts),
            destination: kind.internal_folder().to_owned(),
            writable: false,
        })
        .collect()
}
