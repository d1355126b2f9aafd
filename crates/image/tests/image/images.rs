//! Names, removal and pruning follow docker's rules, and what a container uses stays.

use std::collections::BTreeSet;

use image::{CacheRecord, Compression, Digest, ImageName, PruneOptions, RemoveOptions, Removed};

use crate::common::{Host, Layer};

fn layer(name: &str) -> Layer {
    Layer::new().file(&format!("Files/{name}"), name)
}

fn untagged(name: &str) -> Removed {
    Removed::Untagged(ImageName::parse(name).unwrap())
}

const FORCE: RemoveOptions = RemoveOptions { force: true };
const GENTLY: RemoveOptions = RemoveOptions { force: false };

#[tokio::test]
async fn an_image_is_found_by_name_id_and_the_beginning_of_an_id() {
    let host = Host::new().await;
    let image = host.image(Some("app:1"), &[layer("a")]).await;
    let store = &host.store;
    for text in [
        "app:1",
        "docker.io/library/app:1",
        image.id.as_str(),
        image.id.hex(),
        image.id.short(),
        &image.id.hex()[..4],
    ] {
        assert_eq!(store.resolve(text).await.unwrap().id, image.id, "{text}");
    }
    for text in ["app", "app:2", "ffffffffffff", "sha256:", "no such name"] {
        assert!(store.resolve(text).await.unwrap_err().is_not_found(), "{text}");
    }
}

#[tokio::test]
async fn a_name_moves_and_leaves_a_dangling_image() {
    let host = Host::new().await;
    let old = host.image(Some("app"), &[layer("old")]).await;
    let new = host.image(Some("app"), &[layer("new")]).await;
    assert_eq!(host.store.resolve("app").await.unwrap().id, new.id);
    assert!(host.store.resolve(old.id.hex()).await.unwrap().names.is_empty());
    let pruned = host.store.prune(PruneOptions::default()).await.unwrap();
    assert_eq!(pruned.removed, [Removed::Deleted(old.id)]);
    assert!(pruned.reclaimed > 0);
    assert_eq!(host.store.images().await.unwrap().len(), 1);
}

#[tokio::test]
async fn removing_one_of_several_names_only_untags() {
    let host = Host::new().await;
    let image = host.image(Some("one"), &[layer("x")]).await;
    host.store.tag("one", "localhost:5000/two:3").await.unwrap();
    let conflict = host.store.remove(image.id.short(), GENTLY).await.unwrap_err();
    assert!(conflict.is_conflict(), "{conflict}");
    assert_eq!(host.store.remove("one", GENTLY).await.unwrap(), [untagged("one")]);
    let removed = host.store.remove("localhost:5000/two:3", GENTLY).await.unwrap();
    assert_eq!(removed, [untagged("localhost:5000/two:3"), Removed::Deleted(image.id)]);
    assert!(host.store.images().await.unwrap().is_empty());
    let blobs = std::fs::read_dir(host.store.root().join("content/blobs/sha256")).unwrap();
    assert_eq!(blobs.count(), 0);
}

#[tokio::test]
async fn what_a_container_uses_stays() {
    let host = Host::new().await;
    let image = host.image(Some("app"), &[layer("a"), layer("b")]).await;
    let folders = host.unpack(&image).await.unwrap();
    host.store.lease("box", &image).await.unwrap();
    let error = host.store.remove("app", GENTLY).await.unwrap_err();
    assert!(error.is_conflict() && error.to_string().contains("box"), "{error}");
    let all = PruneOptions { all: true, ..PruneOptions::default() };
    assert!(host.store.prune(all.clone()).await.unwrap().removed.is_empty());
    host.store.remove("app", FORCE).await.unwrap();
    assert!(host.store.images().await.unwrap().is_empty());
    assert!(folders.iter().all(|folder| folder.join("layer.json").is_file()));
    host.store.release("box").await.unwrap();
    host.store.release("box").await.unwrap();
    host.store.prune(all).await.unwrap();
    assert!(folders.iter().all(|folder| !folder.exists()));
    assert!(host.leftovers().is_empty());
}

#[tokio::test]
async fn a_lease_on_an_image_that_is_gone_is_refused() {
    let host = Host::new().await;
    let image = host.image(Some("app"), &[layer("a")]).await;
    host.store.remove("app", GENTLY).await.unwrap();
    assert!(host.store.lease("box", &image).await.unwrap_err().is_not_found());
    assert!(host.store.lease("../box", &image).await.is_err());
}

#[tokio::test]
async fn a_shared_layer_outlives_one_of_its_images() {
    let host = Host::new().await;
    let one = host.image(Some("one"), &[layer("base"), layer("one")]).await;
    let two = host.image(Some("two"), &[layer("base"), layer("two")]).await;
    host.unpack(&one).await.unwrap();
    let folders = host.unpack(&two).await.unwrap();
    host.store.remove("one", GENTLY).await.unwrap();
    assert_eq!(host.leftovers().len(), 2);
    assert!(folders.iter().all(|folder| folder.is_dir()));
}

#[tokio::test]
async fn what_is_kept_beside_a_layers_files_counts() {
    let host = Host::new().await;
    let folder = host.unpack_one(layer("a")).await.unwrap();
    let used = async || host.store.disk_usage().await.unwrap().size;
    let before = used().await;
    std::fs::create_dir(folder.join("registry")).unwrap();
    std::fs::write(folder.join("registry/system.reg"), vec![b'x'; 100_000]).unwrap();
    assert_eq!(used().await, before + 100_000);
}

#[tokio::test]
async fn pruning_waits_for_what_is_being_added() {
    let host = Host::new().await;
    let hold = host.again().await.hold().await.unwrap();
    let bytes = layer("x").bytes();
    let added = host
        .store
        .add_layer(&hold, Compression::default(), move |out| out.write_all(&bytes))
        .await
        .unwrap();
    host.store.prune(PruneOptions::default()).await.unwrap();
    let image =
        host.store.create_image(&hold, crate::common::config(), vec![added], None).await.unwrap();
    drop(hold);
    host.unpack(&image).await.unwrap();
}

#[tokio::test]
async fn pruning_by_label_and_age() {
    let host = Host::new().await;
    let hold = host.store.hold().await.unwrap();
    for (name, label) in [("kept", "x"), ("gone", "y")] {
        let bytes = layer(name).bytes();
        let added = host
            .store
            .add_layer(&hold, Compression::default(), move |out| out.write_all(&bytes))
            .await
            .unwrap();
        let mut config = crate::common::config();
        config.config.labels = Some([("kind".to_owned(), label.to_owned())].into());
        config.created = Some("2020-01-01T00:00:00Z".to_owned());
        host.store.create_image(&hold, config, vec![added], Some(name)).await.unwrap();
    }
    drop(hold);
    let pruned = async |labels: &[(&str, Option<&str>)], days: u64| {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect();
        let older_than = Some(std::time::Duration::from_secs(days * 86_400));
        let options = PruneOptions { all: true, older_than, labels, ..PruneOptions::default() };
        host.store.prune(options).await.unwrap().removed.len()
    };
    assert_eq!(pruned(&[("kind", Some("z"))], 1).await, 0);
    assert_eq!(pruned(&[("kind", None)], 365 * 1000).await, 0);
    assert_eq!(pruned(&[("kind", Some("y"))], 1).await, 2);
    assert!(host.store.resolve("gone").await.is_err());
    assert!(host.store.resolve("kept").await.is_ok());
}

#[tokio::test]
async fn a_mapped_name_stands_for_the_base_until_it_is_here_itself() {
    let host = Host::new().await;
    let nano = "mcr.microsoft.com/windows/nanoserver:ltsc2022";
    assert!(host.store.resolve(nano).await.unwrap_err().is_not_found());
    let base = host.store.ensure_base(&"10.0.20348.2700".parse().unwrap()).await.unwrap();
    assert_eq!(host.store.resolve(nano).await.unwrap().id, base.id);
    let own = host.image(Some(nano), &[layer("own")]).await;
    assert_eq!(host.store.resolve(nano).await.unwrap().id, own.id);
}

#[tokio::test]
async fn the_built_in_name_is_not_given_away_and_not_pruned() {
    let host = Host::new().await;
    let base = host.store.ensure_base(&"10.0.20348.2700".parse().unwrap()).await.unwrap();
    host.image(Some("app"), &[layer("a")]).await;
    assert!(host.store.tag("app", "transom/base").await.is_err());
    host.store.prune(PruneOptions { all: true, ..PruneOptions::default() }).await.unwrap();
    assert_eq!(
        host.store.images().await.unwrap().iter().map(|i| &i.id).collect::<Vec<_>>(),
        [&base.id]
    );
    let shown = base.inspect();
    assert_eq!(
        (&shown["Os"], &shown["RepoTags"][0]),
        (&"windows".into(), &"transom/base:latest".into())
    );
}

#[tokio::test]
async fn what_killed_processes_left_is_swept() {
    let host = Host::new().await;
    let image = host.image(Some("app"), &[layer("a")]).await;
    host.store.lease("box", &image).await.unwrap();
    let root = host.store.root();
    let left = ["locks/blob-1234", ".tmpAbCdEf", "leases/.tmpAbCdEf", "content/ingest/.tmpAbCdEf"];
    for file in left {
        std::fs::write(root.join(file), "").unwrap();
    }
    std::fs::create_dir_all(root.join("layers/.new-123/fs")).unwrap();
    std::fs::create_dir_all(root.join("layers/.gone-123/fs")).unwrap();
    host.store.prune(PruneOptions::default()).await.unwrap();
    assert!(left.iter().all(|file| !root.join(file).exists()));
    assert!(host.leftovers().is_empty());
    assert!(
        host.store.remove("app", GENTLY).await.unwrap_err().is_conflict(),
        "the lease is no leftover"
    );
}

#[tokio::test]
async fn many_processes_may_name_images_at_once() {
    let host = Host::new().await;
    host.image(Some("app"), &[layer("a")]).await;
    let mut tasks = Vec::new();
    for i in 0..20 {
        let store = host.again().await;
        tasks.push(tokio::spawn(async move { store.tag("app", &format!("app:{i}")).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(host.store.resolve("app").await.unwrap().names.len(), 21);
}

#[tokio::test]
async fn what_a_build_made_stays_until_its_cache_is_pruned() {
    let host = Host::new().await;
    let hold = host.store.hold().await.unwrap();
    let bytes = layer("step").bytes();
    let compression = Compression::default();
    let made = host.store.add_layer(&hold, compression, move |out| out.write_all(&bytes)).await;
    let made = made.unwrap();
    let (key, now) = (Digest::of(b"step"), jiff::Timestamp::now());
    let record = CacheRecord {
        key: key.clone(),
        chain_id: made.diff_id.clone(),
        layer: made.clone(),
        parent: None,
        description: "RUN step".to_owned(),
        created: now.to_string(),
        added: now,
        used: now,
        uses: 0,
    };
    host.store.keep_cached(&hold, record).await.unwrap();
    let chain = host
        .store
        .unpack_layers(&hold, std::slice::from_ref(&made), None, &host.drive)
        .await
        .unwrap();
    drop(hold);
    host.store.prune(PruneOptions { all: true, ..PruneOptions::default() }).await.unwrap();
    assert!(host.store.images().await.unwrap().iter().all(|image| !image.names.is_empty()));
    assert!(chain.folders[0].is_dir(), "it is no image's, and still it is kept");

    let nothing = BTreeSet::from([Digest::of(b"another")]);
    assert!(host.store.drop_cached(nothing).await.unwrap().gone.is_empty());
    assert!(host.store.alone().await.unwrap().is_some());
    // While something is being added nothing is removed that it could need.
    let hold = host.store.hold().await.unwrap();
    let found = host.store.find_cached(&hold, &key).await.unwrap().unwrap();
    assert_eq!((found.layer, found.uses), (made, 1));
    assert!(host.store.alone().await.unwrap().is_none());
    let keys = BTreeSet::from([key.clone()]);
    let dropped = host.store.drop_cached(keys).await.unwrap();
    assert_eq!((dropped.gone, dropped.reclaimed), (vec![key.clone()], 0));
    assert!(chain.folders[0].is_dir());
    assert!(host.store.find_cached(&hold, &key).await.unwrap().is_none());
    drop(hold);
    host.store.drop_cached(BTreeSet::new()).await.unwrap();
    assert!(!chain.folders[0].exists());
}
