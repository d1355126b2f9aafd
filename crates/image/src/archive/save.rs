//! Writing images into an archive: an OCI layout, with docker's `manifest.json` beside it when
//! docker is to read it. The same images always give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

use serde_json::{Value, json};

use super::oci::{CONTAINERD_NAME, REF_NAME};
use crate::compose::Hold;
use crate::digest::Digest;
use crate::error::{Error, Result, stream};
use crate::image::{Image, digest_of};
use crate::name::ImageName;
use crate::store::Store;

/// Who is to read an archive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// Docker, and everyone who reads OCI layouts.
    #[default]
    Docker,
    /// An OCI layout and nothing else.
    Oci,
}

/// An image to save, and the names by which it was asked for.
struct Item {
    image: Image,
    names: BTreeSet<ImageName>,
}

impl Store {
    /// Writes the named images into an archive. A repository without a tag stands for all its tags.
    pub async fn save(
        &self,
        names: &[String],
        format: ArchiveFormat,
        output: Box<dyn Write + Send>,
    ) -> Result<()> {
        let names = names.to_vec();
        self.blocking(move |store| store.save_sync(&names, format, output)).await
    }

    /// Writes an image that is held but in no list into an archive, with these names.
    pub async fn save_draft(
        &self,
        _hold: &Hold,
        image: &Image,
        names: &[ImageName],
        format: ArchiveFormat,
        output: Box<dyn Write + Send>,
    ) -> Result<()> {
        let item = Item { image: image.clone(), names: names.iter().cloned().collect() };
        self.blocking(move |store| store.write_archive(&[item], format, output)).await
    }

    fn save_sync(&self, names: &[String], format: ArchiveFormat, output: impl Write) -> Result<()> {
        // What is being written must not be pruned meanwhile.
        let _adding = self.lock_adding()?;
        self.write_archive(&self.items(names)?, format, output)
    }

    fn write_archive(
        &self,
        items: &[Item],
        format: ArchiveFormat,
        output: impl Write,
    ) -> Result<()> {
        let mut archive = tar::Builder::new(std::io::BufWriter::with_capacity(1 << 20, output));
        document(&mut archive, "oci-layout", &json!({ "imageLayoutVersion": "1.0.0" }))?;
        document(&mut archive, "index.json", &index(items)?)?;
        if format == ArchiveFormat::Docker {
            document(&mut archive, "manifest.json", &manifests(items)?)?;
        }
        let blobs: BTreeSet<Digest> = items.iter().flat_map(|item| item.image.blobs()).collect();
        for digest in blobs {
            self.append_blob(&mut archive, &digest)?;
        }
        let failed = || stream("write the image archive");
        archive.into_inner().map_err(failed())?.flush().map_err(failed())
    }

    fn items(&self, names: &[String]) -> Result<Vec<Item>> {
        let mut items: BTreeMap<Digest, Item> = BTreeMap::new();
        for text in names {
            for (image, name) in self.asked(text)? {
                let item = items.entry(image.manifest_digest());
                let item = item.or_insert_with(|| Item { image, names: BTreeSet::new() });
                item.names.extend(name);
            }
        }
        Ok(items.into_values().collect())
    }

    /// The images that a word of the user means, each with the name that it means it by.
    fn asked(&self, text: &str) -> Result<Vec<(Image, Option<ImageName>)>> {
        let Ok(name) = ImageName::parse(text) else {
            return Ok(vec![(self.resolve_sync(text)?, None)]);
        };
        let index = self.read_index()?;
        let bare = !text.contains('@') && !text.rsplit('/').next().unwrap_or(text).contains(':');
        let meant = |other: &ImageName| {
            let same = other.by_tag("latest") == name.by_tag("latest");
            if bare { same && other.tag().is_some() } else { *other == name }
        };
        let found: Vec<_> = index.names.iter().filter(|(other, _)| meant(other)).collect();
        if found.is_empty() {
            let image = self.resolve_sync(text)?;
            return Ok(vec![(image, None)]);
        }
        let read = |(name, digest): (&ImageName, &Digest)| {
            let name = name.tag().is_some().then(|| name.clone());
            Ok((self.image_of(&index, digest)?, name))
        };
        found.into_iter().map(read).collect()
    }

    pub(super) fn append_blob<W: Write>(
        &self,
        archive: &mut tar::Builder<W>,
        digest: &Digest,
    ) -> Result<()> {
        let file = self.open_blob(digest)?;
        let size = file.metadata().map_err(stream("look at a blob"))?.len();
        append(archive, &format!("blobs/sha256/{}", digest.hex()), size, file)
    }
}

/// One entry for each name of an image, or one without a name.
fn index(items: &[Item]) -> Result<Value> {
    let mut entries = Vec::new();
    for Item { image, names } in items {
        let whole = image.whole.as_ref().unwrap_or(&image.manifest);
        let mut entry = serde_json::to_value(whole).map_err(Error::json("descriptor"))?;
        let config = &image.config;
        entry["platform"] = json!({ "architecture": config.architecture, "os": config.os });
        if let Some(version) = &config.os_version {
            entry["platform"]["os.version"] = json!(version);
        }
        if names.is_empty() {
            entries.push(entry);
            continue;
        }
        for name in names {
            let mut entry = entry.clone();
            entry["annotations"] = json!({
                CONTAINERD_NAME: name.canonical(),
                REF_NAME: name.tag().unwrap_or_default(),
            });
            entries.push(entry);
        }
    }
    Ok(json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": entries,
    }))
}

fn manifests(items: &[Item]) -> Result<Value> {
    let path = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let entry = |Item { image, names }: &Item| {
        let layers = image.layers.iter().map(|layer| Ok(path(&digest_of(layer)?)));
        Ok(json!({
            "Config": path(&image.id),
            "RepoTags": names.iter().map(ImageName::familiar).collect::<Vec<_>>(),
            "Layers": layers.collect::<Result<Vec<_>>>()?,
        }))
    };
    Ok(Value::Array(items.iter().map(entry).collect::<Result<_>>()?))
}

pub(super) fn document<W: Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    value: &Value,
) -> Result<()> {
    let bytes = serde_json::to_vec(value).map_err(Error::json(name))?;
    append(archive, name, bytes.len() as u64, bytes.as_slice())
}

pub(super) fn append<W: Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    size: u64,
    data: impl Read,
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, data).map_err(stream("write the image archive"))
}
