//! Functions of templates, and how Go sees values.

use std::cmp::Ordering;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Calls a function by its name.
pub(super) fn apply(function: &str, arguments: &[Value]) -> Result<Value> {
    let text = |value: &Value| show(value);
    match (function, arguments) {
        ("json", [value]) => Ok(serde_json::to_string(value)?.into()),
        ("len", [Value::Array(list)]) => Ok(list.len().into()),
        ("len", [Value::Object(map)]) => Ok(map.len().into()),
        ("len", [Value::String(string)]) => Ok(string.len().into()),
        ("len", [Value::Null]) => Ok(0.into()),
        ("upper", [value]) => Ok(text(value).to_uppercase().into()),
        ("lower", [value]) => Ok(text(value).to_lowercase().into()),
        ("title", [value]) => Ok(title(&text(value)).into()),
        ("truncate", [value, length]) => cut(value, &Value::from(0), length),
        ("slice", [value, from]) => cut(value, from, &Value::from(usize::MAX)),
        ("slice", [value, from, to]) => cut(value, from, to),
        ("pad", [value, before, after]) => {
            let count = |count: &Value| count.as_u64().unwrap_or_default().min(1000);
            let blanks = |many: &Value| (0..count(many)).map(|_| ' ').collect::<String>();
            Ok(format!("{}{}{}", blanks(before), text(value), blanks(after)).into())
        }
        ("printf", [format, values @ ..]) => {
            Ok(super::printf::printf(&text(format), values)?.into())
        }
        ("println", values) => Ok(format!("{}\n", joined(values, " ")).into()),
        ("print", values) => Ok(joined(values, "").into()),
        ("join", [Value::Array(list), separator]) => Ok(joined(list, &text(separator)).into()),
        ("split", [value, separator]) => {
            let (value, separator) = (text(value), text(separator));
            Ok(value.split(separator.as_str()).map(Value::from).collect())
        }
        ("index", [value, keys @ ..]) => index(value, keys),
        ("eq", [first, others @ ..]) => {
            Ok(others.iter().any(|other| show(other) == show(first)).into())
        }
        ("ne", [first, second]) => Ok((show(first) != show(second)).into()),
        ("lt", [first, second]) => Ok((order(first, second)?.is_lt()).into()),
        ("le", [first, second]) => Ok((order(first, second)?.is_le()).into()),
        ("gt", [first, second]) => Ok((order(first, second)?.is_gt()).into()),
        ("ge", [first, second]) => Ok((order(first, second)?.is_ge()).into()),
        ("not", [value]) => Ok((!truth(value)).into()),
        ("and", values) => Ok(values
            .iter()
            .find(|value| !truth(value))
            .or(values.last())
            .cloned()
            .unwrap_or(Value::Null)),
        ("or", values) => Ok(values
            .iter()
            .find(|value| truth(value))
            .or(values.last())
            .cloned()
            .unwrap_or(Value::Null)),
        _ => bail!(
            "template: function {function} with {} arguments is not supported",
            arguments.len()
        ),
    }
}

fn index(value: &Value, keys: &[Value]) -> Result<Value> {
    let mut value = value;
    for key in keys {
        value = match (value, key) {
            (Value::Object(map), Value::String(key)) => map.get(key).unwrap_or(&Value::Null),
            (Value::Array(list), Value::Number(at)) => {
                let at = at.as_u64().and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| list.get(at)).context("template: index out of range")?
            }
            _ => return Ok(Value::Null),
        };
    }
    Ok(value.clone())
}

fn joined(values: &[Value], separator: &str) -> String {
    values.iter().map(show).collect::<Vec<_>>().join(separator)
}

fn title(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The characters of a text, or the things of a list, from one to another.
fn cut(value: &Value, from: &Value, to: &Value) -> Result<Value> {
    let at = |bound: &Value| bound.as_u64().and_then(|at| usize::try_from(at).ok());
    let (from, to) =
        at(from).zip(at(to)).context("template: a place in a text or a list is a number")?;
    let length = to.saturating_sub(from);
    match value {
        Value::Array(list) => Ok(list.iter().skip(from).take(length).cloned().collect()),
        other => Ok(show(other).chars().skip(from).take(length).collect::<String>().into()),
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn order(first: &Value, second: &Value) -> Result<Ordering> {
    let order = match (first, second) {
        (Value::Number(_), Value::Number(_)) => number(first).partial_cmp(&number(second)),
        (Value::String(first), Value::String(second)) => Some(first.cmp(second)),
        _ => None,
    };
    order.context("template: only two numbers or two texts can be compared")
}

/// A value as Go prints it.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) => format!("[{}]", joined(list, " ")),
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("{name}:{}", show(value))).collect();
            format!("map[{}]", members.join(" "))
        }
    }
}

/// Whether Go takes a value for true.
pub(super) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}
