//! Images as archives: OCI layouts and docker's own form, in and out.
//!
//! Loading reads the archive once, from a pipe if need be: blobs go straight into the store and are
//! verified on the way, the documents that say what they mean are looked at when all of it is in.
//! Nothing has a name, and so nothing stays, unless the whole archive made sense.

mod containerd;
mod docker;
mod intake;
pub(crate) mod oci;
mod save;

use std::io::Read;
use std::sync::Arc;

use oci_spec::image::Descriptor;

pub use save::ArchiveFormat;

use crate::compose::describe;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::{Image, check_platform, digest_of, read_documents};
use crate::name::ImageName;
use crate::progress::Progress;
use crate::registry::is_foreign;
use crate::store::Store;

/// An image that was in an archive.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The image.
    pub image: Image,
    /// The names that it was given.
    pub names: Vec<ImageName>,
}

/// An image of an archive whose documents are in the store.
struct Claim {
    manifest: Descriptor,
    names: Vec<ImageName>,
}

impl Store {
    /// Loads every image of an archive: an OCI layout or docker's form, compressed or not.
    pub async fn load(
        &self,
        input: Box<dyn Read + Send>,
        progress: Arc<dyn Progress>,
    ) -> Result<Vec<Loaded>> {
        self.blocking(move |store| {
            let loaded = store.load_sync(input, &*progress);
            if loaded.is_err() {
                store.give_back();
            }
            loaded
        })
        .await
    }

    fn load_sync(
        &self,
        input: Box<dyn Read + Send>,
        progress: &dyn Progress,
    ) -> Result<Vec<Loaded>> {
        let _adding = self.lock_adding()?;
        let intake = intake::read(self, input, progress)?;
        let mut claims = if intake.has("index.json") {
            oci::claims(self, &intake)?
        } else if intake.has("manifest.json") {
            docker::claims(self, &intake)?
        } else {
            let rule = "neither `index.json` nor `manifest.json` is in it";
            return Err(Error::invalid("image archive", rule));
        };
        for claim in &mut claims {
            self.check_claim(claim, progress)?;
        }
        self.change_index(|index| {
            let mut loaded = Vec::new();
            for Claim { manifest, names } in claims {
                let digest = index.add(manifest)?;
                index.names.extend(names.iter().map(|name| (name.clone(), digest.clone())));
                loaded.push(Loaded { image: self.image_of(index, &digest)?, names });
            }
            Ok(loaded)
        })
    }

    /// Makes sure that an image is whole and runs here.
    fn check_claim(&self, claim: &mut Claim, progress: &dyn Progress) -> Result<()> {
        let digest = digest_of(&claim.manifest)?;
        let name =
            claim.names.first().map_or_else(|| digest.short().to_owned(), ImageName::familiar);
        let (manifest, config) = read_documents(self, &digest)?;
        check_platform(&name, &config)?;
        for layer in manifest.layers() {
            let digest = digest_of(layer)?;
            if !self.has_blob(&digest) {
                let rule = if is_foreign(layer) {
                    "its layer {} is one that archives leave out; pull the image instead"
                } else {
                    "its layer {} is not in the archive"
                };
                return Err(Error::invalid(
                    format!("image `{name}`"),
                    rule.replace("{}", digest.short()),
                ));
            }
        }
        claim.names.retain(|name| {
            if name.is_builtin() {
                progress.warning(&format!(
                    "`{name}` is built in; the image is loaded without that name"
                ));
            }
            !name.is_builtin()
        });
        Ok(())
    }
}

/// The descriptor of a document that is in the store.
fn describe_blob(
    store: &Store,
    media_type: oci_spec::image::MediaType,
    digest: &Digest,
) -> Result<Descriptor> {
    let size = store.read_document(digest)?.len() as u64;
    Ok(describe(media_type, digest, size))
}
