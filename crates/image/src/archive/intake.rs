//! Reading an archive of images: blobs into the store, documents into memory.

use std::collections::BTreeMap;
use std::io::{self, Read};

use oci_spec::image::{Descriptor, MediaType};

use crate::compose::describe;
use crate::digest::Digest;
use crate::error::{Error, Result, stream};
use crate::layer::{Entry, Tarball, decompressed};
use crate::progress::{Event, Progress, State};
use crate::store::Store;
use crate::store::blobs::MAX_DOCUMENT;

/// What all documents and names of one archive may take in memory.
const MAX_DOCUMENTS: u64 = 64 << 20;
/// What an entry takes of that beside its name.
const ENTRY: u64 = 512;
/// What may follow an archive's end.
const MAX_PADDING: u64 = 1 << 30;
const BLOBS: &str = "blobs/sha256/";
const COPY: usize = 1 << 20;

/// What was in an archive.
#[derive(Default)]
pub(super) struct Intake {
    /// JSON beside the blobs, by path.
    documents: BTreeMap<String, Vec<u8>>,
    /// Layers of docker's older form, by path; and every blob.
    layers: BTreeMap<String, Descriptor>,
    /// Paths that stand for others.
    links: BTreeMap<String, String>,
}

pub(super) fn read(
    store: &Store,
    input: impl Read + Send,
    progress: &dyn Progress,
) -> Result<Intake> {
    let failed = || stream("read the image archive");
    let mut archive = Tarball::new(decompressed(input).map_err(failed())?);
    let mut intake = Intake::default();
    let mut memory = 0;
    while let Some(entry) = archive.next().map_err(failed())? {
        let Some(path) = tidy(&entry.name) else {
            let rule = format!("the name `{}`", entry.name);
            return Err(Error::invalid("image archive", rule));
        };
        // Every name is kept, also of what is empty.
        memory += ENTRY + (path.len() + entry.link.len()) as u64;
        if memory > MAX_DOCUMENTS {
            return Err(Error::invalid("image archive", format!("`{path}` is one too many")));
        }
        match entry.kind {
            b'0' => intake.file(store, &path, &entry, &mut archive, &mut memory, progress)?,
            b'1' | b'2' => intake.link(path, &entry)?,
            b'5' => {}
            kind => {
                let rule = format!("`{path}`: entries of type `{}`", char::from(kind));
                return Err(Error::invalid("image archive", rule));
            }
        }
    }
    // A pipe wants to be read to its end, padding and all; but it has one.
    let rest = io::copy(&mut archive.into_inner().take(MAX_PADDING), &mut io::sink());
    if rest.map_err(failed())? == MAX_PADDING {
        return Err(Error::invalid("image archive", "what follows it does not end"));
    }
    Ok(intake)
}

impl Intake {
    pub(super) fn has(&self, path: &str) -> bool {
        self.documents.contains_key(path)
    }

    /// A document of the archive, wherever it keeps its blobs.
    pub(super) fn document(&self, store: &Store, path: &str) -> Result<Vec<u8>> {
        let path = self.follow(path);
        if let Some(bytes) = self.documents.get(path) {
            return Ok(bytes.clone());
        }
        match blob(path) {
            Some(digest) if store.has_blob(&digest) => store.read_document(&digest),
            _ => Err(Error::invalid("image archive", format!("`{path}` is not in it"))),
        }
    }

    /// A layer of the archive.
    pub(super) fn layer(&self, path: &str) -> Result<Descriptor> {
        let path = self.follow(path);
        let missing =
            || Error::invalid("image archive", format!("the layer `{path}` is not in it"));
        self.layers.get(path).cloned().ok_or_else(missing)
    }

    fn file<R: Read>(
        &mut self,
        store: &Store,
        path: &str,
        entry: &Entry,
        archive: &mut Tarball<R>,
        memory: &mut u64,
        progress: &dyn Progress,
    ) -> Result<()> {
        let blob = blob(path);
        if blob.is_none() && !is_layer(path) {
            *memory += entry.size;
            if entry.size > MAX_DOCUMENT || *memory > MAX_DOCUMENTS {
                return Err(Error::invalid("image archive", format!("`{path}` is too large")));
            }
            let mut bytes = Vec::new();
            archive.read_to_end(&mut bytes).map_err(stream("read the image archive"))?;
            self.documents.insert(path.to_owned(), bytes);
            return Ok(());
        }
        let (digest, media_type) = match blob {
            Some(digest) if store.has_blob(&digest) => {
                if store.blob_size(&digest)? != entry.size {
                    let rule = format!("`{path}` has another size than what it is named for");
                    return Err(Error::invalid("image archive", rule));
                }
                progress.layer(Event { blob: &digest, state: State::Exists });
                (digest.clone(), media_type(&head(store, &digest)?))
            }
            expected => {
                if let Some(rule) = store.too_large(entry.size) {
                    return Err(Error::invalid("image archive", format!("`{path}`: {rule}")));
                }
                let digest = copy(store, expected.as_ref(), entry.size, archive)?;
                progress.layer(Event { blob: &digest, state: State::Downloaded });
                let head = head(store, &digest)?;
                (digest, media_type(&head))
            }
        };
        self.layers.insert(path.to_owned(), describe(media_type, &digest, entry.size));
        Ok(())
    }

    fn link(&mut self, path: String, entry: &Entry) -> Result<()> {
        // Docker's older archives spell a layer that two images share as a link to it.
        let target = match (entry.kind, path.rsplit_once('/')) {
            (b'2', Some((dir, _))) => tidy_link(dir, &entry.link),
            _ => tidy(&entry.link),
        };
        let bad = || Error::invalid("image archive", format!("the link `{path}` leads out of it"));
        let target = target.ok_or_else(bad)?;
        self.links.insert(path, target);
        Ok(())
    }

    /// One link deep: more is not made by any tool.
    fn follow<'a>(&'a self, path: &'a str) -> &'a str {
        self.links.get(path).map_or(path, String::as_str)
    }
}

fn copy<R: Read>(
    store: &Store,
    expected: Option<&Digest>,
    size: u64,
    archive: &mut Tarball<R>,
) -> Result<Digest> {
    let mut writer = store.new_blob()?;
    let mut buffer = vec![0; COPY];
    loop {
        let n = archive.read(&mut buffer).map_err(stream("read the image archive"))?;
        if n == 0 {
            break;
        }
        io::Write::write_all(&mut writer, &buffer[..n])
            .map_err(stream("store a part of the archive"))?;
    }
    Ok(writer.commit(store, expected, Some(size))?.0)
}

fn head(store: &Store, digest: &Digest) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    store.open_blob(digest)?.take(4).read_to_end(&mut head).map_err(stream("read a blob"))?;
    Ok(head)
}

/// What a layer is by its first bytes.
fn media_type(head: &[u8]) -> MediaType {
    match head {
        [0x1f, 0x8b, ..] => MediaType::ImageLayerGzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => MediaType::ImageLayerZstd,
        _ => MediaType::ImageLayer,
    }
}

/// Docker's older archives keep layers as `<id>/layer.tar`, others as `<digest>.tar`.
fn is_layer(path: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|e| e.eq_ignore_ascii_case("tar"))
}

/// The digest that a blob's path promises.
fn blob(path: &str) -> Option<Digest> {
    format!("sha256:{}", path.strip_prefix(BLOBS)?).parse().ok()
}

/// A path without `./` and what else means nothing; none when it leads out of the archive.
fn tidy(path: &str) -> Option<String> {
    tidy_link("", path)
}

fn tidy_link(dir: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_in_the_archive() {
        assert_eq!(tidy_link("abc", "../def/layer.tar").as_deref(), Some("def/layer.tar"));
        assert_eq!(tidy("./index.json").as_deref(), Some("index.json"));
        assert_eq!(tidy_link("abc", "../../x"), None);
        assert_eq!(tidy("/etc/passwd"), None);
    }
}
