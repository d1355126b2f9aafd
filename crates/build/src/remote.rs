//! Caches outside the store: where they are, how they are written, and what is read of them.
//!
//! `BuildKit`'s layout: a manifest whose layers are the layers and whose configuration tells which
//! key made which of them. In a folder it is an OCI layout, in a registry it has a tag; the inline
//! form is the same configuration inside that of the image. Keys are content: whoever has the same
//! instructions on the same files finds the same keys.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{CacheRecord, Descriptor, Digest, Hold, ImageConfig, ImageName, NewLayer, Store};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const CONFIG: &str = "application/vnd.buildkit.cacheconfig.v0";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INLINE: &str = "moby.buildkit.cache.v0";
/// An index of a folder, or a configuration, is never anywhere near this.
const LARGEST: u64 = 64 << 20;

/// Where a cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// An OCI layout, and the tag in it.
    Folder(PathBuf, String),
    /// A name in a registry.
    Registry(ImageName),
    /// Inside the image.
    Inline,
}

/// A cache to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheTo {
    /// Where.
    pub place: Place,
    /// Every layer that the build went by, not only those of the image.
    pub max: bool,
    /// A failure is told, and the build goes well.
    pub ignore_error: bool,
}

/// Why a cache cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the cache {place}")]
pub struct CacheError {
    /// Which.
    pub place: String,
    /// Why.
    #[source]
    pub cause: CacheFault,
}

/// What is wrong with a cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheFault {
    /// The store, or the registry.
    #[error(transparent)]
    Image(#[from] image::Error),
    /// A file.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A document.
    #[error("a document of it")]
    Json(#[from] serde_json::Error),
    /// What should be there is not.
    #[error("{0}")]
    Missing(String),
}

type Result<T> = std::result::Result<T, CacheFault>;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Config {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    records: Vec<Record>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Layer {
    blob: Digest,
    parent: i64,
    annotations: Annotations,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Annotations {
    media_type: String,
    #[serde(rename = "diffID")]
    diff_id: Digest,
    size: u64,
    created_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    digest: Digest,
    results: Vec<Outcome>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    layer: usize,
    created_at: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path, tag) => write!(f, "type=local,dest={},tag={tag}", path.display()),
            Self::Registry(name) => write!(f, "type=registry,ref={}", name.familiar()),
            Self::Inline => f.write_str("type=inline"),
        }
    }
}

impl Place {
    /// Reads `type=local,src=DIR`, `type=registry,ref=NAME`, or a name; `folder` is what the key of
    /// the folder is called.
    pub fn parse(text: &str, folder: &str) -> std::result::Result<(Self, Options), String> {
        let fields = crate::output::fields(text)?;
        if fields.len() == 1 && fields[0].1.is_none() {
            let name = ImageName::parse(text).map_err(|error| error.to_string())?;
            return Ok((Self::Registry(name), Options::default()));
        }
        let mut given = BTreeMap::new();
        for (key, value) in fields {
            let value = value.ok_or_else(|| format!("`{key}` has no value"))?;
            given.insert(key, value);
        }
        let kind = given.remove("type").ok_or("a type is needed")?;
        let place = match kind.as_str() {
            "local" => {
                let path = given.remove(folder).ok_or_else(|| format!("a {folder} is needed"))?;
                let tag = given.remove("tag").unwrap_or_else(|| "latest".to_owned());
                Self::Folder(PathBuf::from(path), tag)
            }
            "registry" => {
                let name = given.remove("ref").ok_or("a ref is needed")?;
                Self::Registry(ImageName::parse(&name).map_err(|error| error.to_string())?)
            }
            "inline" if folder == "dest" => Self::Inline,
            other => return Err(format!("type {other} is not supported")),
        };
        let options = Options::take(&mut given)?;
        match given.into_keys().next() {
            Some(key) => Err(format!("`{key}` is no key that a cache of type {kind} has")),
            None => Ok((place, options)),
        }
    }
}

/// What else is said of a cache to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// `mode=max`
    pub max: bool,
    /// `ignore-error=true`
    pub ignore_error: bool,
}

impl Options {
    fn take(given: &mut BTreeMap<String, String>) -> std::result::Result<Self, String> {
        let max = match given.remove("mode").as_deref() {
            None | Some("min") => false,
            Some("max") => true,
            Some(other) => return Err(format!("mode {other}: min or max is wanted")),
        };
        let mut truth = |key: &str, default: bool| match given.remove(key).as_deref() {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(other) => Err(format!("`{key}={other}` is neither true nor false")),
        };
        let ignore_error = truth("ignore-error", false)?;
        // The only ones that are written.
        for key in ["image-manifest", "oci-mediatypes"] {
            if !truth(key, true)? {
                return Err(format!("`{key}=false` is not supported"));
            }
        }
        Ok(Self { max, ignore_error })
    }
}

impl CacheTo {
    /// Reads `type=local,dest=DIR,mode=max`, `type=registry,ref=NAME`, `type=inline`, or a name.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let (place, options) = Place::parse(text, "dest")?;
        if place == Place::Inline && options.max {
            return Err("an inline cache has the image's own layers only".to_owned());
        }
        Ok(Self { place, max: options.max, ignore_error: options.ignore_error })
    }

    /// Writes the cache; one inside an image is written with it.
    pub(crate) async fn write(
        &self,
        images: &Store,
        hold: &Hold,
        records: &[CacheRecord],
    ) -> std::result::Result<(), CacheError> {
        let failed = |cause| CacheError { place: self.place.to_string(), cause };
        self.put(images, hold, records).await.map_err(failed)
    }

    async fn put(&self, images: &Store, hold: &Hold, records: &[CacheRecord]) -> Result<()> {
        let config = serde_json::to_vec(&configuration(records))?;
        let config = images.add_document(hold, CONFIG, config).await?;
        let mut blobs: Vec<Descriptor> = Vec::new();
        for record in records {
            if !blobs.contains(&record.layer.descriptor) {
                blobs.push(record.layer.descriptor.clone());
            }
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": blobs,
        });
        let bytes = serde_json::to_vec(&manifest)?;
        let manifest = images.add_document(hold, MANIFEST, bytes).await?;
        blobs.push(config);
        match &self.place {
            Place::Inline => Ok(()),
            Place::Registry(name) => {
                Ok(images.push_artifact(hold, name, &manifest, &blobs).await?)
            }
            Place::Folder(folder, tag) => {
                blobs.push(manifest.clone());
                layout(images, folder, tag, &manifest, &blobs).await
            }
        }
    }
}

fn configuration(records: &[CacheRecord]) -> Config {
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

async fn layout(
    images: &Store,
    folder: &Path,
    tag: &str,
    manifest: &Descriptor,
    blobs: &[Descriptor],
) -> Result<()> {
    let all = folder.join("blobs/sha256");
    tokio::fs::create_dir_all(&all).await.map_err(io(&all))?;
    for blob in blobs {
        images.copy_out(blob, &all.join(blob.digest().digest())).await?;
    }
    let path = folder.join("index.json");
    let mut index = match tokio::fs::read(&path).await {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
        }),
        Err(error) => return Err(io(&path)(error)),
    };
    let mut entry = serde_json::to_value(manifest)?;
    entry["annotations"] = json!({ REF_NAME: tag });
    let manifests = index["manifests"].as_array_mut();
    let manifests = manifests.ok_or_else(|| CacheFault::Missing("its manifests".to_owned()))?;
    manifests.retain(|other| other["annotations"][REF_NAME] != tag);
    manifests.push(entry);
    for (name, text) in [
        ("oci-layout", json!({ "imageLayoutVersion": "1.0.0" })),
        // Last: what it names is there.
        ("index.json", index),
    ] {
        let (path, draft) = (folder.join(name), folder.join(format!(".{name}.new")));
        tokio::fs::write(&draft, text.to_string()).await.map_err(io(&draft))?;
        tokio::fs::rename(&draft, &path).await.map_err(io(&path))?;
    }
    Ok(())
}

const REF_NAME: &str = "org.opencontainers.image.ref.name";

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> CacheFault {
    let path = path.to_owned();
    move |source| CacheFault::Io { path, source }
}

/// What a cache outside the store has.
#[derive(Debug)]
pub(crate) struct Remote {
    place: Place,
    layers: BTreeMap<Digest, (NewLayer, String)>,
}

impl Remote {
    /// Reads what a cache has, and nothing of the layers yet.
    pub(crate) async fn open(
        images: &Store,
        hold: &Hold,
        place: &Place,
    ) -> std::result::Result<Self, CacheError> {
        let failed = |cause| CacheError { place: place.to_string(), cause };
        let config = read(images, hold, place).await.map_err(failed)?;
        let mut layers = BTreeMap::new();
        for record in config.records {
            let Some(result) = record.results.first() else { continue };
            let Some(layer) = config.layers.get(result.layer) else { continue };
            let descriptor = json!({
                "mediaType": layer.annotations.media_type,
                "digest": layer.blob,
                "size": layer.annotations.size,
            });
            let Ok(descriptor) = serde_json::from_value(descriptor) else { continue };
            let layer = NewLayer { descriptor, diff_id: layer.annotations.diff_id.clone() };
            layers.insert(record.digest, (layer, result.created_at.clone()));
        }
        Ok(Self { place: place.clone(), layers })
    }

    /// The layer of a key, brought into the store.
    pub(crate) async fn fetch(
        &self,
        images: &Store,
        hold: &Hold,
        key: &Digest,
    ) -> image::Result<Option<(NewLayer, String)>> {
        let Some((layer, created)) = self.layers.get(key) else { return Ok(None) };
        let there = match &self.place {
            Place::Folder(folder, _) => {
                let file = folder.join("blobs/sha256").join(layer.descriptor.digest().digest());
                images.copy_in(hold, &layer.descriptor, &file).await?
            }
            Place::Registry(name) => {
                images.fetch_part(hold, name, &layer.descriptor).await.map(|()| true)?
            }
            Place::Inline => false,
        };
        Ok(there.then(|| (layer.clone(), created.clone())))
    }
}

async fn read(images: &Store, hold: &Hold, place: &Place) -> Result<Config> {
    match place {
        Place::Inline => Ok(Config::default()),
        Place::Folder(folder, tag) => {
            let index: Value = serde_json::from_slice(&file(&folder.join("index.json")).await?)?;
            let all = index["manifests"].as_array().into_iter().flatten();
            let tagged = |entry: &&Value| entry["annotations"][REF_NAME] == tag.as_str();
            let entry = all.into_iter().find(tagged);
            let entry = entry.ok_or_else(|| CacheFault::Missing(format!("no tag {tag}")))?;
            let blob = |descriptor: &Value| {
                let digest = descriptor["digest"].as_str().unwrap_or_default();
                let digest: Digest = digest.parse()?;
                Ok::<_, CacheFault>((folder.join("blobs/sha256").join(digest.hex()), digest))
            };
            let manifest: Value = serde_json::from_slice(&verified(blob(entry)?).await?)?;
            config_of(&manifest, &verified(blob(&manifest["config"])?).await?)
        }
        Place::Registry(name) => {
            let (bytes, _) = images.fetch_manifest(name).await?;
            let mut manifest: Value = serde_json::from_slice(&bytes)?;
            // An image with what is attested of it.
            if let Some(first) = manifest["manifests"][0]["digest"].as_str() {
                let (bytes, _) = images.fetch_manifest(&name.by_digest(&first.parse()?)).await?;
                manifest = serde_json::from_slice(&bytes)?;
            }
            let config: Descriptor = serde_json::from_value(manifest["config"].clone())?;
            if config.size() > LARGEST {
                return Err(CacheFault::Missing("its configuration is too large".to_owned()));
            }
            images.fetch_part(hold, name, &config).await?;
            let bytes = images.document(&Digest::try_from(config.digest())?).await?;
            config_of(&manifest, &bytes)
        }
    }
}

fn config_of(manifest: &Value, config: &[u8]) -> Result<Config> {
    if manifest["config"]["mediaType"] == CONFIG {
        return Ok(serde_json::from_slice(config)?);
    }
    let image: Value = serde_json::from_slice(config)?;
    let inline = image[INLINE].as_str();
    let inline = inline.ok_or_else(|| CacheFault::Missing("it has no cache in it".to_owned()))?;
    let bytes = STANDARD.decode(inline);
    let bytes = bytes.map_err(|error| CacheFault::Missing(format!("its cache: {error}")))?;
    Ok(serde_json::from_slice(&bytes)?)
}

async fn verified((path, digest): (PathBuf, Digest)) -> Result<Vec<u8>> {
    let bytes = file(&path).await?;
    if Digest::of(&bytes) == digest {
        return Ok(bytes);
    }
    Err(CacheFault::Missing(format!("{} is not what its name promises", path.display())))
}

async fn file(path: &Path) -> Result<Vec<u8>> {
    let size = tokio::fs::metadata(path).await.map_err(io(path))?.len();
    if size > LARGEST {
        return Err(CacheFault::Missing(format!("{} is too large", path.display())));
    }
    tokio::fs::read(path).await.map_err(io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_named_as_buildx_names_them() {
        let to = CacheTo::parse("type=local,dest=/c,mode=max,ignore-error=true").unwrap();
        assert_eq!(to.place, Place::Folder("/c".into(), "latest".into()));
        assert!(to.max && to.ignore_error);
        let (from, _) = Place::parse("user/app", "src").unwrap();
        assert!(matches!(from, Place::Registry(name) if name.familiar() == "user/app:latest"));
        for (text, wanted) in [
            ("type=local", "a dest is needed"),
            ("type=gha", "type gha is not supported"),
            ("type=registry,ref=a,mode=mid", "min or max"),
            ("type=registry,ref=a,image-manifest=false", "not supported"),
            ("type=inline,mode=max", "own layers only"),
            ("type=local,dest=x,scope=y", "`scope` is no key"),
        ] {
            let error = CacheTo::parse(text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(Place::parse("type=inline", "src").is_err());
    }
}
