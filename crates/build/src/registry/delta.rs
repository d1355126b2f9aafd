//! What is different between two registries, as keys of a delta hive.

use image::hive::{Key, Layering, Value, fold};

/// Removes a key with all that is below.
pub(super) fn take(key: &mut Key, path: &str) {
    match path.split_once('\\') {
        None => drop(key.keys.remove(&fold(path))),
        Some((first, rest)) => {
            if let Some(below) = key.keys.get_mut(&fold(first)) {
                take(below, rest);
            }
        }
    }
}

/// The delta that makes `new` of `old`; `None` when they are the same but for their times.
pub(super) fn difference(old: &Key, new: &Key) -> Option<Key> {
    let mut delta = Key { modified: new.modified, ..Key::new(&new.name) };
    let mut differs = new.link != old.link || new.class != old.class;
    delta.link = new.link;
    delta.class.clone_from(&new.class);
    for (name, value) in &new.values {
        if old.values.get(name) != Some(value) {
            delta.values.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in old.values.iter().filter(|(name, _)| !new.values.contains_key(*name)) {
        let gone = Value { name: value.name.clone(), tombstone: true, ..Value::default() };
        delta.values.insert(name.clone(), gone);
    }
    let none = Key::new("");
    for (name, below) in &new.keys {
        let before = old.keys.get(name);
        let change = difference(before.unwrap_or(&none), below);
        let added = || before.is_none().then(|| Key { keys: [].into(), ..below.clone() });
        if let Some(change) = change.or_else(added) {
            delta.keys.insert(name.clone(), change);
        }
    }
    for (name, below) in old.keys.iter().filter(|(name, _)| !new.keys.contains_key(*name)) {
        let gone = Key { layering: Layering::Tombstone, ..Key::new(&below.name) };
        delta.keys.insert(name.clone(), gone);
    }
    differs |= !delta.values.is_empty() || !delta.keys.is_empty();
    differs.then_some(delta)
}

/// Windows counts steps of 100 ns since 1601.
pub(super) fn filetime(epoch: i64) -> u64 {
    u64::try_from(epoch.saturating_add(11_644_473_600)).unwrap_or(0).saturating_mul(10_000_000)
}

/// Makes no key newer than that.
pub(super) fn date(key: &mut Key, latest: u64) {
    key.modified = key.modified.min(latest);
    key.keys.values_mut().for_each(|below| date(below, latest));
}

/// Windows stores the current control set under its first number.
pub(super) fn as_stored(system: &mut Key) {
    if let Some(mut set) = system.keys.remove("CURRENTCONTROLSET") {
        "ControlSet001".clone_into(&mut set.name);
        system.keys.insert(fold(&set.name), set);
    }
}
