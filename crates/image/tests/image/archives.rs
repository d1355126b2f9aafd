//! Images survive archives, in every form that others write.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use image::{ArchiveFormat, Digest, Error, Image, Loaded, Quiet, Store};

use crate::common::{Host, Layer, config, read};

/// Where `save` writes to in these tests.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn save(store: &Store, names: &[&str], format: ArchiveFormat) -> Vec<u8> {
    let sink = Sink::default();
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    store.save(&names, format, Box::new(sink.clone())).await.unwrap();
    let mut written = sink.0.lock().unwrap();
    std::mem::take(&mut *written)
}

async fn load(store: &Store, bytes: Vec<u8>) -> image::Result<Vec<Loaded>> {
    store.load(Box::new(std::io::Cursor::new(bytes)), Arc::new(Quiet)).await
}

async fn two_images(host: &Host) -> [Image; 2] {
    let base = || Layer::new().file("Files/base.txt", "base");
    let one = host.image(Some("one:1"), &[base(), Layer::new().file("Files/one.txt", "one")]).await;
    let two = host.image(Some("localhost:5000/two"), &[base()]).await;
    host.store.tag("one:1", "one:latest").await.unwrap();
    [one, two]
}

#[tokio::test]
async fn what_is_saved_loads_elsewhere_and_unpacks() {
    let host = Host::new().await;
    let [one, two] = two_images(&host).await;
    for format in [ArchiveFormat::Docker, ArchiveFormat::Oci] {
        let bytes = save(&host.store, &["one", "localhost:5000/two"], format).await;
        let other = Host::new().await;
        let loaded = load(&other.store, bytes).await.unwrap();
        assert_eq!(loaded.iter().map(|l| l.names.len()).sum::<usize>(), 3);
        for (name, image) in [("one:1", &one), ("one", &one), ("localhost:5000/two", &two)] {
            let found = other.store.resolve(name).await.unwrap();
            assert_eq!((&found.id, &found.manifest), (&image.id, &image.manifest), "{name}");
        }
        let folders = other.unpack(&loaded[0].image).await.unwrap();
        assert_eq!(read(folders.last().unwrap().join("fs/base.txt")), "base");
    }
}

#[tokio::test]
async fn saving_twice_gives_the_same_bytes() {
    let host = Host::new().await;
    two_images(&host).await;
    let [one, two] = [
        save(&host.store, &["one:1"], ArchiveFormat::Docker).await,
        save(&host.store, &["one:1"], ArchiveFormat::Docker).await,
    ];
    assert_eq!(Digest::of(&one), Digest::of(&two));
}

#[tokio::test]
async fn compressed_archives_load_too() {
    let host = Host::new().await;
    let [one, _] = two_images(&host).await;
    let plain = save(&host.store, &["one:1"], ArchiveFormat::Docker).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    for bytes in [gzip.finish().unwrap(), zstd::encode_all(plain.as_slice(), 1).unwrap()] {
        let other = Host::new().await;
        assert_eq!(load(&other.store, bytes).await.unwrap()[0].image.id, one.id);
    }
}

/// A way to compress.
type Form = fn(&[u8]) -> Vec<u8>;

/// An archive as docker wrote them before version 25.
fn old_docker_archive(compress: impl Fn(&[u8]) -> Vec<u8>) -> (Vec<u8>, Digest) {
    let [base, top] =
        ["base", "top"].map(|name| Layer::new().file(&format!("Files/{name}"), name).bytes());
    let mut config = config();
    config.rootfs.diff_ids = vec![Digest::of(&base), Digest::of(&top)];
    let config = serde_json::to_vec(&config).unwrap();
    let id = Digest::of(&config);
    let config_name = format!("{}.json", id.hex());
    let manifest = serde_json::json!([
        { "Config": config_name, "RepoTags": ["old:1"], "Layers": ["aaa/layer.tar", "bbb/layer.tar"] },
        { "Config": config_name, "RepoTags": null, "Layers": ["aaa/layer.tar", "ccc/layer.tar"] },
    ]);
    let archive = Layer::default()
        .dir("aaa")
        .file("aaa/VERSION", "1.0")
        .file("aaa/json", "{}")
        .file("aaa/layer.tar", compress(&base))
        .file("bbb/layer.tar", compress(&top))
        .symlink("ccc/layer.tar", "../bbb/layer.tar")
        .file(&config_name, &config)
        .file("manifest.json", manifest.to_string())
        .file("repositories", "{}");
    (archive.bytes(), id)
}

#[tokio::test]
async fn dockers_older_form_loads_whatever_its_layers_are_compressed_with() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd: Form = |bytes| zstd::encode_all(bytes, 1).unwrap();
    for form in [<[u8]>::to_vec as Form, gzip, zstd] {
        let host = Host::new().await;
        let (archive, id) = old_docker_archive(form);
        let loaded = load(&host.store, archive).await.unwrap();
        assert_eq!(loaded.len(), 2);
        assert!(loaded.iter().all(|l| l.image.id == id));
        let folders = host.unpack(&loaded[0].image).await.unwrap();
        assert_eq!(read(folders[0].join("fs/top")), "top");
    }
}

#[tokio::test]
async fn archives_that_lie_or_lack_something_leave_no_image() {
    let host = Host::new().await;
    two_images(&host).await;
    let good = save(&host.store, &["one:1"], ArchiveFormat::Oci).await;
    let mut flipped = good.clone();
    let middle = flipped.len() - 2048;
    flipped[middle] ^= 1;
    let mut linux = config();
    linux.os = "linux".into();
    let linux = serde_json::to_vec(&linux).unwrap();
    let manifest = serde_json::json!([{ "Config": "c.json", "RepoTags": ["l:1"], "Layers": [] }]);
    let missing =
        serde_json::json!([{ "Config": "c.json", "RepoTags": [], "Layers": ["x/layer.tar"] }]);
    let cases = [
        ("cut off", good[..good.len() / 2].to_vec()),
        ("changed", flipped),
        ("empty", Layer::default().bytes()),
        (
            "linux",
            Layer::default()
                .file("c.json", linux.clone())
                .file("manifest.json", manifest.to_string())
                .bytes(),
        ),
        (
            "missing",
            Layer::default()
                .file("c.json", linux)
                .file("manifest.json", missing.to_string())
                .bytes(),
        ),
        ("escaping", Layer::default().file("../manifest.json", "[]").bytes()),
        ("device", Layer::default().entry(b'3', "manifest.json", "", b"").bytes()),
        ("noise", vec![7; 4096]),
    ];
    for (what, bytes) in cases {
        let other = Host::new().await;
        assert!(load(&other.store, bytes).await.is_err(), "{what}");
        assert!(other.store.images().await.unwrap().is_empty(), "{what}");
        assert!(other.leftovers().is_empty(), "{what}");
        assert_eq!(other.blobs(), 0, "{what}");
    }
}

/// An archive with an entry that promises so much, and nothing of it.
fn promising(archive: Layer, kind: u8, name: &str, size: u64) -> Vec<u8> {
    let mut archive = archive;
    let at = archive.0.len();
    archive.raw(kind, name.as_bytes(), b"", b"");
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes().copy_from_slice(&archive.0[at..]);
    header.set_size(size);
    header.set_cksum();
    archive.0[at..].copy_from_slice(header.as_bytes());
    archive.bytes()
}

#[tokio::test]
async fn what_unpacks_to_more_than_there_is_room_for_is_refused_before_it_is_written() {
    let host = Host::new().await;
    let [one, _] = two_images(&host).await;
    let layer = promising(Layer::default(), b'0', "aaa/layer.tar", 1 << 60);
    let error = load(&host.store, layer).await.unwrap_err().to_string();
    assert!(error.contains("`aaa/layer.tar`: it has 1152921504606846976 bytes"), "{error}");
    // A blob that is there is not looked at, but its size is known.
    let known = format!("blobs/sha256/{}", one.manifest_digest().hex());
    let lie = promising(Layer::default(), b'0', &known, 1 << 60);
    let error = load(&host.store, lie).await.unwrap_err().to_string();
    assert!(error.contains("another size"), "{error}");
    let many = std::iter::repeat_n(Layer::default().dir("./").0, 200_000).flatten().collect();
    let error = load(&host.store, many).await.unwrap_err().to_string();
    assert!(error.contains("one too many"), "{error}");
    assert!(host.leftovers().is_empty());

    let tar = promising(Layer::new(), b'0', "Files/big", 1 << 60);
    let wide = image::Settings { max_unpacked_bytes: u64::MAX, ..image::Settings::default() };
    let host = Host::with(wide).await;
    let image = host.image_of(None, vec![tar]).await;
    let error = host.unpack(&image).await.unwrap_err();
    assert!(
        matches!(&error, Error::Entry { entry, rule, .. }
        if entry == "Files/big" && rule.contains("the disk has room for")),
        "{error:?}"
    );
    assert!(host.leftovers().is_empty());
}

#[tokio::test]
async fn a_linux_image_is_refused_by_name() {
    let host = Host::new().await;
    let mut linux = config();
    (linux.os, linux.os_version) = ("linux".into(), None);
    let manifest =
        serde_json::json!([{ "Config": "c.json", "RepoTags": ["alpine:3"], "Layers": [] }]);
    let archive = Layer::default()
        .file("c.json", serde_json::to_vec(&linux).unwrap())
        .file("manifest.json", manifest.to_string());
    let error = load(&host.store, archive.bytes()).await.unwrap_err();
    assert!(matches!(&error, Error::WrongPlatform { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "`alpine:3` is an image for linux/amd64; only windows/amd64 images run here"
    );
}

#[tokio::test]
async fn skopeo_reads_what_is_saved_and_its_copies_load() {
    let installed = Command::new("skopeo").arg("--version").output().is_ok();
    assert!(installed, "this test needs skopeo: apt-get install skopeo");
    let host = Host::new().await;
    let [one, _] = two_images(&host).await;
    let dir = host.dir.path();
    let skopeo = |args: &[&str]| {
        let output = Command::new("skopeo")
            .args(["--override-os", "windows", "--insecure-policy"])
            .args(args)
            .current_dir(dir)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let bytes = save(&host.store, &["one:1"], ArchiveFormat::Docker).await;
    std::fs::write(dir.join("docker.tar"), bytes).unwrap();
    let bytes = save(&host.store, &["one:1"], ArchiveFormat::Oci).await;
    std::fs::write(dir.join("oci.tar"), bytes).unwrap();
    let shown: serde_json::Value =
        serde_json::from_slice(&skopeo(&["inspect", "docker-archive:docker.tar"])).unwrap();
    assert_eq!((&shown["Os"], &shown["Layers"].as_array().unwrap().len()), (&"windows".into(), &2));
    skopeo(&["copy", "oci-archive:oci.tar", "oci-archive:copy-oci.tar:copied:1"]);
    skopeo(&["copy", "docker-archive:docker.tar", "docker-archive:copy-docker.tar:copied:1"]);
    for copy in ["copy-oci.tar", "copy-docker.tar"] {
        let other = Host::new().await;
        let bytes = std::fs::read(dir.join(copy)).unwrap();
        let loaded = load(&other.store, bytes).await.unwrap();
        assert_eq!(loaded[0].image.config.rootfs, one.config.rootfs, "{copy}");
        let folders = other.unpack(&loaded[0].image).await.unwrap();
        assert_eq!(read(folders[0].join("fs/one.txt")), "one", "{copy}");
    }
}
