//! The OCI runtime spec, as far as a plan reads it.
//!
//! The `oci-spec` crate has no processor affinity, takes a credential spec only as an object, and
//! omits other fields than the originals do. What a plan reads is therefore typed here; the rest
//! of a spec (its Linux section, hooks, ...) is kept as it came, brought into the original's shape
//! by [`shape`], because a Linux guest is handed the whole of it.

mod process;
pub mod shape;
mod shapes;
mod windows;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use process::{ConsoleBox, Process, User};
pub use shapes::PROCESS;
pub(crate) use shapes::{DEVICE_EXTENSION, LINUX_RESOURCES, WINDOWS_RESOURCES};
pub use windows::{Affinity, Cpu, Device, HyperV, Memory, Network, Resources, Storage, Windows};

use crate::error::{PlanError, Result};

/// A container's annotations.
pub type Annotations = BTreeMap<String, String>;

/// An OCI runtime spec.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// The version of the runtime spec.
    #[serde(default)]
    pub oci_version: String,
    /// The first process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// The root file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Root>,
    /// The computer name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hostname: String,
    /// The domain name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub domainname: String,
    /// Mounts, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mounts: Vec<Mount>,
    /// Hooks: only ever taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Value>,
    /// Annotations. Absent and empty are different where another container's are copied in.
    #[serde(default, skip_serializing_if = "no_annotations")]
    pub annotations: Option<Annotations>,
    /// The Linux section; its presence makes a Linux container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux: Option<Value>,
    /// The Windows section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// Sections of other systems, passed on.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// The root file system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// Where it is mounted.
    #[serde(default)]
    pub path: String,
    /// Not for Windows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub readonly: bool,
}

/// A mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// In the container.
    #[serde(default)]
    pub destination: String,
    /// What kind.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub mount_type: String,
    /// On the host.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Options; `ro` is the only one that Windows knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// For Linux, passed on.
    #[serde(default, rename = "uidMappings", skip_serializing_if = "Option::is_none")]
    pub uid_mappings: Option<Value>,
    /// For Linux, passed on.
    #[serde(default, rename = "gidMappings", skip_serializing_if = "Option::is_none")]
    pub gid_mappings: Option<Value>,
}

impl Mount {
    /// Whether it forbids writing: some option is `ro`, in any case.
    pub fn is_read_only(&self) -> bool {
        self.options.iter().any(|option| option.eq_ignore_ascii_case("ro"))
    }
}

impl Spec {
    /// Reads a `config.json`. Unknown fields are dropped; a field of the wrong type is refused.
    pub fn from_json(text: &str) -> Result<Self> {
        let value = serde_json::from_str(text)
            .map_err(|error| PlanError::field("config.json", "", error.to_string()))?;
        Self::from_value(value)
    }

    /// The same from parsed JSON.
    pub fn from_value(value: Value) -> Result<Self> {
        let value = shape::conform(value, &shapes::SPEC)
            .map_err(|error| PlanError::field(error.at, error.found, error.rule))?
            .ok_or_else(|| PlanError::missing("spec", "a container is made from it"))?;
        serde_json::from_value(value)
            .map_err(|error| PlanError::field("config.json", "", error.to_string()))
    }

    /// An annotation's value.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(name).map(String::as_str)
    }

    /// A Linux container: it has a Linux section.
    pub fn is_lcow(&self) -> bool {
        self.linux.is_some()
    }

    /// A Windows container: it has a Windows section and no Linux one.
    pub fn is_wcow(&self) -> bool {
        self.linux.is_none() && self.windows.is_some()
    }

    /// Whether it runs in a utility VM.
    pub fn is_isolated(&self) -> bool {
        self.is_lcow() || self.windows.as_ref().is_some_and(|windows| windows.hyperv.is_some())
    }

    /// A host process container. Only this exact spelling counts.
    pub fn is_job_container(&self) -> bool {
        self.is_wcow() && self.annotation(crate::annotations::names::HOST_PROCESS) == Some("true")
    }
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn no_annotations(annotations: &Option<Annotations>) -> bool {
    annotations.as_ref().is_none_or(BTreeMap::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn spec(sections: Value) -> Spec {
        Spec::from_value(sections).unwrap()
    }

    /// hcsshim's `internal/oci`: the predicates, each kind of spec in a row: a Linux container, a Windows one,
    /// in a VM.
    #[test]
    fn the_sections_of_a_spec_tell_what_it_is() {
        let hyperv = json!({ "hyperv": {} });
        for (sections, expected) in [
            (json!({}), (false, false, false)),
            (json!({ "linux": {} }), (true, false, true)),
            (json!({ "windows": {} }), (false, true, false)),
            (json!({ "windows": hyperv }), (false, true, true)),
            (json!({ "linux": {}, "windows": {} }), (true, false, true)),
            (json!({ "linux": {}, "windows": hyperv }), (true, false, true)),
        ] {
            let spec = spec(sections.clone());
            assert_eq!(
                (spec.is_lcow(), spec.is_wcow(), spec.is_isolated()),
                expected,
                "{sections}"
            );
        }
    }

    /// hcsshim's `internal/oci`: "job container predicate", and with *isolated* the host's and a VM's.
    #[test]
    fn a_windows_container_is_a_host_process_by_one_word_only() {
        for (value, hyperv, linux, expected) in [
            (Some("true"), false, false, (true, false)),
            (Some("true"), true, false, (true, true)),
            (Some("false"), false, false, (false, false)),
            (Some("True"), false, false, (false, false)),
            (None, true, false, (false, true)),
            (Some("true"), false, true, (false, true)),
        ] {
            let mut sections =
                json!({ "windows": if hyperv { json!({ "hyperv": {} }) } else { json!({}) } });
            if linux {
                sections["linux"] = json!({});
            }
            if let Some(value) = value {
                sections["annotations"] = json!({ "microsoft.com/hostprocess-container": value });
            }
            let spec = spec(sections.clone());
            assert_eq!((spec.is_job_container(), spec.is_isolated()), expected, "{sections}");
        }
    }
}
