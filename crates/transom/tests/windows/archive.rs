//! Images with layers of Windows' making, as `docker save` writes them.

use std::fs::File;
use std::path::Path;

use serde_json::json;
use sha2::{Digest as _, Sha256};

/// An uncompressed layer.
pub(crate) struct Layer(tar::Builder<Vec<u8>>);

/// An image of some, base first.
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) layers: Vec<Layer>,
}

/// A folder's header.
pub(crate) fn folder() -> tar::Header {
    header(b'5')
}

/// A link's: hard for `1`, symbolic for `2`.
pub(crate) fn link(kind: u8, target: &str) -> tar::Header {
    let mut header = header(kind);
    header.set_link_name_literal(target).unwrap();
    header
}

fn header(kind: u8) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_mtime(1_600_000_000);
    header.set_size(0);
    header
}

impl Layer {
    pub(crate) fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    pub(crate) fn file(&mut self, name: &str, pax: &[(&str, &str)], data: &[u8]) {
        self.entry(name, &header(b'0'), pax, data);
    }

    pub(crate) fn entry(
        &mut self,
        name: &str,
        header: &tar::Header,
        pax: &[(&str, &str)],
        data: &[u8],
    ) {
        let records = pax.iter().map(|(key, value)| (*key, value.as_bytes()));
        self.0.append_pax_extensions(records).unwrap();
        let mut header = header.clone();
        header.set_size(data.len() as u64);
        self.0.append_data(&mut header, name, data).unwrap();
    }
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(number: u8) -> char {
    char::from_digit(number.into(), 16).expect("half a byte is a digit")
}

impl Image {
    /// Writes it for `transom load`.
    pub(crate) fn write(self, to: &Path) {
        let layers: Vec<Vec<u8>> =
            self.layers.into_iter().map(|layer| layer.0.into_inner().unwrap()).collect();
        let ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        let config = json!({
            "architecture": "amd64",
            "os": "windows",
            "config": {},
            "rootfs": {
                "type": "layers",
                "diff_ids": ids.iter().map(|id| format!("sha256:{id}")).collect::<Vec<_>>(),
            },
        });
        let names: Vec<String> = ids.iter().map(|id| format!("{id}.tar")).collect();
        let manifest =
            json!([{ "Config": "config.json", "RepoTags": [self.name], "Layers": names }]);
        let mut archive = tar::Builder::new(File::create(to).unwrap());
        let documents = [("config.json", config), ("manifest.json", manifest)];
        let documents = documents.map(|(name, value)| (name, value.to_string().into_bytes()));
        let layers = names.iter().map(String::as_str).zip(layers);
        for (name, bytes) in layers.chain(documents) {
            let mut header = header(b'0');
            header.set_size(bytes.len() as u64);
            archive.append_data(&mut header, name, &bytes[..]).unwrap();
        }
        archive.into_inner().unwrap();
    }
}
