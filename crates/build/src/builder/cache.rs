//! Layers that were made before, found by what made them.
//!
//! `$ROOT/build/cache/<key>` names an image whose last layer it is. The image keeps the layer from
//! being pruned; when the image is gone, so is what is cached.

use std::fs;
use std::path::PathBuf;

use image::{Digest, NewLayer, Store};

pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(super) fn new(images: &Store) -> Self {
        Self { folder: images.root().join("build/cache") }
    }

    /// The layer of this key, and when it was made.
    pub(super) async fn find(&self, images: &Store, key: &Digest) -> Option<(NewLayer, String)> {
        let id = fs::read_to_string(self.folder.join(key.hex())).ok()?;
        let image = images.resolve(id.trim()).await.ok()?;
        let layer = NewLayer {
            descriptor: image.layers.last()?.clone(),
            diff_id: image.config.rootfs.diff_ids.last()?.clone(),
        };
        Some((layer, image.config.created?))
    }

    /// Notes what was made. A note that is half written names no image, and so is none.
    pub(super) fn keep(&self, key: &Digest, image: &Digest) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.folder.join(key.hex()), image.as_str())
    }
}
