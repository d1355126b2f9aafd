//! JSON objects as HCS takes them: what is zero is left out.

use serde::Serialize;
use serde_json::{Map, Value};

/// An object in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a field unless it is zero: `false`, 0, empty, absent.
    #[must_use]
    pub(crate) fn put<T: Serialize + Default + PartialEq>(self, name: &str, value: T) -> Self {
        if value == T::default() { self } else { self.always(name, value) }
    }

    /// Adds a field if there is one, whatever its value.
    #[must_use]
    pub(crate) fn given<T: Serialize>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.always(name, value),
            None => self,
        }
    }

    /// Adds a field, whatever its value.
    #[must_use]
    pub(crate) fn always<T: Serialize>(mut self, name: &str, value: T) -> Self {
        let value = serde_json::to_value(value).expect("documents hold only what JSON can");
        self.0.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Object(fields.0)
    }
}

impl Serialize for Fields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
