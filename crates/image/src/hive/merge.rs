//! Laying a delta over the tree below it.

use super::tree::{Key, Layering};

/// Applies `delta` to `base`, both being the same key.
pub fn merge(base: &mut Key, delta: &Key) {
    match delta.layering {
        Layering::Tombstone | Layering::SupersedeTree => {
            base.values.clear();
            base.keys.clear();
        }
        Layering::SupersedeLocal => base.values.clear(),
        Layering::Merge => {}
    }
    base.modified = base.modified.max(delta.modified);
    base.link |= delta.link;
    if delta.class.is_some() {
        base.class.clone_from(&delta.class);
    }
    for (name, value) in &delta.values {
        if value.tombstone {
            base.values.remove(name);
        } else {
            base.values.insert(name.clone(), value.clone());
        }
    }
    for (name, below) in &delta.keys {
        if below.layering == Layering::Tombstone {
            base.keys.remove(name);
        } else {
            merge(base.keys.entry(name.clone()).or_insert_with(|| Key::new(&below.name)), below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Value;
    use super::*;

    fn value(name: &str, data: &[u8]) -> Value {
        Value { name: name.into(), kind: 3, data: data.into(), tombstone: false }
    }

    fn base() -> Key {
        let mut root = Key::new("");
        root.at("App").set(value("Keep", b"1"));
        root.at("App").set(value("Change", b"1"));
        root.at("App\\Old\\Deep").set(value("X", b"1"));
        root
    }

    #[test]
    fn a_delta_adds_and_changes_without_regard_to_case() {
        let (mut tree, mut delta) = (base(), Key::new(""));
        delta.at("APP").set(value("CHANGE", b"2"));
        delta.at("app\\New").set(value("Y", b"3"));
        merge(&mut tree, &delta);
        let app = tree.find("App").unwrap();
        assert_eq!(app.values["CHANGE"].data, b"2");
        assert_eq!(app.values["KEEP"].data, b"1");
        assert!(tree.find("App\\New").is_some() && tree.find("App\\Old\\Deep").is_some());
    }

    #[test]
    fn a_tombstone_removes_a_key_with_all_below_and_a_value_alone() {
        let (mut tree, mut delta) = (base(), Key::new(""));
        delta.at("App\\Old").layering = Layering::Tombstone;
        delta.at("App").set(Value { tombstone: true, ..value("Keep", b"") });
        merge(&mut tree, &delta);
        assert!(tree.find("App\\Old").is_none());
        assert_eq!(tree.find("App").unwrap().values.len(), 1);
    }

    #[test]
    fn a_superseding_key_hides_what_was_there() {
        let (mut tree, mut delta) = (base(), Key::new(""));
        delta.at("App").layering = Layering::SupersedeLocal;
        delta.at("App").set(value("Only", b"1"));
        merge(&mut tree, &delta);
        assert_eq!(tree.find("App").unwrap().values.len(), 1);
        assert!(tree.find("App\\Old\\Deep").is_some());
        delta.at("App").layering = Layering::SupersedeTree;
        merge(&mut tree, &delta);
        assert!(tree.find("App\\Old").is_none());
    }
}
