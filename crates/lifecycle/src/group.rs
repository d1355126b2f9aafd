//! Which shim a container belongs to: decided by two annotations that Kubernetes' runtime sets.

use std::collections::BTreeMap;

/// What a container is in a pod.
pub const TYPE: &str = "io.kubernetes.cri.container-type";
/// The pod's id.
pub const SANDBOX_ID: &str = "io.kubernetes.cri.sandbox-id";

/// A container's part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It belongs to no pod.
    Standalone,
    /// It is a pod's sandbox; the pod's id.
    Sandbox(String),
    /// It is a workload of a pod; the pod's id.
    Workload(String),
}

/// Annotations that contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// A type that does not exist.
    #[error("invalid '{TYPE}': '{0}'")]
    UnknownType(String),
    /// A type and no pod.
    #[error("cannot specify '{TYPE}' without '{SANDBOX_ID}'")]
    NoPod,
    /// A pod and no type.
    #[error("cannot specify '{SANDBOX_ID}' without '{TYPE}'")]
    NoType,
}

impl Role {
    /// Reads it from the annotations.
    pub fn of(annotations: &BTreeMap<String, String>) -> Result<Self, RoleError> {
        let pod = annotations.get(SANDBOX_ID).filter(|id| !id.is_empty());
        let Some(kind) = annotations.get(TYPE) else {
            return if annotations.contains_key(SANDBOX_ID) {
                Err(RoleError::NoType)
            } else {
                Ok(Self::Standalone)
            };
        };
        match (kind.as_str(), pod) {
            ("sandbox", Some(pod)) => Ok(Self::Sandbox(pod.clone())),
            ("container", Some(pod)) => Ok(Self::Workload(pod.clone())),
            ("sandbox" | "container", None) => Err(RoleError::NoPod),
            (other, _) => Err(RoleError::UnknownType(other.to_owned())),
        }
    }

    /// The annotation's value; empty for a standalone container.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Standalone => "",
            Self::Sandbox(_) => "sandbox",
            Self::Workload(_) => "container",
        }
    }

    /// The pod's id; empty for a standalone container.
    pub fn pod(&self) -> &str {
        match self {
            Self::Standalone => "",
            Self::Sandbox(pod) | Self::Workload(pod) => pod,
        }
    }
}
