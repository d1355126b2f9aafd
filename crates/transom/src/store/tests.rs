//! Records, names and volumes on a disk.

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let dirs = Dirs { root: folder.path().join("root"), state: folder.path().join("state") };
    let store = Store::open(&dirs).unwrap();
    (folder, store)
}

pub(crate) fn record(name: &str) -> Record {
    Record {
        id: record::new_id(),
        name: name.to_owned(),
        created: jiff::Timestamp::now(),
        image_id: "sha256:0".to_owned(),
        path: "cmd".to_owned(),
        args: Vec::new(),
        config: spec::api::Config::default(),
        host_config: spec::api::HostConfig::default(),
        networks: std::collections::BTreeMap::new(),
        secrets: Vec::new(),
        configs: Vec::new(),
        mounts: Vec::new(),
        layers: Vec::new(),
        os_version: String::new(),
    }
}

fn add(store: &Store, name: &str) -> Result<Found> {
    finish(store, record(name))
}

fn finish(store: &Store, record: Record) -> Result<Found> {
    let draft = store.begin(&record.id)?;
    draft.take_name(&record.name)?;
    draft.finish(record)
}

#[test]
fn a_container_is_found_by_id_by_name_and_by_the_beginning_of_its_id() {
    let (_folder, store) = store();
    let made = add(&store, "web").unwrap();
    for wanted in [made.record.id.as_str(), "web", "/web", &made.record.id[..12]] {
        assert_eq!(store.find(wanted).unwrap().record, made.record);
    }
    assert!(store.find("we").unwrap_err().is::<NoSuchContainer>());
    assert!(store.find("").is_err());
}

#[test]
fn one_out_of_sight_has_neither_name_nor_id_and_is_found_when_it_still_holds_something() {
    let (_folder, store) = store();
    let mut made = add(&store, "web").unwrap();
    made.folder.set_live().unwrap();
    let lock = made.folder.try_lock().unwrap();
    made.folder = store.hide(&made).unwrap();
    assert!(store.find("web").is_err() && store.find(&made.record.id).is_err());
    assert!(store.list().unwrap().is_empty());
    add(&store, "web").unwrap();
    assert!(store.hidden().unwrap().is_empty(), "somebody is at it");
    drop(lock);
    store.sweep().unwrap();
    assert_eq!(store.hidden().unwrap()[0].record, made.record);
    store.remove(&made).unwrap();
    assert!(store.hidden().unwrap().is_empty());
    assert!(store.find("web").is_ok(), "the name's new holder has it still");
}

#[test]
fn a_beginning_that_two_containers_share_names_neither() {
    let (_folder, store) = store();
    let mut first = record("one");
    let mut second = record("two");
    first.id.replace_range(..4, "abcd");
    second.id.replace_range(..4, "abcd");
    for record in [first, second] {
        finish(&store, record).unwrap();
    }
    assert!(store.find("abcd").unwrap_err().to_string().contains("multiple"));
}

#[test]
fn a_name_belongs_to_one_container_until_it_is_given_back() {
    let (_folder, store) = store();
    let mut made = add(&store, "web").unwrap();
    assert!(add(&store, "web").unwrap_err().to_string().contains("already in use"));
    store.rename(&mut made, "old").unwrap();
    let second = add(&store, "web").unwrap();
    store.remove(&made).unwrap();
    assert!(store.find("old").is_err());
    assert_eq!(store.find("web").unwrap().record.id, second.record.id);
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn a_container_that_was_not_finished_leaves_nothing() {
    let (_folder, store) = store();
    drop(store.begin(&record("half").id).unwrap());
    assert!(files::entries(&store.containers).unwrap().is_empty());
    let mut killed = store.begin(&record("killed").id).unwrap();
    killed.lock = None;
    std::mem::forget(killed);
    assert!(store.list().unwrap().is_empty());
    store.sweep().unwrap();
    assert!(files::entries(&store.containers).unwrap().is_empty());
}

#[test]
fn a_name_whose_container_is_gone_can_be_taken() {
    let (_folder, store) = store();
    let lost = record::new_id();
    std::fs::write(store.names.join("web"), lost).unwrap();
    add(&store, "web").unwrap();
}

#[test]
fn a_monitor_that_was_killed_is_told_by_its_lock() {
    let (_folder, store) = store();
    let made = add(&store, "web").unwrap();
    assert!(!made.is_orphan());
    let lock = made.folder.try_lock().unwrap().unwrap();
    made.folder.set_live().unwrap();
    assert!(!made.is_orphan());
    assert!(made.folder.try_lock().unwrap().is_none());
    drop(lock);
    assert!(made.is_orphan());
}

#[test]
fn volume_names_are_kept_in_lower_case_and_cannot_leave_their_folder() {
    let (folder, _) = store();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    assert_eq!(volumes.ensure("Data", std::collections::BTreeMap::new()).unwrap().name, "data");
    assert_eq!(volumes.list().unwrap().len(), 1);
    for bad in ["..", "../x", "a/b", "x", "con", "LPT1", ""] {
        assert!(volumes.ensure(bad, std::collections::BTreeMap::new()).is_err(), "{bad}");
    }
    volumes.remove("data").unwrap();
    assert!(volumes.list().unwrap().is_empty());
}
