//! Registry values that go into documents.

use schema::container::{RegistryChanges, RegistryKey, RegistryValue};
use serde_json::Value;

use crate::annotations::{names, values};
use crate::error::{PlanError, Result};
use crate::oci::Annotations;
use crate::oci::shape::{self, Shape, When, ints};

const LOCAL_DUMPS: &str = r"Microsoft\Windows\Windows Error Reporting\LocalDumps";

/// The values of every Windows container.
pub fn of_container(
    id: &str,
    annotations: &Annotations,
    vm_dump_location: &str,
) -> Result<RegistryChanges> {
    let mut add_values = vec![wait_to_kill()];
    add_values.extend(dumps(id, annotations, vm_dump_location)?);
    if let Some(text) = values::text(annotations, names::TEST_REGISTRY) {
        add_values.extend(accepted(text));
    }
    Ok(RegistryChanges { add_values, delete_keys: Vec::new() })
}

/// Without it a service host kills processes five seconds after it was asked to shut down.
fn wait_to_kill() -> RegistryValue {
    string(key("System", r"ControlSet001\Control"), "WaitToKillServiceTimeout", "2147483647")
}

/// Where Windows Error Reporting leaves dumps. A container's own annotation wins over its VM's,
/// even when it is empty.
fn dumps(id: &str, annotations: &Annotations, vm: &str) -> Result<Vec<RegistryValue>> {
    let location = values::text(annotations, names::DUMP_LOCATION).unwrap_or(vm);
    if location.is_empty() {
        return Ok(Vec::new());
    }
    let folder = with_id(location, id);
    let kind = dump_type(annotations)?;
    let count = dump_count(annotations)?;
    let at = || key("Software", LOCAL_DUMPS);
    Ok(vec![
        string(at(), "DumpFolder", &folder),
        dword(at(), "DumpType", kind),
        dword(at(), "DumpCount", count),
    ])
}

fn with_id(location: &str, id: &str) -> String {
    ["{container_id}", "{CONTAINER_ID}"]
        .iter()
        .find_map(|suffix| location.strip_suffix(suffix))
        .map_or_else(|| location.to_owned(), |folder| format!("{folder}{id}"))
}

/// The originals take an empty text for none, here and below.
fn dump_type(annotations: &Annotations) -> Result<i32> {
    match values::text(annotations, names::DUMP_TYPE) {
        Some("mini") => Ok(1),
        None | Some("" | "full") => Ok(2),
        Some(other) => Err(PlanError::field(names::DUMP_TYPE, other, "must be mini or full")),
    }
}

fn dump_count(annotations: &Annotations) -> Result<i32> {
    let text = values::text(annotations, names::DUMP_COUNT).unwrap_or_default();
    if text.is_empty() {
        return Ok(10);
    }
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
        PlanError::field(names::DUMP_COUNT, text, "must be a whole number above zero")
    })
}

/// Those values of a JSON list that may be set. A list that cannot be read has none.
pub fn accepted(text: &str) -> Vec<RegistryValue> {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let Ok(Some(list)) = shape::conform(value, &VALUES) else { return Vec::new() };
    let values: Vec<RegistryValue> = serde_json::from_value(list).unwrap_or_default();
    values.into_iter().filter(is_accepted).collect()
}

const VALUES: Shape = Shape::List(&Shape::Object(&[
    (
        "Key",
        When::Given,
        Shape::Object(&[
            ("Hive", When::NonZero, Shape::Text),
            ("Name", When::NonZero, Shape::Text),
            ("Volatile", When::NonZero, Shape::Bool),
        ]),
    ),
    ("Name", When::NonZero, Shape::Text),
    ("Type", When::NonZero, Shape::Text),
    ("StringValue", When::NonZero, Shape::Text),
    ("BinaryValue", When::NonZero, Shape::Text),
    ("DWordValue", When::NonZero, ints::I32),
    ("QWordValue", When::NonZero, ints::I32),
    ("CustomType", When::NonZero, ints::I32),
]));

const TYPES: &[&str] =
    &["None", "String", "ExpandedString", "MultiString", "Binary", "DWord", "QWord", "CustomType"];

fn is_accepted(value: &RegistryValue) -> bool {
    let Some(key) = &value.key else { return false };
    let values = [
        !value.string_value.is_empty(),
        !value.binary_value.is_empty(),
        value.dword_value != 0,
        value.qword_value != 0,
    ];
    !key.name.is_empty()
        && !value.name.is_empty()
        && TYPES.contains(&value.value_type.as_str())
        && values.into_iter().filter(|set| *set).count() <= 1
        && is_allowed_key(key)
}

/// The originals compare prefixes of text, not of paths: `SoftwareX` passes as `Software` does.
fn is_allowed_key(key: &RegistryKey) -> bool {
    const SYSTEM: &[&str] =
        &[r"currentcontrolset\services", r"currentcontrolset\policies", "software"];
    let name = key.name.to_lowercase();
    match key.hive.as_str() {
        "System" => SYSTEM.iter().any(|prefix| name.starts_with(prefix)),
        "Software" => true,
        _ => false,
    }
}

/// A key of a hive.
pub fn key(hive: &str, name: &str) -> RegistryKey {
    RegistryKey { hive: hive.into(), name: name.into(), volatile: false }
}

/// A text value.
pub fn string(key: RegistryKey, name: &str, value: &str) -> RegistryValue {
    RegistryValue {
        key: Some(key),
        name: name.into(),
        value_type: "String".into(),
        string_value: value.into(),
        ..RegistryValue::default()
    }
}

/// A number.
pub fn dword(key: RegistryKey, name: &str, value: i32) -> RegistryValue {
    RegistryValue {
        key: Some(key),
        name: name.into(),
        value_type: "DWord".into(),
        dword_value: value,
        ..RegistryValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumps_of(pairs: &[(&str, &str)]) -> Result<Vec<(String, i32)>> {
        let mut annotations: Annotations =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        annotations.insert(names::DUMP_LOCATION.to_owned(), r"C:\dumps".to_owned());
        let values = dumps("id", &annotations, "")?;
        Ok(values.into_iter().map(|value| (value.name, value.dword_value)).skip(1).collect())
    }

    #[test]
    fn an_empty_type_or_count_is_as_good_as_none() {
        let usual = dumps_of(&[]).unwrap();
        assert_eq!(usual, [("DumpType".to_owned(), 2), ("DumpCount".to_owned(), 10)]);
        assert_eq!(dumps_of(&[(names::DUMP_TYPE, ""), (names::DUMP_COUNT, "")]).unwrap(), usual);
        for (name, value) in [
            (names::DUMP_TYPE, "Full"),
            (names::DUMP_TYPE, " "),
            (names::DUMP_COUNT, "-1"),
            (names::DUMP_COUNT, "1.5"),
        ] {
            assert!(dumps_of(&[(name, value)]).is_err(), "{name} = {value}");
        }
    }
}
