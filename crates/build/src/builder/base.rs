//! What a stage begins from: another stage, an image that is here or fetched, or nothing.

use std::sync::{Arc, PoisonError};

use engine::Engine;
use futures::future::try_join_all;
use image::{Digest, Image, ImageName, Layout, PullOptions};
use resources::Host;
use tokio::sync::OnceCell;

use super::origin::{LAYOUT, NamedContext};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{Fault, Stage};
use crate::error::{BuildError, Cause};

type Result<T> = std::result::Result<T, BuildError>;

/// What a `FROM` means.
enum Base<'a> {
    Scratch,
    Stage(usize),
    /// By its name.
    Image(String),
    Layout(&'a Layout),
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// Fetches the images that the needed stages begin from, and are not contexts.
    pub(super) async fn fetch_bases(&mut self) -> Result<()> {
        let (_, needed) = self.needed()?;
        // Side by side, as the stages would fetch them.
        try_join_all(needed.into_iter().map(|at| self.fetch_base(at))).await?;
        self.fetched = true;
        Ok(())
    }

    async fn fetch_base(&self, at: usize) -> Result<()> {
        let stage = &self.file.stages[at];
        if let Base::Image(name) = self.meant(at, stage)? {
            self.opened(stage, &name, self.image(&name)).await?;
        }
        Ok(())
    }

    pub(super) async fn base(&self, at: usize, stage: &Stage) -> Result<State> {
        let image = match self.meant(at, stage)? {
            Base::Scratch => return Ok(State::scratch(&self.builder.ground)),
            Base::Stage(found) => return self.built(found).await,
            Base::Image(name) if self.fetched => {
                let image = self.once(&name).get().cloned();
                image.expect("those of all stages that are needed were fetched")
            }
            Base::Image(name) => self.opened(stage, &name, self.image(&name)).await?,
            Base::Layout(layout) => {
                let name = format!("{LAYOUT}{layout}");
                self.opened(stage, &name, self.layout(layout)).await?
            }
        };
        Ok(State::of(&image))
    }

    fn meant(&self, at: usize, stage: &Stage) -> Result<Base<'_>> {
        let name = self.expand_global(&stage.from.image, stage.line)?;
        if name.is_empty() {
            let rule = format!("base name ({}) should not be blank", stage.from.image);
            return Err(Fault::new(stage.line, rule).into());
        }
        if let Some(platform) = &stage.from.platform {
            let platform = self.expand_global(platform, stage.line)?;
            if !matches!(platform.as_str(), "windows" | "windows/amd64") {
                let rule = format!("--platform={platform} is not supported: only windows/amd64 is");
                return Err(Fault::new(stage.line, rule).into());
            }
        }
        let name = match self.context(&name) {
            Some(NamedContext::Image(image)) => image.clone(),
            Some(NamedContext::Layout(layout)) => return Ok(Base::Layout(layout)),
            Some(NamedContext::Folder(..)) => {
                let rule = format!("FROM {name}: a context that is a folder is no image");
                return Err(Fault::new(stage.line, rule).into());
            }
            None => {
                if let Some(found) = self.named(&name, at) {
                    return Ok(Base::Stage(found));
                }
                name
            }
        };
        let scratch = name.eq_ignore_ascii_case("scratch");
        Ok(if scratch { Base::Scratch } else { Base::Image(name) })
    }

    /// Opens an image that a stage begins from, and tells of it.
    async fn opened(
        &self,
        stage: &Stage,
        name: &str,
        open: impl Future<Output = std::result::Result<Image, Cause>>,
    ) -> Result<Image> {
        let step = self.builder.progress.step(&format!("FROM {name}"));
        match Box::pin(open).await {
            Ok(image) => {
                step.done();
                Ok(image)
            }
            Err(error) => Err(BuildError::Step {
                line: stage.line,
                last_line: stage.line,
                what: format!("FROM {name}"),
                said: step.failed(&error.to_string()),
                cause: Box::new(error),
            }),
        }
    }

    /// An image by its name: the same for the whole build.
    pub(super) async fn image(&self, name: &str) -> std::result::Result<Image, Cause> {
        let once = self.once(name);
        let fetched = Box::pin(once.get_or_try_init(|| self.fetch(name)));
        let image = self.unless_stopped(fetched).await?;
        Ok(image.cloned()?)
    }

    /// An image of a layout, in the same way.
    pub(super) async fn layout(&self, layout: &Layout) -> std::result::Result<Image, Cause> {
        let once = self.once(&format!("{LAYOUT}{layout}"));
        let open = || self.builder.images.open_layout(self.hold, layout);
        Ok(once.get_or_try_init(open).await.cloned()?)
    }

    fn once(&self, name: &str) -> Arc<OnceCell<Image>> {
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(bases.entry(name.to_owned()).or_default())
    }

    /// An image by its name, pulled when that is asked for or needed.
    async fn fetch(&self, name: &str) -> image::Result<Image> {
        let (images, version) = (&self.builder.images, self.builder.ground.os_version);
        let parsed = ImageName::parse(name).ok();
        let mapped = parsed.as_ref().and_then(|name| images.settings().image_map.get(name));
        if [parsed.as_ref(), mapped].into_iter().flatten().any(ImageName::is_builtin) {
            return images.ensure_base(&version).await;
        }
        if !self.options.pull {
            match images.resolve(name).await {
                Err(error) if error.is_not_found() => {}
                Ok(image) if image.names.iter().any(ImageName::is_builtin) => {
                    return images.ensure_base(&version).await;
                }
                Ok(image) => return image.check_platform().map(|()| image),
                Err(error) => return Err(error),
            }
        }
        let options = PullOptions { host: version };
        let pulled = images.pull(name, options, std::sync::Arc::new(image::Quiet)).await?;
        Ok(pulled.image)
    }

    pub(super) fn bases(&self) -> Vec<(String, Digest)> {
        let bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |(name, cell): (&String, &Arc<OnceCell<Image>>)| {
            Some((name.clone(), cell.get()?.manifest_digest()))
        };
        bases.iter().filter_map(known).collect()
    }
}
