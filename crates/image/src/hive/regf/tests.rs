//! What is written is read again, and what is damaged is refused.

use proptest::prelude::*;

use super::*;
use crate::hive::{Key, Layering, Value, fold};

fn value(name: &str, data: Vec<u8>) -> Value {
    Value { name: name.into(), kind: 3, data, tombstone: false }
}

fn sample() -> Key {
    let mut root = Key::new("");
    root.modified = 0x01da_17c7_f3e0_e000;
    root.at("Software\\Caf\u{e9}\\\u{4e2d}\u{6587}").set(value("\u{20ac}", vec![1]));
    root.at("Software").set(value("", Vec::new()));
    root.at("Software").set(value("four", vec![1, 2, 3, 4]));
    root.at("Software").set(value("five", vec![1, 2, 3, 4, 5]));
    root.at("Software").set(value("big", (0..40_000_u32).map(|i| (i % 251) as u8).collect()));
    root.at("Software").set(Value { tombstone: true, ..value("gone", Vec::new()) });
    root.at("Gone").layering = Layering::Tombstone;
    root.at("Link").link = true;
    root.at("Class").class = Some("Cl\u{e4}ss".into());
    for index in 0..1200 {
        root.at(&format!("Many\\key{index}"));
    }
    root
}

#[test]
fn what_is_written_is_read_again_the_same() {
    let root = sample();
    let bytes = write(&root);
    assert_eq!(bytes.len() % 4096, 0);
    assert_eq!(read(&bytes).unwrap(), root);
    assert_eq!(write(&root), bytes, "the same tree gave other bytes");
}

#[test]
fn a_cell_that_points_at_its_parent_is_refused() {
    let mut root = Key::new("");
    root.at("A");
    let mut bytes = write(&root);
    let at = bytes.windows(2).rposition(|pair| pair == b"lh").unwrap();
    let root_cell = bytes[36..40].to_vec();
    bytes[at + 4..at + 8].copy_from_slice(&root_cell);
    assert!(read(&bytes).is_err());
}

proptest! {
    #[test]
    fn a_damaged_hive_is_refused_or_read_and_never_more(
        at in 0_usize..40_000, with in any::<[u8; 4]>(), cut in 4096_usize..70_000,
    ) {
        let mut bytes = write(&sample());
        let at = at.min(bytes.len() - 4);
        bytes[at..at + 4].copy_from_slice(&with);
        bytes.truncate(cut);
        let _ = read(&bytes);
    }

    #[test]
    fn any_tree_survives(
        entries in proptest::collection::vec(("[^\\\\\0]{1,40}", "[^\0]{0,40}", any::<Vec<u8>>()), 0..40)
    ) {
        let mut root = Key::new("");
        for (key, name, data) in entries {
            root.at(&key).set(value(&name, data));
        }
        prop_assert_eq!(read(&write(&root)).unwrap(), root);
    }
}

#[test]
fn names_are_compared_by_simple_upper_case() {
    assert_eq!(fold("Stra\u{df}e"), "STRA\u{df}E");
    assert_eq!(fold("caf\u{e9}"), fold("CAF\u{c9}"));
}
