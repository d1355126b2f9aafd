//! Annotation values as types. A value that cannot be read is as good as absent, but for a GUID's.

use std::str::FromStr;

use crate::error::{PlanError, Result};
use crate::oci::Annotations;

/// An annotation's value.
pub fn text<'a>(annotations: &'a Annotations, name: &str) -> Option<&'a str> {
    annotations.get(name).map(String::as_str)
}

/// A truth value, or `default`.
pub fn boolean(annotations: &Annotations, name: &str, default: bool) -> bool {
    optional_boolean(annotations, name).unwrap_or(default)
}

/// A truth value, or nothing.
pub fn optional_boolean(annotations: &Annotations, name: &str) -> Option<bool> {
    text(annotations, name).and_then(parse_boolean)
}

/// The spellings of a truth value; no others are accepted.
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A decimal number that may carry a sign.
pub fn int32(annotations: &Annotations, name: &str) -> Option<i32> {
    text(annotations, name).and_then(|text| text.parse().ok())
}

/// A decimal number without a sign.
pub fn unsigned<T: FromStr>(annotations: &Annotations, name: &str) -> Option<T> {
    text(annotations, name).and_then(parse_unsigned)
}

/// A decimal number without a sign; Rust alone would take a `+`.
pub fn parse_unsigned<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Numbers between commas, without blanks. One that cannot be read spoils the list.
pub fn unsigned_list<T: FromStr>(annotations: &Annotations, name: &str) -> Option<Vec<T>> {
    text(annotations, name)?.split(',').map(parse_unsigned).collect()
}

/// Texts between commas, blanks kept. An empty annotation has none.
pub fn texts(annotations: &Annotations, name: &str) -> Vec<String> {
    match text(annotations, name) {
        None | Some("") => Vec::new(),
        Some(text) => text.split(',').map(str::to_owned).collect(),
    }
}

/// A GUID without braces, in lower case. A malformed one is refused.
pub fn guid(annotations: &Annotations, name: &str) -> Result<Option<String>> {
    let Some(text) = text(annotations, name) else { return Ok(None) };
    parse_guid(text)
        .map(Some)
        .ok_or_else(|| PlanError::field(name, text, "must be a GUID without braces"))
}

/// A GUID without braces, in lower case.
pub fn parse_guid(text: &str) -> Option<String> {
    let shape = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    shape.then(|| text.to_ascii_lowercase())
}
