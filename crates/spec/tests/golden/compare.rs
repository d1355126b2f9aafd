//! What came out against what was to come out.

use serde_json::{Map, Value};

use crate::case::Case;

/// What the code made of a case.
pub(crate) struct Outcome {
    pub(crate) output: Option<Value>,
    pub(crate) error: Option<Failure>,
}

/// An error as a client would see it.
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) status: Option<u16>,
}

impl Outcome {
    pub(crate) fn ok(output: Value) -> Self {
        Self { output: Some(output), error: None }
    }

    pub(crate) fn failed(message: &impl ToString, status: u16) -> Self {
        let failure = Failure { message: message.to_string(), status: Some(status) };
        Self { output: None, error: Some(failure) }
    }
}

/// The first difference, if there is one.
pub(crate) fn difference(case: &Case, got: &Outcome) -> Option<String> {
    errors(case.error.as_ref(), got.error.as_ref()).or_else(|| {
        let (Some(expected), got) = (&case.output, &got.output) else { return None };
        let mut expected = expected.clone();
        let mut got = got.clone().unwrap_or(Value::Null);
        // The version of the original's spec library.
        drop_member(&mut expected, "ociVersion");
        drop_member(&mut got, "ociVersion");
        prune(&mut expected);
        prune(&mut got);
        values("output", &expected, &got)
    })
}

fn errors(expected: Option<&Value>, got: Option<&Failure>) -> Option<String> {
    match (expected, got) {
        (None, None) => None,
        (None, Some(got)) => Some(format!("error: expected none, got {:?}", got.message)),
        (Some(expected), None) => Some(format!("error: expected {expected}, got none")),
        (Some(expected), Some(got)) => message(expected, got).or_else(|| status(expected, got)),
    }
}

fn message(expected: &Value, got: &Failure) -> Option<String> {
    if let Some(prefix) = expected.get("messagePrefix").and_then(Value::as_str) {
        let fits = got.message.starts_with(prefix);
        return (!fits).then(|| format!("error: expected {prefix:?}…, got {:?}", got.message));
    }
    let text = expected.as_str().or_else(|| expected.get("message")?.as_str()).unwrap_or_default();
    // Texts of the original's language library are not anybody's to copy.
    let fits = text.starts_with("strconv.") || text == got.message;
    (!fits).then(|| format!("error: expected {text:?}, got {:?}", got.message))
}

fn status(expected: &Value, got: &Failure) -> Option<String> {
    let expected = expected.get("httpStatus")?.as_u64()?;
    let got = got.status.map(u64::from)?;
    (expected != got).then(|| format!("status: expected {expected}, got {got}"))
}

fn drop_member(value: &mut Value, name: &str) {
    if let Value::Object(map) = value {
        map.remove(name);
    }
}

/// Members that say nothing: absent, null, empty and false are the same. `{}` says something.
fn prune(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(prune),
        Value::Object(map) => {
            map.values_mut().for_each(prune);
            map.retain(|_, member| !says_nothing(member));
        }
        _ => {}
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn values(path: &str, expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => members(path, expected, got),
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let mut pairs = left.iter().zip(right).enumerate();
            pairs.find_map(|(at, (left, right))| values(&format!("{path}[{at}]"), left, right))
        }
        _ => (expected != got).then(|| format!("{path}: expected {expected}, got {got}")),
    }
}

fn members(path: &str, expected: &Map<String, Value>, got: &Map<String, Value>) -> Option<String> {
    let absent = Value::Null;
    let of = |map: &Map<String, Value>, key: &String| map.get(key).unwrap_or(&absent).clone();
    expected
        .keys()
        .chain(got.keys())
        .find_map(|key| values(&format!("{path}.{key}"), &of(expected, key), &of(got, key)))
}
