//! The configuration of a cache: which key made which layer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{CacheRecord, Digest, ImageConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CacheFault, Result};

pub(super) const MEDIA_TYPE: &str = "application/vnd.buildkit.cacheconfig.v0";
const INLINE: &str = "moby.buildkit.cache.v0";

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Config {
    #[serde(default)]
    pub(super) layers: Vec<Layer>,
    #[serde(default)]
    pub(super) records: Vec<Record>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Layer {
    pub(super) blob: Digest,
    pub(super) parent: i64,
    pub(super) annotations: Annotations,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotations {
    pub(super) media_type: String,
    #[serde(rename = "diffID")]
    pub(super) diff_id: Digest,
    pub(super) size: u64,
    pub(super) created_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) digest: Digest,
    pub(super) results: Vec<Outcome>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    pub(super) layer: usize,
    pub(super) created_at: String,
}

/// What is told of these layers.
pub(super) fn configuration(records: &[CacheRecord]) -> Config {
    let mut config = Config::default();
    for record in records {
        let at = |chain: &Digest| records.iter().position(|other| other.chain_id == *chain);
        let parent = record.parent.as_ref().and_then(at).and_then(|at| i64::try_from(at).ok());
        let descriptor = &record.layer.descriptor;
        config.records.push(Record {
            digest: record.key.clone(),
            results: vec![Outcome {
                layer: config.layers.len(),
                created_at: record.created.clone(),
            }],
        });
        config.layers.push(Layer {
            blob: Digest::try_from(descriptor.digest())
                .expect("the store has blobs of SHA-256 only"),
            parent: parent.unwrap_or(-1),
            annotations: Annotations {
                media_type: descriptor.media_type().to_string(),
                diff_id: record.layer.diff_id.clone(),
                size: descriptor.size(),
                created_at: record.created.clone(),
            },
        });
    }
    config
}

/// Puts the cache of an image's own layers into its configuration.
pub(crate) fn inline(config: &mut ImageConfig, records: &[CacheRecord]) {
    let bytes = serde_json::to_vec(&configuration(records)).expect("it is plain data");
    config.other.insert(INLINE.to_owned(), Value::String(STANDARD.encode(bytes)));
}

/// Of a manifest and its configuration: a cache's own, or an image's with a cache in it.
pub(super) fn config_of(manifest: &Value, config: &[u8]) -> Result<Config> {
    if manifest["config"]["mediaType"] == MEDIA_TYPE {
        return Ok(serde_json::from_slice(config)?);
    }
    let image: Value = serde_json::from_slice(config)?;
    let inline = image[INLINE].as_str();
    let inline = inline.ok_or_else(|| CacheFault::Missing("it has no cache in it".to_owned()))?;
    let bytes = STANDARD.decode(inline);
    let bytes = bytes.map_err(|error| CacheFault::Missing(format!("its cache: {error}")))?;
    Ok(serde_json::from_slice(&bytes)?)
}
