//! Docker's own form: `manifest.json` names configurations, layers and tags by path.

use oci_spec::image::{ImageManifestBuilder, MediaType};
use serde::Deserialize;

use super::intake::Intake;
use super::{Claim, describe_blob};
use crate::compose::describe;
use crate::config::ImageConfig;
use crate::error::{Error, Result};
use crate::image::digest_of;
use crate::name::ImageName;
use crate::store::Store;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

pub(super) fn claims(store: &Store, intake: &Intake) -> Result<Vec<Claim>> {
    let bytes = intake.document(store, "manifest.json")?;
    let items: Vec<Item> =
        serde_json::from_slice(&bytes).map_err(Error::json("`manifest.json`"))?;
    items.iter().map(|item| claim(store, intake, item)).collect()
}

fn claim(store: &Store, intake: &Intake, item: &Item) -> Result<Claim> {
    let config = intake.document(store, &item.config)?;
    let digest = store.put_blob(&config)?;
    let layers: Vec<_> =
        item.layers.iter().map(|path| intake.layer(path)).collect::<Result<_>>()?;
    let what = format!("image configuration `{}`", item.config);
    let parsed: ImageConfig = serde_json::from_slice(&config).map_err(Error::json(&what))?;
    for (layer, diff_id) in layers.iter().zip(&parsed.rootfs.diff_ids) {
        let actual = digest_of(layer)?;
        if *layer.media_type() == MediaType::ImageLayer && actual != *diff_id {
            let what = format!("a layer of `{}`", item.config);
            return Err(Error::WrongDigest { what, expected: diff_id.clone(), actual });
        }
    }
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .config(describe(MediaType::ImageConfig, &digest, config.len() as u64))
        .layers(layers)
        .build()
        .expect("every member that a manifest must have is there");
    let bytes = serde_json::to_vec(&manifest).map_err(Error::json("manifest"))?;
    let digest = store.put_blob(&bytes)?;
    let names = item.repo_tags.iter().flatten().map(|name| ImageName::parse(name));
    Ok(Claim {
        manifest: describe_blob(store, MediaType::ImageManifest, &digest)?,
        names: names.collect::<Result<_>>()?,
    })
}
