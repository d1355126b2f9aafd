//! What is attested of an image, as `BuildKit` lays it out: a manifest of in-toto statements beside
//! the image's own in an index, bound to it by annotations.

use jiff::Timestamp;
use oci_spec::image::{Descriptor, MediaType};
use serde_json::{Map, Value, json};

use crate::compose::describe;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::store::Store;
use crate::store::index::{Index, Record};

const IN_TOTO: &str = "application/vnd.in-toto+json";
const PREDICATE: &str = "in-toto.io/predicate-type";

pub(crate) fn wrap(
    store: &Store,
    image: &Image,
    statements: &[(String, Vec<u8>)],
    annotations: &Map<String, Value>,
) -> Result<Image> {
    let mut layers = Vec::new();
    let mut diff_ids = Vec::new();
    for (predicate, statement) in statements {
        let digest = store.put_blob(statement)?;
        diff_ids.push(digest.clone());
        layers.push(json!({
            "mediaType": IN_TOTO,
            "digest": digest,
            "size": statement.len(),
            "annotations": { PREDICATE: predicate },
        }));
    }
    let config = put(
        store,
        MediaType::ImageConfig,
        &json!({
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        }),
    )?;
    let attested = put(
        store,
        MediaType::ImageManifest,
        &json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.to_string(),
            "config": config,
            "layers": layers,
        }),
    )?;
    let whole = put(store, MediaType::ImageIndex, &index(image, &attested, annotations)?)?;
    let digest = image.manifest_digest();
    let record =
        Record { manifest: image.manifest.clone(), added: Timestamp::now(), whole: Some(whole) };
    Image::read(store, &Index::default(), &digest, &record)
}

fn index(image: &Image, attested: &Descriptor, annotations: &Map<String, Value>) -> Result<Value> {
    let entry = |descriptor| serde_json::to_value(descriptor).map_err(Error::json("descriptor"));
    let mut own = entry(&image.manifest)?;
    let config = &image.config;
    own["platform"] = json!({ "architecture": config.architecture, "os": config.os });
    if let Some(version) = &config.os_version {
        own["platform"]["os.version"] = json!(version);
    }
    let mut beside = entry(attested)?;
    beside["annotations"] = json!({
        "vnd.docker.reference.digest": image.manifest_digest(),
        "vnd.docker.reference.type": "attestation-manifest",
    });
    beside["platform"] = json!({ "architecture": "unknown", "os": "unknown" });
    let mut index = json!({
        "schemaVersion": 2,
        "mediaType": MediaType::ImageIndex.to_string(),
        "manifests": [own, beside],
    });
    if !annotations.is_empty() {
        index["annotations"] = Value::Object(annotations.clone());
    }
    Ok(index)
}

fn put(store: &Store, media_type: MediaType, document: &Value) -> Result<Descriptor> {
    let bytes = serde_json::to_vec(document).map_err(Error::json("attestation"))?;
    let digest: Digest = store.put_blob(&bytes)?;
    Ok(describe(media_type, &digest, bytes.len() as u64))
}
