//! Hyper-V socket services that annotations allow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::annotations::values::parse_guid;
use crate::oci::Annotations;
use crate::oci::shape::{self, Shape, When};

const PREFIX: &str = "io.microsoft.virtualmachine.hv-socket.service-table.";

/// Who may use a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Service {
    /// Who may serve it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bind_security_descriptor: String,
    /// Who may connect to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub connect_security_descriptor: String,
    /// Any VM may connect.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub allow_wildcard_binds: bool,
    /// Nobody may.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// Services by GUID.
pub type Table = BTreeMap<String, Service>;

const SERVICE: Shape = Shape::Object(&[
    ("BindSecurityDescriptor", When::NonZero, Shape::Text),
    ("ConnectSecurityDescriptor", When::NonZero, Shape::Text),
    ("AllowWildcardBinds", When::NonZero, Shape::Bool),
    ("Disabled", When::NonZero, Shape::Bool),
]);

/// The services that annotations name. One with a bad GUID or bad JSON is dropped.
pub fn table(annotations: &Annotations) -> Table {
    annotations
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)))
        .filter_map(|(guid, value)| Some((parse_guid(guid)?, service(value)?)))
        .collect()
}

fn service(text: &str) -> Option<Service> {
    let value: Value = serde_json::from_str(text).ok()?;
    let value = shape::conform(value, &SERVICE).ok()?;
    Some(value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
}
