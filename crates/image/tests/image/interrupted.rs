//! A process that is killed while it unpacks leaves nothing that anybody could take for a layer,
//! and what it does leave is gone with the next unpacking.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::{Quiet, Settings, Store};

use crate::common::{Host, Layer, read};

const ROOT: &str = "TRANSOM_TEST_ROOT";
const DRIVE: &str = "TRANSOM_TEST_DRIVE";
const FILES: usize = 4000;

/// The process that the other test kills; alone it has nothing to do.
#[tokio::test]
async fn child_that_unpacks() {
    let (Some(root), Some(drive)) = (std::env::var_os(ROOT), std::env::var_os(DRIVE)) else {
        return;
    };
    let store = Store::open_with(PathBuf::from(root), Settings::default()).await.unwrap();
    let image = store.resolve("big").await.unwrap();
    store.unpack(&image, Path::new(&drive), Arc::new(Quiet)).await.unwrap();
}

async fn big(host: &Host) -> image::Image {
    let layers: Vec<Layer> = ["one", "two"]
        .iter()
        .map(|name| {
            (0..FILES).fold(Layer::new(), |layer, i| {
                layer.file(&format!("Files/{name}/{}/{i}", i % 50), i.to_string())
            })
        })
        .collect();
    host.image(Some("big"), &layers).await
}

/// How many names there are below a folder, at most two levels deep.
fn count(path: &Path, depth: usize) -> usize {
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.map(|path| 1 + if depth > 0 { count(&path, depth - 1) } else { 0 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_unpacking_leaves_nothing() {
    let host = Host::new().await;
    let image = big(&host).await;
    let layers = host.store.root().join("layers");
    let mut interrupted = 0;
    for names in [1, 5, 20, 60, 100, 150] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "interrupted::child_that_unpacks"])
            .env(ROOT, host.store.root())
            .env(DRIVE, &host.drive)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begin = Instant::now();
        while count(&layers, 4) < names && child.try_wait().unwrap().is_none() {
            assert!(begin.elapsed() < Duration::from_mins(1));
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for name in host.leftovers() {
            let whole = layers.join(&name).join("layer.json").is_file();
            assert!(name.starts_with('.') || whole, "{name} is half a layer");
        }
        interrupted += usize::from(host.leftovers().iter().any(|name| name.starts_with('.')));
    }
    assert!(interrupted > 0, "no moment was early enough");
    let folders = host.unpack(&image).await.unwrap();
    assert_eq!(host.leftovers().len(), 2, "leftovers are swept");
    for (folder, name) in folders.iter().zip(["two", "one"]) {
        for i in 0..FILES {
            assert_eq!(read(folder.join(format!("fs/{name}/{}/{i}", i % 50))), i.to_string());
        }
    }
    let locks = std::fs::read_dir(host.store.root().join("locks")).unwrap();
    let locks: Vec<_> = locks.map(|e| e.unwrap().file_name()).collect();
    assert!(locks.len() <= 2, "{locks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_layer_undoes_those_beside_it() {
    let host = Host::new().await;
    let mut layers: Vec<Layer> =
        (0..4).map(|i| Layer::new().file(&format!("Files/{i}"), "x")).collect();
    layers.push(Layer::new().file("Files/CON", "x"));
    let image = host.image(None, &layers).await;
    assert!(host.unpack(&image).await.is_err());
    assert!(host.leftovers().iter().all(|name| !name.starts_with('.')));
}
