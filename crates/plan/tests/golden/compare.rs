//! Compares JSON trees exactly: an absent field, `null` and `[]` are three different things.

use serde_json::Value;

use crate::case::{Case, Outcome, Verdict};

/// Judges an outcome. Where the original refused, that we refuse is what counts; what we did before
/// is compared only where we tell it.
pub(crate) fn judge(case: &Case, outcome: &Outcome) -> Verdict {
    let difference = match (&case.error, &outcome.error) {
        (Some(error), None) => Some(format!("was taken, though the original says: {error}")),
        (None, Some(error)) => Some(format!("was refused, though the original takes it: {error}")),
        (Some(_), Some(_)) => match (&case.output, &outcome.output) {
            (Some(expected), Some(found)) => first_difference("output", expected, found),
            _ => None,
        },
        (None, None) => {
            let expected = case.output.clone().map(without_failure);
            let found = outcome.output.clone().map(without_failure);
            match (&expected, &found) {
                (Some(expected), Some(found)) => first_difference("output", expected, found),
                (expected, found) => {
                    (expected != found).then(|| "there is an output on one side only".to_owned())
                }
            }
        }
    };
    difference.map_or(Verdict::Passes, Verdict::Fails)
}

/// That a document could not be made is compared, not in which words, nor which calls came before.
fn without_failure(mut output: Value) -> Value {
    if let Some(map) = output.as_object_mut().filter(|map| map.contains_key("document_error")) {
        map.insert("document_error".into(), Value::Bool(true));
        map.remove("host_calls");
    }
    output
}

/// Where two trees first differ.
pub(crate) fn first_difference(at: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let missing = expected.keys().find(|key| !found.contains_key(*key));
            if let Some(key) = missing {
                return Some(format!("{at}.{key} is missing; expected {}", short(&expected[key])));
            }
            let extra = found.keys().find(|key| !expected.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("{at}.{key} should be absent; found {}", short(&found[key])));
            }
            expected.iter().find_map(|(key, value)| {
                first_difference(&format!("{at}.{key}"), value, &found[key])
            })
        }
        (Value::Array(expected), Value::Array(found)) => {
            let pairs = expected.iter().zip(found).enumerate();
            let inner = pairs.into_iter().find_map(|(index, (expected, found))| {
                first_difference(&format!("{at}[{index}]"), expected, found)
            });
            inner.or_else(|| match expected.len().cmp(&found.len()) {
                std::cmp::Ordering::Equal => None,
                std::cmp::Ordering::Greater => Some(format!(
                    "{at}[{}] is missing; expected {}",
                    found.len(),
                    short(&expected[found.len()])
                )),
                std::cmp::Ordering::Less => Some(format!(
                    "{at}[{}] should be absent; found {}",
                    expected.len(),
                    short(&found[expected.len()])
                )),
            })
        }
        _ if expected == found => None,
        _ => Some(format!("{at}: expected {}, found {}", short(expected), short(found))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 300 {
        return text;
    }
    text.chars().take(300).chain("...".chars()).collect()
}
