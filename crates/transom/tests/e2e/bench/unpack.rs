//! Unpacking 1 GiB in three compressed layers, against containerd with overlayfs.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tar::{Builder, Header};

use super::figures::Figure;
use super::interleaved;
use crate::support::archive::hex;
use crate::support::containerd::Containerd;
use crate::support::host::{self, target};

const NAME: &str = "example.com/large:1";
const LAYERS: u64 = 3;
const LAYER_BYTES: u64 = (1 << 30) / LAYERS;

#[test]
#[ignore = "a measurement"]
fn unpack() {
    let host = host::alone();
    let windows = archive("windows", "Files/");
    let linux = archive("linux", "");
    let containerd = Containerd::start();
    let transom = || {
        settle();
        let started = Instant::now();
        host.transom(&["load", "--quiet", "--input"]).arg(&windows).succeed();
        let created = host.transom(&["create", NAME, "cmd"]).succeed();
        let time = started.elapsed();
        host.transom(&["rm", &created.text()]).succeed();
        host.transom(&["rmi", NAME]).succeed();
        time
    };
    let ctr = || {
        settle();
        let (time, _) = containerd.timed(&["images", "import", &linux.display().to_string()]);
        containerd.succeed(&["images", "rm", "--sync", NAME]);
        time
    };
    let [transom, ctr] = interleaved(3, [&transom, &ctr]);
    Figure::new("unpack of 1 GiB", transom, "s").record();
    Figure::new("ctr image import of the same", ctr, "s").record();
    let faster =
        Figure::ratio("unpack against ctr image import", 1.0 / transom, 1.0 / ctr, "times as fast");
    faster.at_least(1.5).record();
}

/// What one run left to be written does not slow the next.
fn settle() {
    rustix::fs::sync();
    std::thread::sleep(Duration::from_millis(200));
}

/// An OCI archive for an OS, made once and kept.
fn archive(os: &str, prefix: &str) -> PathBuf {
    let file = target().join(format!("e2e/large-{os}.tar"));
    if !file.exists() {
        std::fs::create_dir_all(target().join("e2e")).expect("the target folder is ours");
        let part = file.with_extension("part");
        write(&part, os, prefix);
        std::fs::rename(&part, &file).expect("both are in one folder");
    }
    file
}

fn write(file: &Path, os: &str, prefix: &str) {
    let mut archive = Builder::new(File::create(file).expect("the target folder is ours"));
    let mut diffs = Vec::new();
    let mut layers = Vec::new();
    for number in 0..LAYERS {
        let layer = layer(number, prefix);
        diffs.push(format!("sha256:{}", hex(&layer)));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = gzip.write_all(&layer).and_then(|()| gzip.finish()).expect("memory takes it");
        layers.push(blob(&mut archive, "layer.v1.tar+gzip", &packed));
    }
    let config = json!({
        "architecture": "amd64", "os": os, "os.version": "10.0.20348.2700", "config": {},
        "rootfs": { "type": "layers", "diff_ids": diffs },
    });
    let config = blob(&mut archive, "config.v1+json", config.to_string().as_bytes());
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers });
    let mut manifest = blob(&mut archive, "manifest.v1+json", manifest.to_string().as_bytes());
    manifest["annotations"] = json!({
        "io.containerd.image.name": NAME, "org.opencontainers.image.ref.name": NAME,
    });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    add(&mut archive, "index.json", index.to_string().as_bytes());
    add(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    archive.into_inner().and_then(|file| file.sync_all()).expect("the disk takes it");
}

/// Many small files and some large ones, about half of each of them compressible.
fn layer(number: u64, prefix: &str) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    let mut state = number + 1;
    let mut left = LAYER_BYTES;
    for index in 0.. {
        let size = [2 << 20, 12_000, 3_000, 40_000, 700][index % 5].min(left);
        let folder = index / 100;
        let name = format!("{prefix}data/l{number}/{folder}/f{index}.bin");
        let content = content(usize::try_from(size).expect("sizes are small"), &mut state);
        add(&mut tar, &name, &content);
        left -= size;
        if left == 0 {
            break;
        }
    }
    tar.into_inner().expect("memory takes it")
}

fn content(size: usize, state: &mut u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 16);
    while bytes.len() < size {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
        bytes.extend_from_slice(b"transom.");
    }
    bytes.truncate(size);
    bytes
}

fn blob<W: Write>(archive: &mut Builder<W>, kind: &str, content: &[u8]) -> serde_json::Value {
    let digest = hex(content);
    add(archive, &format!("blobs/sha256/{digest}"), content);
    let kind = format!("application/vnd.oci.image.{kind}");
    json!({ "mediaType": kind, "digest": format!("sha256:{digest}"), "size": content.len() })
}

fn add<W: Write>(archive: &mut Builder<W>, name: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(1_700_000_000);
    archive.append_data(&mut header, name, content).expect("it can be written");
}
