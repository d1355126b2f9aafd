//! Documents that a name may lead to: a manifest, or an index of several.

use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
};
use oci_spec::image::MediaType;
use serde::Deserialize;

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::platform::{Candidate, OsVersion, select};

/// What a registry may answer with.
pub(super) const ACCEPTED: &[&str] = &[
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
];

/// What a document describes.
pub(crate) enum Kind {
    Manifest(MediaType),
    Index,
}

/// Tells manifests from indexes. OCI documents need not say what they are.
pub(crate) fn kind(bytes: &[u8], what: &str) -> Result<Kind> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Outline {
        schema_version: u32,
        media_type: Option<String>,
        manifests: Option<serde::de::IgnoredAny>,
        layers: Option<serde::de::IgnoredAny>,
    }
    let outline: Outline = serde_json::from_slice(bytes).map_err(Error::json(what))?;
    if outline.schema_version != 2 {
        return Err(Error::invalid(what, format!("schema version {}", outline.schema_version)));
    }
    match outline.media_type.as_deref() {
        Some(OCI_IMAGE_INDEX_MEDIA_TYPE | IMAGE_MANIFEST_LIST_MEDIA_TYPE) => Ok(Kind::Index),
        Some(OCI_IMAGE_MEDIA_TYPE) => Ok(Kind::Manifest(MediaType::ImageManifest)),
        Some(IMAGE_MANIFEST_MEDIA_TYPE) => {
            Ok(Kind::Manifest(MediaType::Other(IMAGE_MANIFEST_MEDIA_TYPE.to_owned())))
        }
        Some(other) => Err(Error::invalid(what, format!("a document of type `{other}`"))),
        None if outline.manifests.is_some() => Ok(Kind::Index),
        None if outline.layers.is_some() => Ok(Kind::Manifest(MediaType::ImageManifest)),
        None => Err(Error::invalid(what, "neither an image nor an index of images")),
    }
}

/// An index of images. `oci_spec::image::Platform` reads `os_version` where documents have
/// `os.version`, and that is what everything here hangs on.
#[derive(Deserialize)]
struct Index {
    manifests: Vec<IndexEntry>,
}

#[derive(Deserialize)]
struct IndexEntry {
    digest: String,
    #[serde(default)]
    platform: Candidate,
}

/// The entry of an index that fits best among those that are `there`.
pub(crate) fn choose(
    index: &[u8],
    what: &str,
    host: OsVersion,
    there: impl Fn(&Digest) -> bool,
) -> Result<Digest> {
    let index: Index = serde_json::from_slice(index).map_err(Error::json(what))?;
    let candidates: Vec<Candidate> = index.manifests.iter().map(|m| m.platform.clone()).collect();
    let mut fitting = select(&candidates, host, None);
    // Docker keeps the index's order among builds that are not the host's; the newest fits best.
    fitting.sort_by_key(|&i| {
        let version: Option<OsVersion> = candidates[i].os_version.parse().ok();
        let build = version.map_or(0, |version| version.build);
        (build != host.build, std::cmp::Reverse(build))
    });
    for best in fitting {
        let digest = index.manifests[best].digest.parse()?;
        if there(&digest) {
            return Ok(digest);
        }
    }
    let offered = candidates
        .iter()
        .filter(|c| !c.os.is_empty())
        .map(|c| format!("{}/{} {}", c.os, c.architecture, c.os_version).trim_end().to_owned());
    let offered = offered.collect::<Vec<_>>().join(", ");
    let rule = format!("no manifest in it fits windows/amd64 {host}; it has {offered}");
    Err(Error::invalid(what, rule))
}
