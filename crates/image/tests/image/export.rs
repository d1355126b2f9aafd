//! What a container changed becomes a layer, and that layer says the same when it is unpacked.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use image::{Below, Error, HiveFile, Image, NewLayer, Scratch};
use rustix::fs::{CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, mknodat, setxattr};

use crate::common::{Host, Layer, config, read};

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let time = Timespec { tv_sec: 1_700_000_000, tv_nsec: 123_456_700 };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, rustix::fs::AtFlags::empty()).unwrap();
}

fn whiteout(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mknodat(CWD, path, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
}

async fn below(host: &Host) -> (Image, Below) {
    let base = Layer::new()
        .file("Files/App/old.txt", "old")
        .file("Files/App/keep.txt", "keep")
        .file("Files/Dir/one", "1")
        .pax(&[
            ("MSWINDOWS.rawsd", "AQAUgA=="),
            ("MSWINDOWS.fileattr", "34"),
            ("LIBARCHIVE.creationtime", "5.25"),
        ])
        .file("Files/App/owned.txt", "owned")
        .file("Files/App/owned.txt:Mark", "stream");
    let upper = Layer::new().file("Files/Dir/two", "2");
    let image = host.image(None, &[base, upper]).await;
    let parents = host.unpack(&image).await.unwrap();
    (image, Below { parents, drive: host.drive.clone() })
}

/// A scratch with one of everything.
fn scratch(host: &Host, below: Below) -> Scratch {
    let upper = host.dir.path().join("upper");
    write(&upper.join("App/new.txt"), "new");
    write(&upper.join("App/owned.txt"), "changed");
    write(&upper.join("App/read only.txt"), "r");
    fs::set_permissions(upper.join("App/read only.txt"), fs::Permissions::from_mode(0o444))
        .unwrap();
    write(&upper.join("windows/system32/mine.dll"), "dll");
    setxattr(
        upper.join("windows/system32/mine.dll"),
        "user.DOSATTRIB",
        b"0x2",
        XattrFlags::empty(),
    )
    .unwrap();
    fs::hard_link(upper.join("App/new.txt"), upper.join("App/other name.txt")).unwrap();
    symlink("../App/new.txt", upper.join("windows/link")).unwrap();
    whiteout(&upper.join("App/old.txt"));
    write(&upper.join("Dir/three"), "3");
    setxattr(upper.join("Dir"), "trusted.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    write(&upper.join("wine/left.over"), "not the container's");
    let long = format!("{}/{}.txt", "d".repeat(150), "ü".repeat(60));
    write(&upper.join(long), "long");
    let hives = vec![HiveFile { name: "System_Delta".into(), data: b"regf".to_vec() }];
    Scratch { upper, below, exclude: vec!["WINE".into()], hives, ..Scratch::default() }
}

async fn add(host: &Host, scratch: Scratch) -> image::Result<NewLayer> {
    let hold = host.store.hold().await.unwrap();
    host.store.add_scratch_layer(&hold, scratch).await
}

/// The scratch as the uppermost layer of a new image, unpacked.
async fn committed(host: &Host, parent: &Image, scratch: Scratch) -> (NewLayer, PathBuf) {
    let hold = host.store.hold().await.unwrap();
    let added = host.store.add_scratch_layer(&hold, scratch).await.unwrap();
    let layers = parent.parts().chain([added.clone()]).collect();
    let image = host.store.create_image(&hold, config(), layers, Some("committed")).await.unwrap();
    drop(hold);
    (added, host.unpack(&image).await.unwrap().remove(0))
}

#[tokio::test]
async fn a_scratch_becomes_a_layer_that_says_the_same() {
    let host = Host::new().await;
    let (parent, below) = below(&host).await;
    let scratch = scratch(&host, below);
    let (_, folder) = committed(&host, &parent, scratch).await;
    let at = |path: &str| folder.join("fs").join(path);
    assert_eq!(read(at("App/new.txt")), "new");
    assert_eq!(read(at("App/owned.txt")), "changed");
    assert_eq!(
        fs::metadata(at("App/new.txt")).unwrap().ino(),
        fs::metadata(at("App/other name.txt")).unwrap().ino()
    );
    assert_eq!(fs::metadata(at("App/read only.txt")).unwrap().permissions().mode() & 0o777, 0o444);
    assert_eq!(fs::read_link(at("windows/link")).unwrap().to_str(), Some("../App/new.txt"));
    assert_eq!(read(at(&format!("{}/{}.txt", "d".repeat(150), "ü".repeat(60)))), "long");
    let meta = fs::metadata(at("App/new.txt")).unwrap();
    assert_eq!((meta.mtime(), meta.mtime_nsec()), (1_700_000_000, 123_456_700));
    for gone in ["App/old.txt", "Dir/one", "Dir/two"] {
        let kind = fs::symlink_metadata(at(gone)).unwrap().file_type();
        assert!(kind.is_char_device(), "{gone}");
    }
    assert_eq!(read(at("Dir/three")), "3");
    assert!(!at("App/keep.txt").exists() && !at("wine").exists());
    assert_eq!(read(folder.join("hives/System_Delta")), "regf");
    let mut value = [0; 8];
    let n = rustix::fs::getxattr(at("windows/system32/mine.dll"), "user.DOSATTRIB", &mut value)
        .unwrap();
    assert_eq!(&value[..n], b"0x2");
}

#[tokio::test]
async fn what_a_parent_said_about_a_file_goes_along() {
    let host = Host::new().await;
    let (parent, below) = below(&host).await;
    let scratch = scratch(&host, below);
    let (_, folder) = committed(&host, &parent, scratch).await;
    let lines: Vec<serde_json::Value> =
        read(folder.join("meta.jsonl")).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let line = |path: &str| lines.iter().find(|l| l["path"] == path).unwrap();
    let owned = line("Files/App/owned.txt");
    assert_eq!(owned["pax"]["MSWINDOWS.rawsd"], "AQAUgA==");
    assert_eq!(owned["pax"]["LIBARCHIVE.creationtime"], "5.25");
    assert_eq!(owned["streams"]["Mark"], "c3RyZWFt");
    let new = line("Files/App/new.txt");
    assert_eq!(new["pax"]["MSWINDOWS.fileattr"], "32");
    assert_eq!(new["pax"]["LIBARCHIVE.creationtime"], "1700000000.1234567");
    assert!(new["pax"]["MSWINDOWS.rawsd"].as_str().unwrap().starts_with("AQAEg"));
    assert_eq!(line("Files/App")["pax"]["MSWINDOWS.fileattr"], "16");
}

#[tokio::test]
async fn a_renamed_folder_is_in_the_layer_whole() {
    let host = Host::new().await;
    let (parent, below) = below(&host).await;
    let upper = host.dir.path().join("upper");
    let redirect = |path: &str, from: &str| {
        fs::create_dir_all(upper.join(path)).unwrap();
        let name = "trusted.overlay.redirect";
        setxattr(upper.join(path), name, from.as_bytes(), XattrFlags::empty()).unwrap();
    };
    // `ren App Moved`, a file of it removed and one made; then `Dir`, whose `one` and `two` must not
    // shine through, becomes what `App` was.
    for gone in ["App", "Moved/old.txt"] {
        whiteout(&upper.join(gone));
    }
    redirect("Moved", "App");
    write(&upper.join("Moved/new.txt"), "new");
    redirect("Dir", "/App");
    let scratch = Scratch { upper, below, ..Scratch::default() };
    let (_, folder) = committed(&host, &parent, scratch).await;
    let at = |path: &str| folder.join("fs").join(path);
    let gone = |path: &str| {
        let kind = fs::symlink_metadata(at(path)).map(|meta| meta.file_type().is_char_device());
        kind.unwrap_or(false)
    };
    assert!(gone("App") && gone("Dir/one") && gone("Dir/two") && !at("Moved/old.txt").exists());
    for (path, text) in [
        ("Moved/keep.txt", "keep"),
        ("Moved/owned.txt", "owned"),
        ("Moved/new.txt", "new"),
        ("Dir/old.txt", "old"),
    ] {
        assert_eq!(read(at(path)), text, "{path}");
    }
    let mut value = [0; 8];
    rustix::fs::getxattr(at("Moved"), "trusted.overlay.redirect", &mut value).unwrap_err();
    let lines: Vec<serde_json::Value> =
        read(folder.join("meta.jsonl")).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let owned = lines.iter().find(|l| l["path"] == "Files/Moved/owned.txt").unwrap();
    assert_eq!(owned["pax"]["MSWINDOWS.rawsd"], "AQAUgA==");
    assert_eq!(owned["streams"]["Mark"], "c3RyZWFt");
}

#[tokio::test]
async fn a_renamed_folder_may_be_deep_and_not_deeper_than_can_be_held() {
    let host = Host::new().await;
    let (_, below) = below(&host).await;
    let upper = host.dir.path().join("upper");
    fs::create_dir_all(upper.join("Moved")).unwrap();
    let name = "trusted.overlay.redirect";
    setxattr(upper.join("Moved"), name, b"App", XattrFlags::empty()).unwrap();
    let deep = upper.join("Moved").join(vec!["d"; 511].join("/"));
    fs::create_dir_all(&deep).unwrap();
    let scratch = Scratch { upper, below, ..Scratch::default() };
    add(&host, scratch.clone()).await.unwrap();
    fs::create_dir(deep.join("d")).unwrap();
    let said = add(&host, scratch).await.unwrap_err().to_string();
    assert!(said.contains("more than 512 folders deep"), "{said}");
}

#[tokio::test]
async fn the_same_scratch_gives_the_same_layer() {
    let host = Host::new().await;
    let (_, below) = below(&host).await;
    let scratch = scratch(&host, below);
    let one = add(&host, scratch.clone()).await.unwrap();
    assert_eq!(one, add(&host, scratch).await.unwrap());
}

#[tokio::test]
async fn what_no_layer_can_say_is_refused_by_name() {
    let host = Host::new().await;
    for (name, make) in [
        ("a:b", (|path: &Path| write(path, "")) as fn(&Path)),
        ("CON", |path| write(path, "")),
        ("link", |path| symlink("/etc/passwd", path).unwrap()),
        ("escape", |path| symlink("../../../../../../etc", path).unwrap()),
        ("moved", |path| {
            fs::create_dir(path).unwrap();
            setxattr(path, "trusted.overlay.redirect", b"../old", XattrFlags::empty()).unwrap();
        }),
        ("of nothing", |path| {
            fs::create_dir(path).unwrap();
            setxattr(path, "trusted.overlay.redirect", b"/gone", XattrFlags::empty()).unwrap();
        }),
    ] {
        let upper = host.dir.path().join("bad");
        fs::create_dir(&upper).unwrap();
        make(&upper.join(name));
        let below = Below { parents: Vec::new(), drive: host.drive.clone() };
        let scratch = Scratch { upper: upper.clone(), below, ..Scratch::default() };
        match add(&host, scratch).await {
            Err(Error::Entry { entry, .. }) => assert_eq!(entry, format!("Files/{name}")),
            Err(Error::Io { path, .. }) => assert!(path.ends_with(name), "{}", path.display()),
            other => panic!("{name}: {other:?}"),
        }
        fs::remove_dir_all(upper).unwrap();
    }
    assert!(host.leftovers().is_empty());
}
