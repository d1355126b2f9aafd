//! The OCI runtime spec as Windows containers use it: `oci-spec`'s type, and what it lacks.
//!
//! `oci-spec` 0.10 has `windows.credentialSpec` as an object of values. Docker and containerd put the
//! credential spec there as one string, which that type can neither hold nor read. It also spells
//! `windows.hyperv.utilityVMPath` in another case than everyone else. This is the one place where
//! both are put right.

use std::ops::{Deref, DerefMut};

use oci_spec::runtime;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use serde_json::{Map, Value};

/// A runtime spec; all but the credential spec is in the type that it dereferences to.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Everything that `oci-spec` has.
    pub runtime: runtime::Spec,
    /// `windows.credentialSpec` as text.
    pub credential_spec: Option<String>,
}

impl Deref for Spec {
    type Target = runtime::Spec;

    fn deref(&self) -> &runtime::Spec {
        &self.runtime
    }
}

impl DerefMut for Spec {
    fn deref_mut(&mut self) -> &mut runtime::Spec {
        &mut self.runtime
    }
}

impl Serialize for Spec {
    /// Annotations come out in the order of their keys, so that the same settings give the same text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(&self.runtime).map_err(S::Error::custom)?;
        if let Some(text) = &self.credential_spec {
            let windows = value.get_mut("windows").and_then(Value::as_object_mut);
            windows
                .ok_or_else(|| S::Error::custom("a credential spec without a windows section"))?
                .insert("credentialSpec".to_owned(), Value::String(text.clone()));
        }
        rename_utility_vm(&mut value, THEIRS, OURS);
        if let Some(Value::Object(annotations)) = value.get_mut("annotations") {
            annotations.sort_keys();
        }
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        rename_utility_vm(&mut value, OURS, THEIRS);
        let windows = value.get_mut("windows").and_then(Value::as_object_mut);
        let credential_spec = windows.and_then(take_text);
        let runtime = serde_json::from_value(value).map_err(D::Error::custom)?;
        Ok(Self { runtime, credential_spec })
    }
}

/// The member as the specification has it, and as `oci-spec` has it.
const OURS: &str = "utilityVMPath";
const THEIRS: &str = "utilityVmPath";

fn rename_utility_vm(spec: &mut Value, from: &str, to: &str) {
    let hyperv = spec.pointer_mut("/windows/hyperv").and_then(Value::as_object_mut);
    if let Some((members, path)) = hyperv.and_then(|members| {
        let path = members.remove(from)?;
        Some((members, path))
    }) {
        members.insert(to.to_owned(), path);
    }
}

fn take_text(windows: &mut Map<String, Value>) -> Option<String> {
    let text = windows.get("credentialSpec")?.as_str()?.to_owned();
    windows.remove("credentialSpec");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_oci_spec_lacks_is_on_the_wire_and_comes_back() {
        let json = serde_json::json!({
            "ociVersion": "1.3.0",
            "windows": {
                "layerFolders": ["C:\\x"],
                "hyperv": {"utilityVMPath": "C:\\vm"},
                "credentialSpec": "{\"a\":1}"
            }
        });
        let spec: Spec = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(spec.credential_spec.as_deref(), Some("{\"a\":1}"));
        let hyperv = spec.windows().as_ref().and_then(|windows| windows.hyperv().clone());
        assert_eq!(hyperv.unwrap().utility_vm_path().as_deref(), Some("C:\\vm"));
        assert_eq!(serde_json::to_value(&spec).unwrap(), json);
    }
}
