//! Layers and images for tests, made entry by entry so that they can also be what no tool makes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Compression, ContainerConfig, Image, ImageConfig, NewLayer, Quiet, Settings, Store};
use tempfile::TempDir;

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Layer(pub(crate) Vec<u8>);

impl Layer {
    /// One with the two folders that every Windows layer has.
    pub(crate) fn new() -> Self {
        Self::default().dir("Files").dir("Hives")
    }

    pub(crate) fn file(self, name: &str, data: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', name, "", data.as_ref())
    }

    pub(crate) fn dir(self, name: &str) -> Self {
        self.entry(b'5', name, "", b"")
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(b'2', name, target, b"")
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(b'1', name, target, b"")
    }

    pub(crate) fn pax(mut self, records: &[(&str, &str)]) -> Self {
        let mut body = Vec::new();
        for (key, value) in records {
            let rest = format!(" {key}={value}\n");
            let mut length = rest.len() + 1;
            while length.to_string().len() + rest.len() != length {
                length = length.to_string().len() + rest.len();
            }
            body.extend(format!("{length}{rest}").into_bytes());
        }
        self.raw(b'x', b"pax", b"", &body);
        self
    }

    pub(crate) fn entry(mut self, kind: u8, name: &str, link: &str, data: &[u8]) -> Self {
        for (flag, text) in [(b'L', name), (b'K', link)] {
            if text.len() > 100 {
                let mut long = text.as_bytes().to_vec();
                long.push(0);
                self.raw(flag, b"././@LongLink", b"", &long);
            }
        }
        self.raw(kind, name.as_bytes(), link.as_bytes(), data);
        self
    }

    /// A header with these very bytes in it.
    pub(crate) fn raw(&mut self, kind: u8, name: &[u8], link: &[u8], data: &[u8]) {
        let mut header = tar::Header::new_ustar();
        let fields = header.as_old_mut();
        let (name, link) = (&name[..name.len().min(100)], &link[..link.len().min(100)]);
        fields.name[..name.len()].copy_from_slice(name);
        fields.linkname[..link.len()].copy_from_slice(link);
        fields.linkflag = [kind];
        header.set_mode(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_600_000_000);
        header.set_size(data.len() as u64);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    /// The whole archive.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.clone();
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }
}

/// A store of its own, with a platform's drive beside it.
pub(crate) struct Host {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) drive: PathBuf,
}

impl Host {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let drive = dir.path().join("platform/drive_c");
        for folder in ["windows/system32", "users/Public", "Program Files", "ProgramData"] {
            std::fs::create_dir_all(drive.join(folder)).unwrap();
        }
        let store = Store::open_with(dir.path().join("root"), settings).await.unwrap();
        Self { dir, store, drive }
    }

    /// Another process's view of the same store.
    pub(crate) async fn again(&self) -> Store {
        Store::open_with(self.store.root(), self.store.settings().clone()).await.unwrap()
    }

    pub(crate) async fn image(&self, name: Option<&str>, layers: &[Layer]) -> Image {
        self.image_of(name, layers.iter().map(Layer::bytes).collect()).await
    }

    /// An image of archives that need not be any.
    pub(crate) async fn image_of(&self, name: Option<&str>, layers: Vec<Vec<u8>>) -> Image {
        let hold = self.store.hold().await.unwrap();
        let mut added: Vec<NewLayer> = Vec::new();
        for bytes in layers {
            added.push(
                self.store
                    .add_layer(&hold, Compression::default(), move |out| out.write_all(&bytes))
                    .await
                    .unwrap(),
            );
        }
        self.store.create_image(&hold, config(), added, name).await.unwrap()
    }

    pub(crate) async fn unpack(&self, image: &Image) -> image::Result<Vec<PathBuf>> {
        let chain = self.store.unpack(image, &self.drive, Arc::new(Quiet)).await?;
        Ok(chain.folders)
    }

    /// Unpacks a single layer; gives its folder.
    pub(crate) async fn unpack_one(&self, layer: Layer) -> image::Result<PathBuf> {
        let image = self.image(None, &[layer]).await;
        Ok(self.unpack(&image).await?.remove(0))
    }

    /// What is in `layers/` and `content/ingest/`.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let list = |dir: &str| {
            let entries = std::fs::read_dir(self.store.root().join(dir)).unwrap();
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        let mut left = list("layers");
        left.extend(list("content/ingest"));
        left
    }

    /// How many blobs there are.
    pub(crate) fn blobs(&self) -> usize {
        std::fs::read_dir(self.store.root().join("content/blobs/sha256")).unwrap().count()
    }
}

pub(crate) fn config() -> ImageConfig {
    ImageConfig {
        architecture: "amd64".into(),
        os: "windows".into(),
        os_version: Some("10.0.20348.2700".into()),
        config: ContainerConfig { cmd: Some(vec!["cmd".into()]), ..ContainerConfig::default() },
        ..ImageConfig::default()
    }
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref())
        .unwrap_or_else(|e| panic!("{}: {e}", path.as_ref().display()))
}
