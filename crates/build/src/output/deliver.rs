//! Delivering the result of a build to its outputs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Engine;
use image::{ArchiveFormat, CacheRecord, Digest, Hold, Image, ImageConfig, ImageName, NewLayer};
use jiff::Timestamp;
use resources::Host;
use serde_json::Value;

use super::{Destination, Outcome, Output, Shape, files, provenance, sbom};
use crate::blocking;
use crate::builder::{Builder, Options};
use crate::error::BuildError;
use crate::view::View;

type Result<T> = std::result::Result<T, BuildError>;

/// What was built.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) config: ImageConfig,
    pub(crate) layers: Vec<NewLayer>,
    /// How many of them are the base image's.
    pub(crate) inherited: usize,
}

/// How it was built.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The images that it was built from, by the names that they were asked for.
    pub(crate) bases: Vec<(String, Digest)>,
    /// The layers that the build went by.
    pub(crate) records: Vec<CacheRecord>,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
}

/// Delivers to every output that is asked for, or to the store when none is.
pub(crate) async fn deliver<E: Engine, H: Host>(
    builder: &Builder<E, H>,
    options: &Options,
    hold: &Hold,
    result: &Made,
    facts: &Facts,
) -> Result<Outcome> {
    let names = options.tags.iter().map(|tag| ImageName::parse(tag));
    let names = names.collect::<image::Result<Vec<_>>>()?;
    let delivery = Delivery { builder, options, hold, result, facts };
    let mut outcome = Outcome { image: None, descriptor: None, names, provenance: None };
    let asked = options.attestations.provenance.as_ref();
    outcome.provenance = asked.map(|asked| provenance::predicate(options, facts, asked));
    let default = [Output::store()];
    let outputs = if options.outputs.is_empty() { &default[..] } else { &options.outputs };
    for output in outputs {
        let step = builder.progress.step(title(output));
        match delivery.to(output, &mut outcome).await {
            Ok(()) => step.done(),
            Err(error) => {
                step.failed(&error.to_string());
                return Err(error);
            }
        }
    }
    Ok(outcome)
}

fn title(output: &Output) -> &'static str {
    match output {
        Output::Image { push: true, .. } => "exporting to image and pushing",
        Output::Image { .. } => "exporting to image",
        Output::Archive { format: ArchiveFormat::Docker, .. } => "exporting to docker image format",
        Output::Archive { .. } => "exporting to oci image format",
        Output::Files { archive: true, .. } => "exporting to client tarball",
        Output::Files { .. } => "exporting to client directory",
        Output::CacheOnly => "keeping the cache only",
    }
}

struct Delivery<'a, E: Engine, H> {
    builder: &'a Builder<E, H>,
    options: &'a Options,
    hold: &'a Hold,
    result: &'a Made,
    facts: &'a Facts,
}

impl<E: Engine, H: Host> Delivery<'_, E, H> {
    async fn to(&self, output: &Output, outcome: &mut Outcome) -> Result<()> {
        let images = &self.builder.images;
        match output {
            Output::Image { names, push, store, shape } => {
                let names = both(&outcome.names, names);
                let mut image = self.image(shape, &names, outcome).await?;
                if *store {
                    image = images.keep_image(self.hold, &image, names.clone()).await?;
                }
                if *push {
                    if names.is_empty() {
                        return Err(BuildError::Unnamed);
                    }
                    for name in &names {
                        let quiet = Arc::new(image::Quiet);
                        images.push_draft(self.hold, &image, name, quiet).await?;
                    }
                }
                note(outcome, image, &names);
            }
            Output::Archive { format, to, names, folder, shape } => {
                let names = both(&outcome.names, names);
                if *format == ArchiveFormat::Docker && self.attests() {
                    return Err(BuildError::NoAttestations);
                }
                let image = self.image(shape, &names, outcome).await?;
                self.archive(&image, &names, *format, to, *folder).await?;
                note(outcome, image, &names);
            }
            Output::Files { to, archive } => self.files(to, *archive).await?,
            Output::CacheOnly => {}
        }
        Ok(())
    }

    fn attests(&self) -> bool {
        self.options.attestations.provenance.is_some() || self.options.attestations.sbom
    }

    /// The image's documents, and what is attested of it.
    async fn image(&self, shape: &Shape, names: &[ImageName], outcome: &Outcome) -> Result<Image> {
        let images = &self.builder.images;
        let mut layers = Vec::new();
        for (at, layer) in self.result.layers.iter().enumerate() {
            let ours = at >= self.result.inherited || shape.force_compression;
            layers.push(match shape.compression.filter(|_| ours) {
                Some(compression) => {
                    images.recompress(self.hold, layer, compression, shape.level).await?
                }
                None => layer.clone(),
            });
        }
        let config = self.result.config.clone();
        let image = images.draft_image(self.hold, config, layers, &shape.annotations).await?;
        if !self.attests() {
            if shape.index_annotations.is_empty() {
                return Ok(image);
            }
            return Err(BuildError::NoIndex);
        }
        let manifest = image.manifest_digest();
        let mut statements = Vec::new();
        let mut state = |kind: &str, predicate: &Value| {
            let statement = provenance::statement(kind, predicate, names, &manifest);
            statements.push((kind.to_owned(), statement.to_string().into_bytes()));
        };
        if self.options.attestations.sbom {
            let name = names.first().map_or_else(|| "image".to_owned(), ImageName::familiar);
            // SPDX' times are whole seconds.
            let created = self.facts.finished.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let digest = manifest.clone();
            let view = self.view().await?;
            let document =
                blocking(move || sbom::document(&view, &name, &digest, &created)).await?;
            state(sbom::PREDICATE, &document);
        }
        let asked = self.options.attestations.provenance.as_ref();
        if let Some((asked, predicate)) = asked.zip(outcome.provenance.as_ref()) {
            state(asked.version.predicate_type(), predicate);
        }
        Ok(images.attest(self.hold, image, statements, &shape.index_annotations).await?)
    }

    async fn archive(
        &self,
        image: &Image,
        names: &[ImageName],
        format: ArchiveFormat,
        to: &Destination,
        folder: bool,
    ) -> Result<()> {
        let images = &self.builder.images;
        let path = match to {
            Destination::Stdout => {
                let out: Box<dyn Write + Send> = Box::new(io::stdout());
                return Ok(images.save_draft(self.hold, image, names, format, out).await?);
            }
            Destination::Path(path) => path.clone(),
        };
        let draft = Draft::beside(&path)?;
        let out: Box<dyn Write + Send> = Box::new(draft.file()?);
        images.save_draft(self.hold, image, names, format, out).await?;
        if !folder {
            return draft.place(&path);
        }
        let source = draft.path.clone();
        let unpacked = path.clone();
        blocking(move || {
            fs::create_dir_all(&unpacked)?;
            tar::Archive::new(File::open(source)?).unpack(&unpacked)
        })
        .await
        .map_err(at(&path))
    }

    async fn files(&self, to: &Destination, archive: bool) -> Result<()> {
        let (view, epoch) = (self.view().await?, self.options.epoch);
        match to {
            Destination::Stdout => {
                blocking(move || files::archive(&view, epoch, io::stdout())).await?;
                Ok(())
            }
            Destination::Path(path) if archive => {
                let draft = Draft::beside(path)?;
                let out = draft.file()?;
                blocking(move || files::archive(&view, epoch, out)).await.map_err(at(path))?;
                draft.place(path)
            }
            Destination::Path(path) => {
                let folder = path.clone();
                blocking(move || files::folder(&view, &folder)).await.map_err(at(path))
            }
        }
    }

    /// The files of the image alone.
    async fn view(&self) -> Result<View> {
        if self.result.layers.is_empty() {
            return Ok(View::drive(Vec::new()));
        }
        let (images, drive) = (&self.builder.images, &self.builder.ground.drive);
        let version = self.result.config.os_version.clone();
        let chain = images.unpack_layers(self.hold, &self.result.layers, version, drive).await?;
        Ok(View::drive(chain.folders.iter().map(|folder| folder.join("fs")).collect()))
    }
}

fn note(outcome: &mut Outcome, image: Image, names: &[ImageName]) {
    let new = names.iter().filter(|name| !outcome.names.contains(name)).cloned();
    let new: Vec<ImageName> = new.collect();
    outcome.names.extend(new);
    if outcome.image.is_none() {
        outcome.descriptor = Some(image.whole.as_ref().unwrap_or(&image.manifest).clone());
        outcome.image = Some(image);
    }
}

fn both(of_build: &[ImageName], own: &[ImageName]) -> Vec<ImageName> {
    let mut names = of_build.to_vec();
    names.extend(own.iter().filter(|name| !of_build.contains(name)).cloned());
    names
}

/// A file that gets its name when it is whole, and is gone when it never is.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn beside(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let draft = path.with_file_name(format!(".{name}.transom-{}", std::process::id()));
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        Ok(Self { path: draft })
    }

    fn file(&self) -> Result<File> {
        File::create(&self.path).map_err(at(&self.path))
    }

    fn place(self, path: &Path) -> Result<()> {
        fs::rename(&self.path, path).map_err(at(path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It was placed, or there is nothing more to be done about it.
        let _ = fs::remove_file(&self.path);
    }
}

fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.into();
    move |source| BuildError::Io { path, source }
}
