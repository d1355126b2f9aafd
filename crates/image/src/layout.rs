//! Images in folders of somebody else's, which are OCI layouts: `oci-layout://FOLDER[:TAG][@DIGEST]`.
//!
//! What is needed of one image is copied into the store and verified on the way. It gets no name:
//! it is there while it is held. Whole archives are `archive`'s.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use oci_spec::image::{Descriptor, ImageIndex};

use crate::archive::oci::{self, CONTAINERD_NAME, REF_NAME};
use crate::compose::{Hold, describe};
use crate::digest::Digest;
use crate::error::{Error, IoContext, Result, stream};
use crate::image::{Image, check_platform, digest_of, parse_manifest};
use crate::store::Store;
use crate::store::blobs::MAX_DOCUMENT;
use crate::store::index::{Index, Record};

/// An image in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The folder.
    pub folder: PathBuf,
    /// What the image is called in it; `latest`, or the only one there is, when absent.
    pub tag: Option<String>,
    /// Its digest, or that of an index around it.
    pub digest: Option<Digest>,
}

impl Layout {
    /// Reads `FOLDER[:TAG][@DIGEST]`.
    pub fn parse(text: &str) -> Result<Self> {
        let (path, digest) = match text.split_once('@') {
            Some((path, digest)) => (path, Some(digest.parse()?)),
            None => (text, None),
        };
        let (folder, tag) = match path.split_once(':') {
            Some((folder, tag)) => (folder, Some(tag.to_owned())),
            None => (path, None),
        };
        if folder.is_empty() || tag.as_deref() == Some("") {
            return Err(Error::invalid(format!("OCI layout `{text}`"), "FOLDER[:TAG][@DIGEST]"));
        }
        Ok(Self { folder: folder.into(), tag, digest })
    }

    fn what(&self) -> String {
        format!("OCI layout `{self}`")
    }

    /// The digest that is named, by itself or by the tag.
    fn wanted(&self) -> Result<Digest> {
        if let Some(digest) = &self.digest {
            return Ok(digest.clone());
        }
        let path = self.folder.join("index.json");
        let index: ImageIndex =
            serde_json::from_slice(&document(&path)?).map_err(Error::json(self.what()))?;
        let all = index.manifests();
        let tag = self.tag.as_deref().unwrap_or("latest");
        match all.iter().find(|entry| is_called(entry, tag)) {
            Some(entry) => digest_of(entry),
            None if self.tag.is_none() && all.len() == 1 => digest_of(&all[0]),
            None => Err(Error::invalid(self.what(), format!("no image in it has the tag `{tag}`"))),
        }
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs/sha256").join(digest.hex())
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.folder.display())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl Store {
    /// Brings an image of a layout into the store.
    pub async fn open_layout(&self, _hold: &Hold, layout: &Layout) -> Result<Image> {
        let layout = layout.clone();
        self.blocking(move |store| store.open_layout_sync(&layout)).await
    }

    fn open_layout_sync(&self, layout: &Layout) -> Result<Image> {
        let read = |digest: &Digest| self.take_document(layout, digest);
        let there = |digest: &Digest| layout.blob(digest).is_file();
        let found = oci::manifest(layout.wanted()?, &layout.what(), read, there)?;
        let manifest = parse_manifest(&found.bytes, &layout.what())?;
        for part in std::iter::once(manifest.config()).chain(manifest.layers()) {
            self.take_blob(layout, part)?;
        }
        let manifest = describe(found.media_type, &found.digest, found.bytes.len() as u64);
        let record = Record { manifest, added: Timestamp::now(), whole: None };
        let image = Image::read(self, &Index::default(), &found.digest, &record)?;
        check_platform(&layout.to_string(), &image.config)?;
        Ok(image)
    }

    fn take_document(&self, layout: &Layout, digest: &Digest) -> Result<Vec<u8>> {
        let bytes = document(&layout.blob(digest))?;
        let actual = Digest::of(&bytes);
        if actual != *digest {
            let what = layout.what();
            return Err(Error::WrongDigest { what, expected: digest.clone(), actual });
        }
        self.put_blob(&bytes)?;
        Ok(bytes)
    }

    fn take_blob(&self, layout: &Layout, part: &Descriptor) -> Result<()> {
        let digest = digest_of(part)?;
        if self.has_blob(&digest) {
            return Ok(());
        }
        let path = layout.blob(&digest);
        let mut input = open(&path)?.take(part.size().saturating_add(1));
        let mut writer = self.new_blob()?;
        io::copy(&mut input, &mut writer).map_err(stream("copy a blob"))?;
        writer.commit(self, Some(&digest), Some(part.size())).map(drop)
    }
}

/// A tag alone, or the whole name that ends in it.
fn is_called(entry: &Descriptor, tag: &str) -> bool {
    let annotation = |key: &str| entry.annotations().as_ref().and_then(|all| all.get(key));
    [REF_NAME, CONTAINERD_NAME]
        .into_iter()
        .filter_map(annotation)
        .any(|name| name == tag || name.rsplit_once(':').is_some_and(|(_, own)| own == tag))
}

/// A small file.
fn document(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(Error::invalid(format!("`{}`", path.display()), "it is too large"));
    }
    Ok(bytes)
}

/// A file and nothing else: the folder is somebody's, and a FIFO in it would be waited for.
fn open(path: &Path) -> Result<File> {
    if !fs::metadata(path).at("look at", path)?.is_file() {
        return Err(Error::invalid(format!("`{}`", path.display()), "it is no file"));
    }
    File::open(path).at("open", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_a_folder_with_a_tag_and_a_digest_behind_it() {
        let digest = Digest::of(b"x");
        let layout = |text: &str| Layout::parse(text).unwrap();
        assert_eq!(
            layout(&format!("/a/b:1@{digest}")),
            Layout { folder: "/a/b".into(), tag: Some("1".into()), digest: Some(digest.clone()) }
        );
        assert_eq!(layout("x").to_string(), "x");
        assert_eq!(layout(&format!("x@{digest}")).tag, None);
        for bad in ["", ":1", "x:", "x@sha256:zz"] {
            assert!(Layout::parse(bad).is_err(), "{bad}");
        }
    }
}
