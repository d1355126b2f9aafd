//! A JSON value read as the original's decoder reads it: member names in any case, `null` for what
//! is not given.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

use crate::fold;

/// How many members of the outermost struct were found.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) known: usize,
}

pub(super) struct Folded<'m> {
    value: Value,
    members: Option<&'m mut Members>,
}

impl<'m> Folded<'m> {
    pub(super) fn new(value: Value) -> Self {
        Self { value, members: None }
    }

    pub(super) fn counting(value: Value, members: &'m mut Members) -> Self {
        Self { value, members: Some(members) }
    }
}

impl IntoDeserializer<'_, Error> for Folded<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A scalar that is `null` keeps its zero value.
macro_rules! zero_for_null {
    ($($method:ident => $visit:ident($zero:expr),)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.value.is_null() { visitor.$visit($zero) } else { self.value.$method(visitor) }
        }
    )*};
}

impl<'de> Deserializer<'de> for Folded<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Array(list) => {
                visitor.visit_seq(SeqDeserializer::new(list.into_iter().map(Folded::new)))
            }
            Value::Object(map) => visitor.visit_map(MapDeserializer::new(
                map.into_iter().map(|(key, value)| (key, Folded::new(value))),
            )),
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let members = match self.value {
            Value::Object(map) => map,
            Value::Null => serde_json::Map::new(),
            other => return other.deserialize_any(visitor),
        };
        // The last of several spellings wins.
        let mut known = serde_json::Map::new();
        for (key, value) in members {
            if let Some(field) = fields.iter().find(|field| fold::eq(field, &key)) {
                known.insert((*field).to_owned(), value);
            }
        }
        if let Some(count) = self.members {
            count.known = known.len();
        }
        let given = known.into_iter().filter(|(_, value)| !value.is_null());
        visitor.visit_map(MapDeserializer::new(given.map(|(key, value)| (key, Folded::new(value)))))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    zero_for_null! {
        deserialize_bool => visit_bool(false),
        deserialize_i64 => visit_i64(0),
        deserialize_u64 => visit_u64(0),
        deserialize_u16 => visit_u16(0),
        deserialize_str => visit_str(""),
        deserialize_string => visit_string(String::new()),
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u32 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}
