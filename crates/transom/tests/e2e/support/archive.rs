//! Image archives made here: a docker archive of Windows layers.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// A layer while it is put together; names are those inside the layer, such as `Files/a.txt`.
pub(crate) struct Layer(Builder<Vec<u8>>);

impl Layer {
    /// `Files`, and nothing in it.
    pub(crate) fn new() -> Self {
        let mut layer = Self(Builder::new(Vec::new()));
        layer.folder("Files");
        layer
    }

    pub(crate) fn folder(&mut self, name: &str) -> &mut Self {
        self.entry(name, EntryType::Directory, "", &[])
    }

    pub(crate) fn file(&mut self, name: &str, content: &[u8]) -> &mut Self {
        self.entry(name, EntryType::Regular, "", content)
    }

    pub(crate) fn link(&mut self, name: &str, target: &str) -> &mut Self {
        self.entry(name, EntryType::Link, target, &[])
    }

    pub(crate) fn symlink(&mut self, name: &str, target: &str) -> &mut Self {
        self.entry(name, EntryType::Symlink, target, &[])
    }

    /// Takes a name away from the layers below.
    pub(crate) fn whiteout(&mut self, folder: &str, name: &str) -> &mut Self {
        self.file(&format!("{folder}/.wh.{name}"), &[])
    }

    /// Writes the name into the header as it is: the `tar` crate refuses some that must be tried.
    fn entry(&mut self, name: &str, kind: EntryType, target: &str, content: &[u8]) -> &mut Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_700_000_000);
        put(&mut header.as_old_mut().name, name);
        put(&mut header.as_old_mut().linkname, target);
        header.set_cksum();
        self.0.append(&header, content).expect("memory takes it");
        self
    }

    fn finish(&mut self) -> Vec<u8> {
        let builder = std::mem::replace(&mut self.0, Builder::new(Vec::new()));
        builder.into_inner().expect("memory takes it")
    }
}

fn put(field: &mut [u8; 100], text: &str) {
    field.fill(0);
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// Writes the archive of an image to a file.
pub(crate) fn write(file: &Path, name: &str, config: &Value, layers: &mut [Layer]) {
    let layers: Vec<Vec<u8>> = layers.iter_mut().map(Layer::finish).collect();
    let digests: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let image = json!({
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.20348.2700",
        "config": config,
        "rootfs": { "type": "layers", "diff_ids": digests },
    });
    let image = serde_json::to_vec(&image).expect("JSON can be written");
    let image_name = format!("{}.json", hex(&image));
    let paths: Vec<String> =
        digests.iter().map(|digest| digest.replace("sha256:", "") + ".tar").collect();
    let manifest = json!([{ "Config": image_name, "RepoTags": [name], "Layers": paths }]);
    let manifest = serde_json::to_vec(&manifest).expect("JSON can be written");

    let output = std::fs::File::create(file).expect("the test's folder is its own");
    let mut archive = Builder::new(std::io::BufWriter::new(output));
    let mut add = |path: &str, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content).expect("the disk takes it");
    };
    for (path, layer) in paths.iter().zip(&layers) {
        add(path, layer);
    }
    add(&image_name, &image);
    add("manifest.json", &manifest);
    archive.into_inner().and_then(|mut file| file.flush()).expect("the disk takes it");
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(bytes))
}

/// The SHA-256 of some bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory takes it");
        text
    })
}
