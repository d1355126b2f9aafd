//! Scratches: made, mounted over their layers, tried again while Windows is busy, given back.

use std::path::PathBuf;

use engine::{ErrorKind, Storage as _};
use schema::SystemId;
use serde_json::json;
use tempfile::TempDir;

use crate::faults::Faults;
use crate::support::engine;

/// A layer, and the place of a scratch over it.
struct Disk {
    folder: TempDir,
    layers: Vec<PathBuf>,
    id: SystemId,
}

impl Disk {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let layer = folder.path().join("layer");
        std::fs::create_dir(&layer).expect("a layer");
        // As the service leaves a base layer.
        std::fs::write(layer.join("blank.vhdx"), "").expect("a disk");
        let id = SystemId::new(format!("{name}-{}", std::process::id())).expect("a plain name");
        Self { layers: vec![layer], id, folder }
    }

    fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    fn has(&self, mark: &str) -> bool {
        self.scratch().join(mark).exists()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scratch_is_made_mounted_given_back_and_destroyed() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let (engine, disk) = (engine(), Disk::new("scratch"));
    engine.create_scratch(&disk.scratch(), &disk.layers, Some(20 << 30)).await.expect("create");
    let mounted = engine.mount(&disk.id, &disk.scratch(), &disk.layers).await.expect("mount");
    assert!(mounted.path.starts_with(r"\\?\Volume{") && mounted.path.ends_with('\\'));
    assert_eq!(mounted.layers[0].path, disk.layers[0].to_str().expect("Unicode"));
    let busy = engine.destroy_scratch(&disk.scratch()).await.expect_err("it is mounted");
    assert!(matches!(busy.kind, ErrorKind::Io { .. }), "{busy:?}");
    engine.unmount(&disk.scratch()).await.expect("unmount");
    engine.unmount(&disk.scratch()).await.expect("one that is not mounted is a success");
    engine.destroy_scratch(&disk.scratch()).await.expect("destroy");
    engine.destroy_scratch(&disk.scratch()).await.expect("one that is gone is a success");
    assert!(!disk.scratch().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_not_ready_yet_is_tried_again() {
    let _faults = Faults::order(json!([
        { "Call": "PrepareLayer", "Error": "0x80070015", "When": "Submit", "Times": 2 },
        { "Call": "ActivateLayer", "Error": "0x8007048F", "When": "Submit", "Times": 1 },
    ]))
    .await;
    let (engine, disk) = (engine(), Disk::new("busy"));
    engine.mount(&disk.id, &disk.scratch(), &disk.layers).await.expect("it passes");
    assert!(disk.has("prepared"));
    engine.unmount(&disk.scratch()).await.expect("unmount");
    assert!(!disk.has("prepared") && !disk.has("active"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mount_that_fails_leaves_nothing_mounted() {
    for (call, mark) in [("PrepareLayer", "0x80070001"), ("GetLayerMountPath", "0x80070057")] {
        let _faults = Faults::order(json!([{ "Call": call, "Error": mark, "Times": 1 }])).await;
        let (engine, disk) = (engine(), Disk::new("fails"));
        let refused = engine.mount(&disk.id, &disk.scratch(), &disk.layers).await;
        let told = format!("{:#?}", refused.expect_err("ordered"));
        assert!(told.contains(call), "{told}");
        assert!(!disk.has("prepared") && !disk.has("active"), "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scratch_that_cannot_have_its_size_is_not_left() {
    let rule = json!([{ "Call": "ExpandSandboxSize", "Error": "0x80070070", "Times": 1 }]);
    let _faults = Faults::order(rule).await;
    let (engine, disk) = (engine(), Disk::new("full"));
    let scratch = disk.scratch();
    let create = || engine.create_scratch(&scratch, &disk.layers, Some(20 << 30));
    let told = format!("{:#?}", create().await.expect_err("ordered"));
    assert!(told.contains("ExpandSandboxSize"), "{told}");
    assert!(!scratch.exists(), "it is given back");
    create().await.expect("the name is free");
    engine.destroy_scratch(&scratch).await.expect("destroy");
}
