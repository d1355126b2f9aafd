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
    assert!(store.list().unwrap().0.is_empty());
    add(&store, "web").unwrap();
    assert!(store.hidden().unwrap().is_empty(), "somebody is at it");
    drop(lock);
    store.sweep().unwrap();
    assert_eq!(store.hidden().unwrap()[0].id(), made.record.id);
    Store::remove_hidden(&store.hide(&made).unwrap()).unwrap();
    assert!(store.hidden().unwrap().is_empty());
    assert!(store.find("web").is_ok(), "the name's new holder has it still");
}

#[test]
fn one_that_is_half_removed_is_in_nobodys_way() {
    let (_folder, store) = store();
    let made = add(&store, "web").unwrap();
    made.folder.set_live().unwrap();
    let lock = made.folder.try_lock().unwrap();
    let gone = store.hide(&made).unwrap();
    std::fs::remove_file(gone.path().join("config.json")).unwrap();
    std::fs::remove_file(gone.path().join("lock")).unwrap();
    assert!(store.hidden().unwrap().is_empty(), "somebody is removing it this moment");
    drop(lock);
    drop(gone.try_lock().unwrap());
    // Its remover was killed: what it holds is still found by its id.
    assert_eq!(store.hidden().unwrap()[0].id(), made.record.id);
    Store::remove_hidden(&gone).unwrap();
    assert!(store.hidden().unwrap().is_empty() && !gone.path().exists());
}

#[test]
fn one_that_goes_while_it_is_looked_for_is_not_there() {
    let (_folder, store) = store();
    let made = add(&store, "web").unwrap();
    store.hide(&made).unwrap();
    assert!(store.load(&made.record.id).unwrap_err().is::<NoSuchContainer>());
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
    Store::remove_hidden(&store.hide(&made).unwrap()).unwrap();
    assert!(store.find("old").is_err());
    assert_eq!(store.find("web").unwrap().record.id, second.record.id);
    assert_eq!(store.list().unwrap().0.len(), 1);
}

#[test]
fn a_container_that_was_not_finished_leaves_nothing() {
    let (_folder, store) = store();
    drop(store.begin(&record("half").id).unwrap());
    assert!(files::entries(&store.containers).unwrap().is_empty());
    let mut killed = store.begin(&record("killed").id).unwrap();
    killed.lock = None;
    std::mem::forget(killed);
    assert!(store.list().unwrap().0.is_empty());
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
    assert_eq!(volumes.ensure("Data", std::collections::BTreeMap::new()).unwrap().0.name, "data");
    assert_eq!(volumes.list().unwrap().len(), 1);
    for bad in ["..", "../x", "a/b", "x", "con", "LPT1", ""] {
        assert!(volumes.ensure(bad, std::collections::BTreeMap::new()).is_err(), "{bad}");
    }
    volumes.hide("data").unwrap().delete().unwrap();
    assert!(volumes.list().unwrap().is_empty());
}

#[test]
fn a_volume_that_lost_what_was_written_about_it_was_not_made_and_keeps_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    let ensure = |name| volumes.ensure(name, std::collections::BTreeMap::new()).unwrap().1;
    assert!(ensure("data") && !ensure("data"));
    let file = volumes.data("data").join("file");
    std::fs::write(&file, "kept").unwrap();
    for damage in ["", "{"] {
        std::fs::write(folder.path().join("volumes/data/meta.json"), damage).unwrap();
        assert!(!ensure("data") && file.exists(), "{damage:?}");
        assert!(volumes.get("data").is_ok());
    }
    std::fs::remove_file(folder.path().join("volumes/data/meta.json")).unwrap();
    assert!(!ensure("data"));
    assert!(volumes.hide_empty("data").unwrap().is_none());
    assert!(file.exists() && volumes.get("data").is_ok());
    std::fs::remove_file(&file).unwrap();
    assert!(volumes.hide_empty("data").unwrap().is_some());
    assert!(volumes.get("data").is_err());
}

#[test]
fn whoever_removes_volumes_waits_for_those_who_are_about_to_use_one() {
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    let (first, second) = (volumes.keep().unwrap(), volumes.keep().unwrap());
    let lock = || std::fs::File::open(folder.path().join("volumes/.lock")).unwrap();
    drop(first);
    assert!(lock().try_lock().is_err(), "one is still at it");
    drop(second);
    let still = volumes.still().unwrap();
    assert!(lock().try_lock_shared().is_err(), "nobody begins while one is removed");
    drop(still);
    volumes.keep().unwrap();
    assert!(volumes.list().unwrap().is_empty(), "the lock is no volume");
}

#[test]
fn a_volume_that_was_hidden_and_never_deleted_is_swept_when_nobody_deletes_it() {
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    let make = || volumes.ensure("data", std::collections::BTreeMap::new()).unwrap().1;
    let left = || std::fs::read_dir(folder.path().join("volumes")).unwrap().count();
    assert!(make());
    std::fs::write(volumes.data("data").join("file"), "12345").unwrap();
    let deleting = volumes.deleting().unwrap();
    let gone = volumes.hide("data").unwrap();
    assert!(volumes.list().unwrap().is_empty() && make(), "its name is free at once");
    let second = volumes.hide("data").unwrap();
    let all = left();
    volumes.sweep().unwrap();
    assert_eq!(left(), all, "somebody is at it");
    assert_eq!(gone.delete().unwrap(), 5);
    drop((second, deleting));
    volumes.sweep().unwrap();
    assert_eq!(left(), 1, "only .deleting is left");
}

#[test]
fn a_volume_with_the_longest_name_goes_and_one_that_is_gone_is_no_such_volume() {
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    let name = "v".repeat(200);
    volumes.ensure(&name, std::collections::BTreeMap::new()).unwrap();
    volumes.hide(&name).unwrap().delete().unwrap();
    for gone in [volumes.hide(&name).map(drop), volumes.hide_empty(&name).map(drop)] {
        assert!(gone.unwrap_err().is::<volumes::NoSuchVolume>());
    }
}

#[test]
fn what_somebody_made_of_a_volumes_data_stays() {
    use engine::os::unix::fs::{MetadataExt, set_mode};
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    let ensure = || drop(volumes.ensure("data", std::collections::BTreeMap::new()).unwrap());
    let mode = || std::fs::metadata(volumes.data("data")).unwrap().mode() & 0o777;
    ensure();
    assert_eq!(mode(), 0o777);
    set_mode(&volumes.data("data"), 0o750).unwrap();
    ensure();
    assert_eq!(mode(), 0o750);
    std::fs::remove_dir(volumes.data("data")).unwrap();
    ensure();
    assert_eq!(mode(), 0o777, "a removal was cut short");
}

#[test]
fn a_volume_whose_maker_was_killed_half_way_is_everybodys_when_it_is_made() {
    use engine::os::unix::fs::{MetadataExt, set_mode};
    let folder = tempfile::tempdir().unwrap();
    let volumes = volumes::Volumes::new(folder.path().join("volumes"));
    let data = volumes.data("data");
    std::fs::create_dir_all(&data).unwrap();
    set_mode(&data, 0o700).unwrap();
    assert!(!volumes.ensure("data", std::collections::BTreeMap::new()).unwrap().1);
    assert_eq!(std::fs::metadata(&data).unwrap().mode() & 0o777, 0o777);
}

#[test]
fn a_container_that_cannot_be_looked_at_may_be_there() {
    let (_folder, store) = store();
    let made = add(&store, "web").unwrap();
    assert!(store.has_any(&made.record.id) && !store.has_any(&record::new_id()));
    // Longer than a file's name can be.
    assert!(store.has_any(&"a".repeat(300)));
}

#[test]
fn a_container_that_cannot_be_read_is_told_to_who_must_know_of_all() {
    let (_folder, store) = store();
    let (broken, whole) = (add(&store, "broken").unwrap(), add(&store, "whole").unwrap());
    assert_eq!(store.every().unwrap().len(), 2);
    std::fs::write(broken.folder.path().join("config.json"), "{").unwrap();
    let (all, told) = store.list().unwrap();
    assert_eq!((all.len(), told.len(), &all[0].record), (1, 1, &whole.record));
    assert!(store.every().is_err());
}
