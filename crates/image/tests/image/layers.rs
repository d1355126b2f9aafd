//! Windows layers become folders that an overlay can be mounted from.
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

use crate::common::{Host, Layer, read};

#[tokio::test]
async fn the_built_in_base_unpacks() {
    let host = Host::new().await;
    let image = host.store.ensure_base(&"10.0.20348.2700".parse().unwrap()).await.unwrap();
    let folders = host.unpack(&image).await.unwrap();
    assert_eq!(folders.len(), 1);
    assert!(folders[0].join("fs/windows/system32/config").is_dir(), "spelled as the platform does");
    assert!(folders[0].join("hives").is_dir());
    assert!(read(folders[0].join("fs/License.txt")).contains("Apache"));
}

#[tokio::test]
async fn names_take_the_spelling_of_the_platform_then_of_the_parents() {
    let host = Host::new().await;
    let base = Layer::new()
        .file("Files/Windows/System32/Own.DLL", "base")
        .file("Files/App/Readme.TXT", "base");
    let child = Layer::new()
        .file("Files/WINDOWS/SYSTEM32/own.dll", "child")
        .file("Files/app/readme.txt", "child")
        .file("Files/APP/New.txt", "child");
    let image = host.image(None, &[base, child]).await;
    let folders = host.unpack(&image).await.unwrap();
    assert_eq!(read(folders[1].join("fs/windows/system32/Own.DLL")), "base");
    assert_eq!(read(folders[0].join("fs/windows/system32/Own.DLL")), "child");
    assert_eq!(read(folders[0].join("fs/App/Readme.TXT")), "child");
    assert_eq!(read(folders[0].join("fs/App/New.txt")), "child");
}

#[tokio::test]
async fn what_a_layer_removes_is_marked_for_overlayfs() {
    let host = Host::new().await;
    let base = Layer::new()
        .file("Files/App/Old.txt", "")
        .file("Files/Dir/a", "")
        .file("Files/Again/x", "");
    let child = Layer::new()
        .file("Files/app/.wh.old.TXT", "")
        .file("Files/dir/.wh..wh..opq", "")
        .file("Files/dir/b", "")
        .file("Files/.wh.again", "")
        .file("Files/again/y", "");
    let image = host.image(None, &[base, child]).await;
    let fs = host.unpack(&image).await.unwrap()[0].join("fs");
    let whiteout = fs::symlink_metadata(fs.join("App/Old.txt")).unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    for folder in ["Dir", "Again"] {
        let mut value = [0; 8];
        let n =
            rustix::fs::getxattr(fs.join(folder), "trusted.overlay.opaque", &mut value).unwrap();
        assert_eq!(&value[..n], b"y", "{folder}");
    }
    assert!(fs.join("Dir/b").is_file() && fs.join("Again/y").is_file());
}

#[tokio::test]
async fn links_lead_where_windows_would_go() {
    let host = Host::new().await;
    let base = Layer::new()
        .file("Files/Users/Real/data.txt", "data")
        .file("Files/App/shared.bin", "shared");
    let child = Layer::new()
        .symlink("Files/Documents and Settings", r"C:\Users")
        .symlink("Files/App/link", r"..\USERS\real\DATA.txt")
        .hard_link("Files/App/copy.bin", "Files/app/SHARED.bin")
        .file("Files/App/one", "one")
        .hard_link("Files/App/two", "Files/App/one")
        .hard_link("Files/App/three", "Files/App/two");
    let image = host.image(None, &[base, child]).await;
    let folders = host.unpack(&image).await.unwrap();
    let fs = folders[0].join("fs");
    assert_eq!(fs::read_link(fs.join("Documents and Settings")).unwrap().to_str(), Some("users"));
    assert_eq!(
        fs::read_link(fs.join("App/link")).unwrap().to_str(),
        Some("../users/Real/data.txt")
    );
    assert_eq!(read(fs.join("App/copy.bin")), "shared");
    assert_eq!(fs::metadata(fs.join("App/three")).unwrap().nlink(), 3);
    let parent = fs::metadata(folders[1].join("fs/App/shared.bin")).unwrap();
    assert_eq!(parent.nlink(), 1, "a parent's file is copied, not shared");
}

#[tokio::test]
async fn attributes_are_kept_for_writing_back() {
    let host = Host::new().await;
    let layer = Layer::new()
        .pax(&[
            ("MSWINDOWS.fileattr", "35"),
            ("MSWINDOWS.rawsd", "AQAUgA=="),
            ("LIBARCHIVE.creationtime", "1536995638.2345721"),
            ("mtime", "1575709926.0234411"),
            ("atime", "1575709927.5"),
        ])
        .file("Files/secret.txt", "x")
        .file("Files/secret.txt:Zone.Identifier", "[ZoneTransfer]")
        .entry(b'0', "Files/run.exe", "", b"MZ");
    let folder = host.unpack_one(layer).await.unwrap();
    let meta = fs::metadata(folder.join("fs/secret.txt")).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o444, "read-only on Windows is so here");
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_575_709_926, 23_441_100));
    assert_eq!((meta.atime(), meta.atime_nsec()), (1_575_709_927, 500_000_000));
    let mut value = [0; 8];
    let n =
        rustix::fs::getxattr(folder.join("fs/secret.txt"), "user.DOSATTRIB", &mut value).unwrap();
    assert_eq!(&value[..n], b"0x2");
    let lines: Vec<serde_json::Value> =
        read(folder.join("meta.jsonl")).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let line = lines.iter().find(|l| l["path"] == "Files/secret.txt").unwrap();
    assert_eq!(line["pax"]["MSWINDOWS.rawsd"], "AQAUgA==");
    assert_eq!(line["pax"]["LIBARCHIVE.creationtime"], "1536995638.2345721");
    assert_eq!(line["streams"]["Zone.Identifier"], "W1pvbmVUcmFuc2Zlcl0=");
    let descriptors = image::Descriptors::of(&folder).unwrap();
    let descriptor = |path: &str| descriptors.get(path.as_ref());
    assert_eq!((descriptor("SECRET.txt"), descriptor("run.exe")), (Some("AQAUgA=="), None));
    let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("fs"), mode("hives"), mode("fs/run.exe")), (0o755, 0o755, 0o644));
    let record: serde_json::Value = serde_json::from_str(&read(folder.join("layer.json"))).unwrap();
    assert_eq!(record["size"], 17);
    assert_eq!(record["parent"], serde_json::Value::Null);
    assert_eq!(record["os_version"], "10.0.20348.2700");
}

#[tokio::test]
async fn large_and_empty_files_and_long_names_come_out_whole() {
    let host = Host::new().await;
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let long = format!("Files/{}/{}.txt", "d".repeat(200), "é".repeat(100));
    let mut layer =
        Layer::new().file("Files/large", &large).file("Files/empty", "").file(&long, "deep");
    for i in 0..500 {
        layer = layer.file(&format!("Files/many/{}/{i}", i % 7), i.to_string());
    }
    let folder = host.unpack_one(layer).await.unwrap();
    assert_eq!(fs::read(folder.join("fs/large")).unwrap(), large);
    assert_eq!(read(folder.join("fs/empty")), "");
    assert_eq!(read(folder.join(long.replacen("Files", "fs", 1))), "deep");
    for i in 0..500 {
        assert_eq!(read(folder.join(format!("fs/many/{}/{i}", i % 7))), i.to_string());
    }
}

#[tokio::test]
async fn the_utility_vm_is_passed_over_and_hives_are_kept() {
    let host = Host::new().await;
    let layer = Layer::new()
        .file("Hives/System_Delta", "regf")
        .file("UtilityVM/Files/EFI/Microsoft/Boot/BCD", "boot");
    let folder = host.unpack_one(layer).await.unwrap();
    assert_eq!(read(folder.join("hives/System_Delta")), "regf");
    assert!(!folder.join("fs/EFI").exists());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
}

#[tokio::test]
async fn a_chain_is_unpacked_once_by_however_many_ask() {
    let host = Host::new().await;
    let layers: Vec<Layer> =
        (0..5).map(|i| Layer::new().file(&format!("Files/{i}"), vec![b'x'; 100_000])).collect();
    let image = host.image(None, &layers).await;
    let stores = [host.again().await, host.again().await, host.again().await, host.store.clone()];
    let tasks = stores.map(|store| {
        let (image, drive) = (image.clone(), host.drive.clone());
        tokio::spawn(async move {
            store.unpack(&image, &drive, std::sync::Arc::new(image::Quiet)).await
        })
    });
    let mut inodes = Vec::new();
    for task in tasks {
        let folders = task.await.unwrap().unwrap().folders;
        assert_eq!(folders.len(), 5);
        inodes.push(fs::metadata(folders[0].join("fs/4")).unwrap().ino());
    }
    assert!(inodes.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(host.leftovers().len(), 5);
}

#[tokio::test]
async fn layers_of_another_image_are_shared() {
    let host = Host::new().await;
    let base = || Layer::new().file("Files/base", "base");
    let one = host.image(None, &[base(), Layer::new().file("Files/one", "")]).await;
    let two = host.image(None, &[base(), Layer::new().file("Files/two", "")]).await;
    let one = host.unpack(&one).await.unwrap();
    let two = host.unpack(&two).await.unwrap();
    assert_eq!(one[1], two[1]);
    assert_ne!(one[0], two[0]);
    assert_eq!(host.leftovers().len(), 3);
}
