//! OCI layouts: `index.json` names manifests and indexes among the blobs.

use oci_spec::image::{Descriptor, ImageIndex, MediaType};

use super::intake::Intake;
use super::{Claim, describe_blob};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::image::digest_of;
use crate::name::ImageName;
use crate::platform::OsVersion;
use crate::registry::{Kind, choose, kind};
use crate::store::Store;

/// Where containerd and docker put a whole name.
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// Where others put a name, or only a tag.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

pub(super) fn claims(store: &Store, intake: &Intake) -> Result<Vec<Claim>> {
    let bytes = intake.document(store, "index.json")?;
    let index: ImageIndex = serde_json::from_slice(&bytes).map_err(Error::json("`index.json`"))?;
    let mut claims: Vec<Claim> = Vec::new();
    for entry in index.manifests() {
        if is_attestation(entry) {
            continue;
        }
        let manifest = resolve(store, entry)?;
        let names = name(entry)?;
        // One entry for each name of an image is how several names are written.
        match claims.iter_mut().find(|claim| claim.manifest.digest() == manifest.digest()) {
            Some(claim) => claim.names.extend(names),
            None => claims.push(Claim { manifest, names: names.into_iter().collect() }),
        }
    }
    Ok(claims)
}

/// The manifest that an entry leads to.
fn resolve(store: &Store, entry: &Descriptor) -> Result<Descriptor> {
    let digest = digest_of(entry)?;
    let what = format!("`{digest}` in the archive");
    let found = manifest(digest, &what, |d| store.read_document(d), |d| store.has_blob(d))?;
    describe_blob(store, found.media_type, &found.digest)
}

/// A manifest of an image.
pub(crate) struct Manifest {
    pub(crate) digest: Digest,
    pub(crate) media_type: MediaType,
    pub(crate) bytes: Vec<u8>,
}

/// The manifest that a digest leads to: of an index, the newest Windows whose manifest is there.
pub(crate) fn manifest(
    mut digest: Digest,
    what: &str,
    read: impl Fn(&Digest) -> Result<Vec<u8>>,
    there: impl Fn(&Digest) -> bool,
) -> Result<Manifest> {
    let mut bytes = read(&digest)?;
    if let Kind::Index = kind(&bytes, what)? {
        let any = OsVersion { major: 10, minor: 0, build: u32::MAX, revision: 0 };
        digest = choose(&bytes, what, any, there)?;
        bytes = read(&digest)?;
    }
    match kind(&bytes, what)? {
        Kind::Manifest(media_type) => Ok(Manifest { digest, media_type, bytes }),
        Kind::Index => Err(Error::invalid(what, "an index within an index")),
    }
}

fn name(entry: &Descriptor) -> Result<Option<ImageName>> {
    let annotation = |key| entry.annotations().as_ref().and_then(|all| all.get(key));
    if let Some(name) = annotation(CONTAINERD_NAME) {
        return ImageName::parse(name).map(Some);
    }
    // A tag alone belongs to no repository.
    let whole = annotation(REF_NAME).filter(|name| name.contains(['/', ':']));
    whole.map(|name| ImageName::parse(name)).transpose()
}

fn is_attestation(entry: &Descriptor) -> bool {
    entry.platform().as_ref().is_some_and(|p| p.os().to_string() == "unknown")
}
