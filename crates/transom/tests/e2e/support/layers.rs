//! The layers of an image as others see them: skopeo takes an archive apart, and tar a layer.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use super::host::Host;
use super::registry::skopeo;

/// A layer's archive.
pub(crate) struct Layer {
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    content: Vec<u8>,
    target: String,
    records: BTreeMap<String, String>,
}

impl Layer {
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// A file's content.
    pub(crate) fn read(&self, name: &str) -> &[u8] {
        &self.entry(name).content
    }

    /// The entries whose content has this text in it, in UTF-8 or as Windows writes it.
    pub(crate) fn holding(&self, text: &str) -> Vec<&str> {
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let has = |content: &[u8]| {
            [text.as_bytes(), &wide]
                .iter()
                .any(|wanted| content.windows(wanted.len()).any(|part| part == *wanted))
        };
        let names = self.entries.iter().filter(|(_, entry)| has(&entry.content));
        names.map(|(name, _)| name.as_str()).collect()
    }

    /// Where a link leads.
    pub(crate) fn target(&self, name: &str) -> &str {
        &self.entry(name).target
    }

    /// A PAX record of an entry; empty when it has none.
    pub(crate) fn record(&self, name: &str, key: &str) -> &str {
        self.entry(name).records.get(key).map_or("", String::as_str)
    }

    fn entry(&self, name: &str) -> &Entry {
        let names = || self.entries.keys().collect::<Vec<_>>();
        self.entries.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", names()))
    }
}

/// The layers of an image, the base first.
pub(crate) fn of(host: &Host, image: &str) -> Vec<Layer> {
    let folder = host.scratch();
    let archive = folder.path().join("image.tar");
    host.transom(&["save", "--output"]).arg(&archive).arg(image).succeed();
    let apart = folder.path().join("apart");
    let (from, to) =
        (format!("docker-archive:{}", archive.display()), format!("dir:{}", apart.display()));
    skopeo(&["copy", "--dest-decompress", &from, &to]);
    let manifest = std::fs::read(apart.join("manifest.json")).expect("skopeo writes a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("it is JSON");
    let layers = manifest["layers"].as_array().expect("an image has layers");
    let file = |layer: &serde_json::Value| -> PathBuf {
        apart.join(layer["digest"].as_str().unwrap_or_default().replace("sha256:", ""))
    };
    layers.iter().map(|layer| read(&std::fs::read(file(layer)).expect("it is there"))).collect()
}

fn read(archive: &[u8]) -> Layer {
    let mut entries = BTreeMap::new();
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries().expect("a layer is an archive") {
        let mut entry = entry.expect("an entry can be read");
        let name = entry.path().expect("a name").to_string_lossy().trim_end_matches('/').to_owned();
        let mut records = BTreeMap::new();
        if let Some(extensions) = entry.pax_extensions().expect("records can be read") {
            for extension in extensions.flatten() {
                let text = |result: Result<&str, _>| result.unwrap_or_default().to_owned();
                records.insert(text(extension.key()), text(extension.value()));
            }
        }
        let target = entry.link_name_bytes().unwrap_or_default();
        let target = String::from_utf8_lossy(&target).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content can be read");
        entries.insert(name, Entry { content, target, records });
    }
    Layer { entries }
}
