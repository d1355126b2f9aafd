//! Finding, naming and removing images.

use super::Store;
use super::index::Index;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::name::ImageName;

/// How an image is removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Also when a container uses it, or when an id has several names. What the container runs on
    /// stays until the container is gone.
    pub force: bool,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name.
    Untagged(ImageName),
    /// An image, by its id.
    Deleted(Digest),
}

impl Store {
    /// Finds the image that `name` means: a name, an id, or the beginning of an id. A name that is
    /// not here may stand for another one by the settings' map.
    pub async fn resolve(&self, name: &str) -> Result<Image> {
        let name = name.to_owned();
        self.blocking(move |store| store.resolve_sync(&name)).await
    }

    /// Every image, the newest first.
    pub async fn images(&self) -> Result<Vec<Image>> {
        self.blocking(Self::images_sync).await
    }

    /// Gives an image another name, taking that name from whatever had it.
    pub async fn tag(&self, source: &str, target: &str) -> Result<ImageName> {
        let (source, target) = (source.to_owned(), target.to_owned());
        self.blocking(move |store| store.tag_sync(&source, &target)).await
    }

    /// Removes a name, and the image with its last one.
    pub async fn remove(&self, name: &str, options: RemoveOptions) -> Result<Vec<Removed>> {
        let name = name.to_owned();
        self.blocking(move |store| {
            let removed = store.remove_sync(&name, options)?;
            store.collect()?.warn();
            Ok(removed)
        })
        .await
    }

    pub(crate) fn resolve_sync(&self, name: &str) -> Result<Image> {
        let index = self.read_index()?;
        let digest = self.find(&index, name)?;
        self.image_of(&index, &digest)
    }

    pub(crate) fn images_sync(&self) -> Result<Vec<Image>> {
        let index = self.read_index()?;
        let mut images = Vec::new();
        for digest in index.images.keys() {
            match self.image_of(&index, digest) {
                Ok(image) => images.push(image),
                Err(error) => tracing::warn!(manifest = %digest, %error, "an image cannot be read"),
            }
        }
        images.sort_by_key(|image| std::cmp::Reverse(image.created().unwrap_or(image.added)));
        Ok(images)
    }

    pub(crate) fn image_of(&self, index: &Index, digest: &Digest) -> Result<Image> {
        let record =
            index.images.get(digest).ok_or_else(|| Error::NoSuchImage(digest.to_string()))?;
        Image::read(self, index, digest, record)
    }

    /// The manifest that `text` means.
    fn find(&self, index: &Index, text: &str) -> Result<Digest> {
        let name = ImageName::parse(text).ok();
        if let Some(digest) = name.as_ref().and_then(|name| by_name(index, name)) {
            return Ok(digest);
        }
        if let Some(digest) = self.by_id(index, text)? {
            return Ok(digest);
        }
        let mapped = name.as_ref().and_then(|name| self.settings().image_map.get(name));
        mapped
            .and_then(|target| by_name(index, target))
            .ok_or_else(|| Error::NoSuchImage(name.map_or(text.to_owned(), |n| n.familiar())))
    }

    /// Looks for an image id, or for its beginning. The manifest's digest does as well.
    fn by_id(&self, index: &Index, text: &str) -> Result<Option<Digest>> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let mut found: Option<Image> = None;
        for digest in index.images.keys() {
            let Ok(image) = self.image_of(index, digest) else { continue };
            if !image.id.hex().starts_with(digits) && !digest.hex().starts_with(digits) {
                continue;
            }
            if found.as_ref().is_some_and(|other| other.id != image.id) {
                return Err(Error::Ambiguous(text.to_owned()));
            }
            found = Some(image);
        }
        Ok(found.map(|image| image.manifest_digest()))
    }

    fn tag_sync(&self, source: &str, target: &str) -> Result<ImageName> {
        let target = taggable(target)?;
        self.change_index(|index| {
            let digest = self.find(index, source)?;
            index.names.insert(target.clone(), digest);
            Ok(target.clone())
        })
    }

    fn remove_sync(&self, text: &str, options: RemoveOptions) -> Result<Vec<Removed>> {
        self.change_index(|index| {
            let by_name =
                ImageName::parse(text).ok().map(key).filter(|n| index.names.contains_key(n));
            let digest = match &by_name {
                Some(name) => index.names[name].clone(),
                None => {
                    self.by_id(index, text)?.ok_or_else(|| Error::NoSuchImage(text.to_owned()))?
                }
            };
            let tags = index.names_of(&digest).into_iter().filter(|n| n.tag().is_some()).count();
            if let Some(name) = by_name
                && index.names_of(&digest).len() > 1
                && (name.tag().is_none() || tags > 1)
            {
                return Ok(untag(index, &digest, name));
            }
            if tags > 1 && !options.force {
                let by = "it has several names (force removes them all)".to_owned();
                return Err(Error::InUse { image: text.to_owned(), by });
            }
            self.delete(index, &digest, text, options)
        })
    }

    /// Removes an image with all its names, unless a container uses it.
    pub(crate) fn remove_whole(&self, manifest: &Digest) -> Result<Vec<Removed>> {
        self.change_index(|index| {
            self.delete(index, manifest, manifest.short(), RemoveOptions { force: false })
        })
    }

    /// Takes an image with all its names out of the index.
    fn delete(
        &self,
        index: &mut Index,
        digest: &Digest,
        text: &str,
        options: RemoveOptions,
    ) -> Result<Vec<Removed>> {
        if !options.force
            && let Some((container, _)) = self.leases()?.iter().find(|(_, l)| l.image == *digest)
        {
            let by = format!("container {container} uses it");
            return Err(Error::InUse { image: text.to_owned(), by });
        }
        // An image whose documents are damaged must still be removable.
        let id = self.image_of(index, digest).map_or_else(|_| digest.clone(), |image| image.id);
        let mut removed = Vec::new();
        for name in index.names_of(digest) {
            index.names.remove(&name);
            removed.push(Removed::Untagged(name));
        }
        index.images.remove(digest);
        removed.push(Removed::Deleted(id));
        Ok(removed)
    }
}

/// Takes one of several names away; with a repository's last tag go its names by digest.
fn untag(index: &mut Index, digest: &Digest, name: ImageName) -> Vec<Removed> {
    index.names.remove(&name);
    let repository = name.familiar_repository();
    let mut removed = vec![Removed::Untagged(name)];
    let (left, elsewhere): (Vec<_>, Vec<_>) =
        index.names_of(digest).into_iter().partition(|n| n.familiar_repository() == repository);
    if !elsewhere.is_empty() && left.iter().all(|n| n.tag().is_none()) {
        for name in left {
            index.names.remove(&name);
            removed.push(Removed::Untagged(name));
        }
    }
    removed
}

/// The form in which the index keeps a name: a digest makes a tag beside it meaningless.
fn key(name: ImageName) -> ImageName {
    match name.digest() {
        Some(digest) => name.by_digest(digest),
        None => name,
    }
}

pub(crate) fn by_name(index: &Index, name: &ImageName) -> Option<Digest> {
    index.names.get(&key(name.clone())).cloned()
}

/// A name that a tag may be given: no digest, and not the built-in one.
pub(crate) fn taggable(text: &str) -> Result<ImageName> {
    let name = ImageName::parse(text)?;
    let refuse = |rule: &str| Error::InvalidName { name: text.to_owned(), rule: rule.to_owned() };
    if name.digest().is_some() {
        return Err(refuse("a digest cannot be given as a name"));
    }
    if name.is_builtin() {
        return Err(refuse("that name is built in"));
    }
    Ok(name)
}
