//! The tree that both forms are read into.

use std::collections::BTreeMap;

/// A key with all that is below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    /// Its name as it was spelled first.
    pub name: String,
    /// Its class, which hardly any key has.
    pub class: Option<String>,
    /// When it was last written, in 100 ns since 1601.
    pub modified: u64,
    /// It stands for another key, which its `SymbolicLinkValue` names.
    pub link: bool,
    /// What it does to the same key of the layers below.
    pub layering: Layering,
    /// Values by folded name.
    pub values: BTreeMap<String, Value>,
    /// Keys below by folded name.
    pub keys: BTreeMap<String, Key>,
}

/// What a delta's key does to the same key of the layers below.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layering {
    /// It adds to it.
    #[default]
    Merge,
    /// It removes it, with all that is below.
    Tombstone,
    /// Its values replace those of the key; keys below are merged.
    SupersedeLocal,
    /// It replaces it, with all that is below.
    SupersedeTree,
}

/// A value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// Its name as it was spelled; empty is the key's default value.
    pub name: String,
    /// `REG_SZ` 1, `REG_DWORD` 4, ... Windows allows any number.
    pub kind: u32,
    /// As it is stored.
    pub data: Vec<u8>,
    /// It removes the value of the layers below.
    pub tombstone: bool,
}

/// How names are compared: upper-cased character by character, as the registry does.
pub fn fold(name: &str) -> String {
    let upper = |c: char| {
        let mut all = c.to_uppercase();
        match (all.next(), all.next()) {
            (Some(one), None) => one,
            _ => c,
        }
    };
    name.chars().map(upper).collect()
}

impl Key {
    /// A key without anything in it.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The key at `path` (names separated by `\`), made with those on the way to it if missing.
    pub fn at(&mut self, path: &str) -> &mut Self {
        path.split('\\')
            .filter(|name| !name.is_empty())
            .fold(self, |key, name| key.keys.entry(fold(name)).or_insert_with(|| Self::new(name)))
    }

    /// The key at `path`, if there is one.
    pub fn find(&self, path: &str) -> Option<&Self> {
        path.split('\\')
            .filter(|name| !name.is_empty())
            .try_fold(self, |key, name| key.keys.get(&fold(name)))
    }

    /// Sets a value.
    pub fn set(&mut self, value: Value) {
        self.values.insert(fold(&value.name), value);
    }
}
