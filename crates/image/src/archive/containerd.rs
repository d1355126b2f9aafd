//! Writing one image for a containerd on Linux: an OCI layout that names the image's manifest and no
//! platform, since what names another platform is passed over there.

use std::io::Write;

use serde_json::{Value, json};

use super::oci::{CONTAINERD_NAME, REF_NAME};
use super::save::{append, document};
use crate::digest::Digest;
use crate::error::{Error, Result, stream};
use crate::image::{Image, digest_of};
use crate::name::ImageName;
use crate::store::Store;

impl Store {
    /// Writes `image` under `name`. Without its user it is another image, with another id.
    pub async fn save_for_containerd(
        &self,
        image: &Image,
        name: &ImageName,
        drop_user: bool,
        output: Box<dyn Write + Send>,
    ) -> Result<()> {
        let (image, name) = (image.clone(), name.clone());
        self.blocking(move |store| store.save_for_containerd_sync(&image, &name, drop_user, output))
            .await
    }

    fn save_for_containerd_sync(
        &self,
        image: &Image,
        name: &ImageName,
        drop_user: bool,
        output: impl Write,
    ) -> Result<()> {
        // What is being written must not be pruned meanwhile.
        let _adding = self.lock_adding()?;
        let mut config = self.json(&image.id, "image config")?;
        let mut manifest = self.json(&image.manifest_digest(), "manifest")?;
        let mut archive = tar::Builder::new(std::io::BufWriter::with_capacity(1 << 20, output));
        if drop_user && let Some(config) = config["config"].as_object_mut() {
            config.remove("User");
        }
        let of_config = put(&mut archive, &config)?;
        manifest["config"]["digest"] = of_config["digest"].clone();
        manifest["config"]["size"] = of_config["size"].clone();
        let mut entry = put(&mut archive, &manifest)?;
        entry["mediaType"] = json!(image.manifest.media_type());
        entry["annotations"] = json!({
            CONTAINERD_NAME: name.canonical(),
            REF_NAME: name.tag().unwrap_or_default(),
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [entry],
        });
        document(&mut archive, "oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }))?;
        document(&mut archive, "index.json", &index)?;
        let mut layers = image.layers.iter().map(digest_of).collect::<Result<Vec<_>>>()?;
        layers.sort();
        layers.dedup();
        for digest in layers {
            self.append_blob(&mut archive, &digest)?;
        }
        let failed = || stream("write the image archive");
        archive.into_inner().map_err(failed())?.flush().map_err(failed())
    }

    fn json(&self, digest: &Digest, what: &str) -> Result<Value> {
        serde_json::from_slice(&self.read_document(digest)?).map_err(Error::json(what))
    }
}

/// Writes a document as a blob, and gives its digest and size.
fn put<W: Write>(archive: &mut tar::Builder<W>, value: &Value) -> Result<Value> {
    let bytes = serde_json::to_vec(value).map_err(Error::json("blob"))?;
    let digest = Digest::of(&bytes);
    append(archive, &format!("blobs/sha256/{}", digest.hex()), bytes.len() as u64, &bytes[..])?;
    Ok(json!({ "digest": digest.as_str(), "size": bytes.len() }))
}
