//! Where the result of a build goes: the store, a registry, an archive, files.
//!
//! [`parse`] reads `--output`; every output is decided before the build begins, and delivered in the
//! order in which it was asked for. What is asked of the image itself (compression, annotations) is
//! an output's own; what is attested of it ([`provenance`], [`sbom`]) is the build's.

mod deliver;
mod files;
mod parse;
mod provenance;
mod sbom;

use std::path::PathBuf;

use image::{ArchiveFormat, Compression, Descriptor, Image, ImageName};
use serde_json::{Map, Value};

pub(crate) use deliver::{Facts, Made, deliver};
pub use parse::{BadOutput, fields};

/// Where a result goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The store, and from there a registry.
    Image {
        /// Names beside those of the build.
        names: Vec<ImageName>,
        /// To the registries that the names name.
        push: bool,
        /// Kept in the store.
        store: bool,
        /// How the image is put together.
        shape: Shape,
    },
    /// An archive of the image.
    Archive {
        /// Who is to read it.
        format: ArchiveFormat,
        /// Where it goes.
        to: Destination,
        /// Names beside those of the build.
        names: Vec<ImageName>,
        /// A folder in the place of an archive.
        folder: bool,
        /// How the image is put together.
        shape: Shape,
    },
    /// The files of the image alone.
    Files {
        /// Where they go.
        to: Destination,
        /// As an archive, not in a folder.
        archive: bool,
    },
    /// Nowhere: only what is cached stays.
    CacheOnly,
}

/// A place outside the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A file, or a folder.
    Path(PathBuf),
}

/// How an image is put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    /// How the layers that were made are stored.
    pub compression: Option<Compression>,
    /// The level was named: layers of the same type are compressed once more, at that level.
    pub level: bool,
    /// Those of the base image too.
    pub force_compression: bool,
    /// Annotations of the manifest.
    pub annotations: Map<String, Value>,
    /// Annotations of the index around it.
    pub index_annotations: Map<String, Value>,
}

/// What is to be attested of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attestations {
    /// How it was built.
    pub provenance: Option<Provenance>,
    /// What is in it.
    pub sbom: bool,
}

/// What is to be attested of how an image was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// How much is told.
    pub detail: Detail,
    /// In which version of SLSA's words.
    pub version: Version,
    /// Whoever runs the build, a web address.
    pub builder: String,
    /// Whether who asks for it claims that the same comes of it again.
    pub reproducible: bool,
}

impl Default for Provenance {
    fn default() -> Self {
        let (detail, version) = (Detail::Min, Version::V02);
        Self { detail, version, builder: String::new(), reproducible: false }
    }
}

/// Versions of SLSA's provenance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 0.2
    V02,
    /// 1
    V1,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What it was made from.
    Min,
    /// Also with what arguments, and by which steps.
    Max,
}

/// What came of a build.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The image, as the first output has it; none when no output is one.
    pub image: Option<Image>,
    /// What names lead to: its manifest, or the index around it.
    pub descriptor: Option<Descriptor>,
    /// What it is called.
    pub names: Vec<ImageName>,
    /// How it was built, if that was to be attested.
    pub provenance: Option<Value>,
}

impl Output {
    /// The store, under the names of the build.
    pub fn store() -> Self {
        Self::Image { names: Vec::new(), push: false, store: true, shape: Shape::default() }
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
