//! OCI layouts: `index.json` names manifests and indexes among the blobs.

use oci_spec::image::{Descriptor, ImageIndex};

use super::intake::Intake;
use super::{Claim, describe_blob};
use crate::error::{Error, Result};
use crate::image::digest_of;
use crate::name::ImageName;
use crate::platform::OsVersion;
use crate::registry::{Kind, choose, kind};
use crate::store::Store;

/// Where containerd and docker put a whole name.
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// Where others put a name, or only a tag.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";

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

/// The manifest that an entry leads to: of an index, the newest Windows whose manifest is there.
fn resolve(store: &Store, entry: &Descriptor) -> Result<Descriptor> {
    let mut digest = digest_of(entry)?;
    let what = format!("`{digest}` in the archive");
    let mut bytes = store.read_document(&digest)?;
    if let Kind::Index = kind(&bytes, &what)? {
        let any = OsVersion { major: 10, minor: 0, build: u32::MAX, revision: 0 };
        let present = |d: &crate::digest::Digest| store.has_blob(d);
        digest = choose(&bytes, &what, any, present)?;
        bytes = store.read_document(&digest)?;
    }
    match kind(&bytes, &what)? {
        Kind::Manifest(media_type) => describe_blob(store, media_type, &digest),
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
