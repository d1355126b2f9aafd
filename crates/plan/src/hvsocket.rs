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

#[cfg(test)]
mod tests {
    use super::*;

    /// hcsshim's `internal/oci`: "hvsocket service table".
    #[test]
    fn a_service_is_known_once_by_its_guid_however_that_is_written() {
        let guid = "0b52781f-b24d-5685-ddf6-69830ed40ec3";
        let other = "11111111-b24d-5685-ddf6-69830ed40ec3";
        let all = [
            (format!("{PREFIX}{guid}"), "{}"),
            (format!("{PREFIX}{}", guid.to_uppercase()), "{}"),
            (format!("{PREFIX}{other}"), r#"{"Disabled":true}"#),
            (format!("{PREFIX}no-guid"), "{}"),
            (format!("x{PREFIX}{guid}"), "{}"),
            (PREFIX.trim_end_matches('.').to_owned() + guid, "{}"),
        ];
        let table = table(&all.map(|(name, value)| (name, value.to_owned())).into());
        assert_eq!(table.keys().collect::<Vec<_>>(), [guid, other]);
        assert!(table[other].disabled && !table[guid].disabled);
    }
}
