//! From a Dockerfile to an image: the stages that the target needs, step by step.
//!
//! `state` is what an image is so far, `metadata` the instructions that only change its
//! configuration, `layers` those that make a layer, with `cache` before them. Stages are built side
//! by side.

mod cache;
mod changes;
mod layers;
mod metadata;
mod stages;
mod state;

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::Engine;
use image::{Image, Store};
use resources::Host;
use tokio::sync::watch;

use crate::dockerfile::Dockerfile;
use crate::error::BuildError;
use crate::executor::Executor;
use crate::ignore::Ignore;
use crate::progress::Progress;

pub use changes::change;
pub use state::Ground;

/// What is built, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The text of the Dockerfile.
    pub dockerfile: String,
    /// The folder that `COPY` copies from.
    pub context: PathBuf,
    /// What of it is not there.
    pub ignore: Ignore,
    /// Values for `ARG`s.
    pub args: BTreeMap<String, String>,
    /// The stage that is wanted; the last when absent.
    pub target: Option<String>,
    /// Every step is done anew.
    pub no_cache: bool,
    /// Base images are pulled although they are here.
    pub pull: bool,
    /// Labels for the image.
    pub labels: BTreeMap<String, String>,
    /// No step has a network.
    pub no_network: bool,
    /// Names for the image.
    pub tags: Vec<String>,
    /// `SOURCE_DATE_EPOCH`: nothing that is made says that it is newer, and the same input gives the
    /// same digests.
    pub epoch: Option<i64>,
    /// How many layers are made at once; decided when absent.
    pub parallelism: Option<usize>,
}

/// Builds images.
#[derive(Debug, Clone)]
pub struct Builder<E, H> {
    /// Where images come from and go to.
    pub images: Store,
    /// What `RUN` runs on.
    pub executor: Executor<E, H>,
    /// The platform layer.
    pub ground: Ground,
    /// Where progress goes.
    pub progress: Progress,
    /// Becomes true when the build is to end.
    pub cancel: watch::Receiver<bool>,
}

impl<E: Engine, H: Host> Builder<E, H> {
    /// Builds an image; all of its names are given, or none.
    pub async fn build(&self, options: &Options) -> Result<Image, BuildError> {
        let step = self.progress.step("[internal] load build definition from Dockerfile");
        let file = Dockerfile::parse(&options.dockerfile);
        match &file {
            Ok(_) => step.done(),
            Err(fault) => drop(step.failed(&fault.to_string())),
        }
        let file = file?;
        let unknown = |name: &&String| !file.declares(name) && *name != "SOURCE_DATE_EPOCH";
        for name in options.args.keys().filter(unknown) {
            self.progress.print(&format!("WARNING: --build-arg {name}: no ARG declares it\n"));
        }
        let hold = self.images.hold().await?;
        let mut state = stages::Stages::new(self, options, &file, &hold)?.target().await?;
        if let Some(epoch) = options.epoch {
            state.date(&layers::date(epoch));
        }
        let step = self.progress.step("exporting to image");
        let (mut config, layers) = (state.config, state.layers);
        if !options.labels.is_empty() {
            let labels = config.config.labels.get_or_insert_default();
            labels.extend(options.labels.clone());
        }
        let image = self.images.create_image(&hold, config, layers, None).await?;
        for tag in &options.tags {
            self.images.tag(image.id.as_str(), tag).await?;
        }
        step.done();
        Ok(image)
    }
}
