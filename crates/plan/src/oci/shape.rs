//! Brings JSON into the shape that the originals read and write.
//!
//! The original reads a spec into fixed structures and writes them again for a guest: unknown
//! fields vanish, absent ones that are always written appear with their zero value, and zero values
//! that are never written vanish. A guest that reads strictly sees the difference, so it is kept.
//! `shapes` holds the structures as tables.

use serde_json::{Map, Number, Value};

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything, passed on untouched.
    Any,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Int(i128, i128),
    /// A text.
    Text,
    /// A list; `null` and the empty list are different.
    List(&'static Shape),
    /// An object with any keys.
    Map(&'static Shape),
    /// An object with these fields.
    Object(&'static [Field]),
}

/// A field of an object: its name, what it holds, and when it is written.
pub type Field = (&'static str, When, Shape);

/// When a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Always, with its zero value when it was absent.
    Always,
    /// When it is not zero.
    NonZero,
    /// When it was given and is not `null`, whatever its value.
    Given,
}

/// A value of the wrong kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The path of the field.
    pub at: String,
    /// What was found there.
    pub found: String,
    /// What belongs there.
    pub rule: String,
}

/// Bounds of the usual whole numbers.
pub mod ints {
    use super::Shape;
    /// 16 bits, no sign.
    pub const U16: Shape = Shape::Int(0, u16::MAX as i128);
    /// 32 bits, no sign.
    pub const U32: Shape = Shape::Int(0, u32::MAX as i128);
    /// 64 bits, no sign.
    pub const U64: Shape = Shape::Int(0, u64::MAX as i128);
    /// 32 bits.
    pub const I32: Shape = Shape::Int(i32::MIN as i128, i32::MAX as i128);
    /// 64 bits.
    pub const I64: Shape = Shape::Int(i64::MIN as i128, i64::MAX as i128);
}

/// Brings `value` into `shape`. `None` is JSON's `null` at the top.
pub fn conform(value: Value, shape: &Shape) -> Result<Option<Value>, Misfit> {
    if value.is_null() {
        return Ok(None);
    }
    fit(value, shape, &mut Path::default()).map(Some)
}

/// Where in the value the walk is.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn misfit(&self, found: &Value, rule: &str) -> Misfit {
        let at = if self.0.is_empty() { "the value".into() } else { self.0.join(".") };
        let found: String = found.to_string().chars().take(80).collect();
        Misfit { at, found, rule: rule.into() }
    }

    fn within<T>(&mut self, name: String, walk: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(name);
        let result = walk(self);
        self.0.pop();
        result
    }
}

fn fit(value: Value, shape: &Shape, path: &mut Path) -> Result<Value, Misfit> {
    match (shape, value) {
        (Shape::Any, value)
        | (Shape::Bool, value @ Value::Bool(_))
        | (Shape::Text, value @ Value::String(_)) => Ok(value),
        (Shape::Int(low, high), Value::Number(number)) => {
            whole(&number).filter(|value| (low..=high).contains(&value)).map_or_else(
                || {
                    let rule = format!("must be a whole number from {low} to {high}");
                    Err(path.misfit(&Value::Number(number.clone()), &rule))
                },
                |_| Ok(Value::Number(number.clone())),
            )
        }
        (Shape::List(inner), Value::Array(items)) => fit_list(items, inner, path),
        (Shape::Map(inner), Value::Object(map)) => fit_map(map, inner, path),
        (Shape::Object(fields), Value::Object(map)) => fit_object(map, fields, path),
        (shape, value) => Err(path.misfit(&value, shape.rule())),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from))
}

fn fit_list(items: Vec<Value>, inner: &Shape, path: &mut Path) -> Result<Value, Misfit> {
    let fitted = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| path.within(index.to_string(), |path| fit_or_zero(item, inner, path)));
    Ok(Value::Array(fitted.collect::<Result<_, _>>()?))
}

fn fit_map(map: Map<String, Value>, inner: &Shape, path: &mut Path) -> Result<Value, Misfit> {
    let fitted = map.into_iter().map(|(key, value)| {
        let value = path.within(key.clone(), |path| fit_or_zero(value, inner, path))?;
        Ok((key, value))
    });
    Ok(Value::Object(fitted.collect::<Result<_, _>>()?))
}

/// An element that is `null` is the zero value of its kind.
fn fit_or_zero(value: Value, shape: &Shape, path: &mut Path) -> Result<Value, Misfit> {
    if value.is_null() { Ok(shape.zero()) } else { fit(value, shape, path) }
}

fn fit_object(
    mut map: Map<String, Value>,
    fields: &[Field],
    path: &mut Path,
) -> Result<Value, Misfit> {
    let mut out = Map::new();
    for (name, when, shape) in fields {
        let given = take(&mut map, name);
        let fitted = match given {
            Some(value) if !value.is_null() => {
                Some(path.within((*name).to_owned(), |path| fit(value, shape, path))?)
            }
            _ => None,
        };
        match (when, fitted) {
            (When::Always, None) => {
                out.insert((*name).to_owned(), shape.zero());
            }
            (When::NonZero, Some(value)) if is_zero(&value, shape) => {}
            (When::Always | When::NonZero | When::Given, Some(value)) => {
                out.insert((*name).to_owned(), value);
            }
            (When::NonZero | When::Given, None) => {}
        }
    }
    Ok(Value::Object(out))
}

/// Takes a field by its name, else by its name in any case.
fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = map.remove(name) {
        return Some(value);
    }
    let key = map.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    map.remove(&key)
}

fn is_zero(value: &Value, shape: &Shape) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => whole(number) == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        // An object that is a value, not a pointer, is always written; a map is not.
        Value::Object(map) => map.is_empty() && matches!(shape, Shape::Map(_)),
    }
}

impl Shape {
    fn zero(&self) -> Value {
        match self {
            Self::Any | Self::List(_) | Self::Map(_) => Value::Null,
            Self::Bool => Value::Bool(false),
            Self::Int(..) => Value::from(0),
            Self::Text => Value::from(""),
            Self::Object(fields) => fields
                .iter()
                .filter(|(_, when, _)| *when == When::Always)
                .map(|(name, _, shape)| ((*name).to_owned(), shape.zero()))
                .collect(),
        }
    }

    fn rule(&self) -> &'static str {
        match self {
            Self::Any => "may be anything",
            Self::Bool => "must be true or false",
            Self::Int(..) => "must be a whole number",
            Self::Text => "must be a string",
            Self::List(_) => "must be a list",
            Self::Map(_) | Self::Object(_) => "must be an object",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oci::shapes::SPEC;

    #[test]
    fn unknown_fields_vanish_and_those_always_written_appear() {
        let value = json!({"ociVersion": "1", "surprise": 1, "process": {"args": ["a"]}});
        let expected = json!({
            "ociVersion": "1",
            "process": {"user": {"uid": 0, "gid": 0}, "args": ["a"], "cwd": ""},
        });
        assert_eq!(conform(value, &SPEC).unwrap().unwrap(), expected);
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_with_its_path() {
        let value = json!({"mounts": [{"destination": "a"}, {"destination": 7}]});
        let misfit = conform(value, &SPEC).unwrap_err();
        assert_eq!((misfit.at.as_str(), misfit.found.as_str()), ("mounts.1.destination", "7"));
    }

    #[test]
    fn names_are_found_in_any_case_but_the_exact_one_wins() {
        let value = json!({"HostName": "a", "hostname": "b"});
        let spec = conform(value, &SPEC).unwrap().unwrap();
        assert_eq!(spec["hostname"], "b");
    }
}
