//! The schema, as far as containers go, and the strict check against it.
//!
//! Written from the schema reference and not from Transom's own types, so that a document which both
//! of these understand is one that Windows understands. A name is compared exactly, as Windows does.

#[cfg(test)]
mod golden;
mod shapes;

use serde_json::{Value, json};

use crate::codes;

pub use shapes::*;

/// What may stand somewhere.
#[derive(Debug)]
pub enum Shape {
    /// A string.
    Text,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// An integer.
    Number,
    /// `true` or `false`.
    Flag,
    /// Whatever.
    Any,
    /// An array.
    List(&'static Shape),
    /// An object with names of its own.
    Map(&'static Shape),
    /// An object with these fields, each of which may be absent.
    Object(&'static [(&'static str, Shape)]),
}

/// Reads a document and checks it. The error is the document that HCS gives with
/// [`codes::INVALID_JSON`].
pub fn check(text: &str, shape: &Shape) -> Result<Value, String> {
    understand(text, shape).map_err(|why| refusal(&why))
}

/// The error document for a result.
pub fn error(result: u32, event: &str) -> String {
    let message = codes::text(result);
    let mut document = json!({ "Error": result.cast_signed(), "ErrorMessage": message });
    if !event.is_empty() {
        document["ErrorEvents"] = json!([{
            "Message": event,
            "Provider": "17a2a8e5-7b4e-5b2a-9a5c-4c1f4f1f1a10",
            "EventId": 4353,
            "Flags": 0,
            "Source": "hcs-emulator",
        }]);
    }
    document.to_string()
}

/// The same as the network service writes it.
pub fn network_error(result: u32, why: &str) -> String {
    let why = if why.is_empty() { codes::text(result) } else { why };
    json!({ "Success": false, "Error": why, "ErrorCode": result }).to_string()
}

/// Reads a document and checks it; one that is empty has no fields. The error is the reason.
pub fn understand(text: &str, shape: &Shape) -> Result<Value, String> {
    let text = if text.is_empty() { "{}" } else { text };
    let value = serde_json::from_str::<Value>(text)
        .map_err(|error| format!("The document is not JSON: {error}."))?;
    match fault(&value, shape, "") {
        None => Ok(value),
        Some(why) => Err(why),
    }
}

fn refusal(why: &str) -> String {
    error(codes::INVALID_JSON, why)
}

fn fault(value: &Value, shape: &Shape, path: &str) -> Option<String> {
    // A null is an absent field.
    if value.is_null() && !path.is_empty() {
        return None;
    }
    let wrong = |wanted: &str| Some(format!("Field `{path}` must be {wanted}."));
    match shape {
        Shape::Text if !value.is_string() => wrong("a string"),
        Shape::Word(words) if !value.as_str().is_some_and(|word| words.contains(&word)) => {
            wrong(&format!("one of {}", words.join(", ")))
        }
        Shape::Number if !value.is_i64() && !value.is_u64() => wrong("an integer"),
        Shape::Flag if !value.is_boolean() => wrong("a boolean"),
        Shape::Any | Shape::Text | Shape::Word(_) | Shape::Number | Shape::Flag => None,
        Shape::List(each) => match value.as_array() {
            None => wrong("an array"),
            Some(list) => {
                let mut numbered = list.iter().enumerate();
                numbered.find_map(|(n, value)| fault(value, each, &format!("{path}[{n}]")))
            }
        },
        Shape::Map(each) => match value.as_object() {
            None => wrong("an object"),
            Some(map) => {
                map.iter().find_map(|(name, value)| fault(value, each, &under(path, name)))
            }
        },
        Shape::Object(fields) => match value.as_object() {
            None => wrong("an object"),
            Some(object) => object.iter().find_map(|(name, value)| {
                let known = fields.iter().find(|(field, _)| field == name);
                match known {
                    None => Some(format!("Unknown field `{}`.", under(path, name))),
                    Some((_, shape)) => fault(value, shape, &under(path, name)),
                }
            }),
        },
    }
}

fn under(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        check(text, &COMPUTE_SYSTEM).expect_err("it is wrong")
    }

    #[test]
    fn an_unknown_a_misspelt_and_a_misplaced_field_are_refused_by_name() {
        assert!(refused(r#"{"Colour": 1}"#).contains("Unknown field `Colour`"));
        assert!(refused(r#"{"owner": "x"}"#).contains("Unknown field `owner`"));
        let misplaced = r#"{"Container": {"Memory": {"Maximum": 5000}}}"#;
        assert!(refused(misplaced).contains("Unknown field `Container.Memory.Maximum`"));
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        let text = r#"{"Container": {"Memory": {"SizeInMB": "512"}}}"#;
        assert!(refused(text).contains("`Container.Memory.SizeInMB` must be an integer"));
        assert!(refused("[]").contains("must be an object"));
        assert!(refused("{").contains("not JSON"));
    }

    #[test]
    fn the_references_example_is_taken() {
        let text = r#"{
            "Owner": "containerd-shim-runhcs-v1.exe", "SchemaVersion": {"Major": 2, "Minor": 1},
            "ShouldTerminateOnLastHandleClosed": true,
            "Container": {
                "GuestOs": {"HostName": "web-0"},
                "Storage": {"Layers": [{"Id": "a", "Path": "C:\\l"}], "Path": "\\\\?\\Volume{x}\\",
                            "QoS": {"IopsMaximum": 500, "BandwidthMaximum": 1048}},
                "MappedDirectories": [{"HostPath": "C:\\d", "ContainerPath": "C:\\d", "ReadOnly": true}],
                "Memory": {"SizeInMB": 512}, "Processor": {"Maximum": 5000},
                "RegistryChanges": {"AddValues": [{"Key": {"Hive": "System", "Name": "n"},
                    "Name": "v", "Type": "String", "StringValue": "1"}]},
                "AssignedDevices": [{"InterfaceClassGuid": "5B45201D"}]
            }
        }"#;
        check(text, &COMPUTE_SYSTEM).expect("it is right");
    }
}
