//! From a Dockerfile to an image: the stages that the target needs, step by step.
//!
//! `state` is what an image is so far, `metadata` the instructions that only change its
//! configuration, `layers` those that make a layer, found in a `cache` by its `key` or made (`make`):
//! `copy` (from an `origin`, for a user among `users`) and `run`, with what `mounts` wants and `lend`
//! holds. Stages are built side by side.

mod add;
mod base;
mod cache;
mod changes;
mod checked;
mod copy;
mod globals;
mod key;
mod layers;
mod lend;
mod make;
mod metadata;
mod mounts;
mod needs;
mod origin;
mod run;
mod secrets;
mod stages;
mod state;
mod users;

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::Engine;
use image::{CacheRecord, Digest, Hold, NewLayer, Store};
use jiff::Timestamp;
use resources::Host;
use tokio::sync::watch;

use crate::dockerfile::Dockerfile;
use crate::error::{BuildError, Cause};
use crate::executor::{Executor, HostAddress, asked};
use crate::fetch::Downloads;
use crate::ignore::Ignore;
use crate::output::{self, Attestations, Made, Outcome, Output};
use crate::progress::Progress;
use crate::remote::{self, CacheTo, Place, Remote};

use crate::blocking;
use crate::workplace::Workplaces;
pub use changes::change;

pub(crate) use origin::LAYOUT;
pub use origin::{NamedContext, context_key};
pub use state::Ground;

/// What is built, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The text of the Dockerfile.
    pub dockerfile: String,
    /// What the Dockerfile is called.
    pub file_name: String,
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
    /// Stages whose steps are done anew.
    pub no_cache_filter: Vec<String>,
    /// Base images are pulled although they are here.
    pub pull: bool,
    /// Labels for the image.
    pub labels: BTreeMap<String, String>,
    /// No step has a network.
    pub no_network: bool,
    /// Names that steps resolve without a server.
    pub hosts: Vec<(String, HostAddress)>,
    /// Names for the image.
    pub tags: Vec<String>,
    /// `SOURCE_DATE_EPOCH`: nothing that is made says that it is newer, and the same input gives the
    /// same digests.
    pub epoch: Option<i64>,
    /// How many layers are made at once; decided when absent.
    pub parallelism: Option<usize>,
    /// Where the result goes; to the store when there is none.
    pub outputs: Vec<Output>,
    /// What is attested of the image.
    pub attestations: Attestations,
    /// Caches outside the store to look into.
    pub cache_from: Vec<Place>,
    /// Caches outside the store to write.
    pub cache_to: Vec<CacheTo>,
    /// Contexts beside the main one, by the [`context_key`]s of their names.
    pub contexts: BTreeMap<String, NamedContext>,
    /// What `RUN --mount=type=secret` may see, by id.
    pub secrets: BTreeMap<String, Secret>,
    /// Sockets of agents for `RUN --mount=type=ssh`, by id.
    pub agents: BTreeMap<String, PathBuf>,
}

/// What some `RUN` may see and nobody else.
#[derive(Clone)]
pub enum Secret {
    /// In a file.
    File(PathBuf),
    /// In memory.
    Value(Vec<u8>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Value(_) => f.write_str("Value"),
        }
    }
}

/// Builds images.
#[derive(Debug, Clone)]
pub struct Builder<E: Engine, H> {
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
    /// A folder that no disk keeps, for secrets.
    pub volatile: PathBuf,
}

impl<E: Engine, H: Host> Builder<E, H> {
    /// Builds what is asked for, delivers it to its outputs, and tells what should be written in
    /// another way.
    pub async fn build(&self, options: &Options) -> Result<Outcome, BuildError> {
        let built = Box::pin(self.make(options)).await;
        // Now the bases are here.
        if let Ok(checked) = self.check(options).await {
            self.progress.print(&checked.summary());
        }
        built
    }

    async fn make(&self, options: &Options) -> Result<Outcome, BuildError> {
        let started = Timestamp::now();
        let file = self.read(options)?;
        let forbids = self.unless_refused(options).await?;
        let hold = self.images.hold().await?;
        let remotes = self.unless_cancelled(self.remotes(options, &hold)).await?;
        let mut stages = stages::Stages::new(self, options, &file, &hold, remotes)?;
        if forbids {
            // Only who has the bases knows what they set.
            self.unless_cancelled(Box::pin(stages.fetch_bases())).await??;
            self.unless_refused(options).await?;
        }
        let (mut state, mut facts) = Box::pin(stages.target(started)).await?;
        if let Some(epoch) = options.epoch {
            state.date(&layers::date(epoch));
            let date = Timestamp::from_second(epoch).unwrap_or(started);
            (facts.started, facts.finished) = (date, date);
        }
        let mut config = state.config;
        if !options.labels.is_empty() {
            let labels = config.config.labels.get_or_insert_default();
            labels.extend(options.labels.clone());
        }
        let (layers, inherited) = (state.layers, state.inherited_layers);
        let own = own(&facts.records, &layers);
        if options.cache_to.iter().any(|to| to.place == Place::Inline) {
            remote::inline(&mut config, &own);
        }
        let made = Made { config, layers, inherited };
        let deliver = Box::pin(output::deliver(self, options, &hold, &made, &facts));
        let outcome = self.unless_cancelled(deliver).await??;
        let keep = self.keep_caches(options, &hold, &facts.records, &own);
        self.unless_cancelled(keep).await??;
        Ok(outcome)
    }

    /// Does what waits for others, as registries, unless the build is given up meanwhile.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, BuildError> {
        let mut cancel = self.cancel.clone();
        tokio::select! {
            done = work => Ok(done),
            () = asked(&mut cancel) => Err(BuildError::Stopped),
        }
    }

    fn read(&self, options: &Options) -> Result<Dockerfile, BuildError> {
        let step = self.progress.step("[internal] load build definition from Dockerfile");
        let file = Dockerfile::parse(&options.dockerfile);
        match &file {
            Ok(_) => step.done(),
            Err(fault) => drop(step.failed(&fault.to_string())),
        }
        let file = file?;
        let known = |name: &str| {
            let upper = name.to_ascii_uppercase();
            name == "SOURCE_DATE_EPOCH"
                || run::PROXIES.contains(&upper.as_str())
                || name.starts_with("BUILDKIT_")
        };
        for name in options.args.keys().filter(|name| !file.declares(name) && !known(name)) {
            self.progress.print(&format!("WARNING: --build-arg {name}: no ARG declares it\n"));
        }
        Ok(file)
    }

    /// Caches that can be read. One that cannot is told, and the build goes on: it may be the first.
    async fn remotes(&self, options: &Options, hold: &Hold) -> Vec<Remote> {
        let mut remotes = Vec::new();
        for place in &options.cache_from {
            let step = self.progress.step(&format!("importing cache manifest from {place}"));
            match Remote::open(&self.images, hold, place).await {
                Ok(remote) => {
                    remotes.push(remote);
                    step.done();
                }
                Err(error) => drop(step.failed(&chain(&error))),
            }
        }
        remotes
    }

    async fn keep_caches(
        &self,
        options: &Options,
        hold: &Hold,
        all: &[CacheRecord],
        own: &[CacheRecord],
    ) -> Result<(), BuildError> {
        for to in options.cache_to.iter().filter(|to| to.place != Place::Inline) {
            let step = self.progress.step(&format!("exporting cache to {}", to.place));
            let records = if to.max { all } else { own };
            match to.write(&self.images, hold, records).await {
                Ok(()) => step.done(),
                Err(error) => {
                    step.failed(&chain(&error));
                    if !to.ignore_error {
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives back what killed builds left, and why something of it is still there.
    pub async fn sweep(&self) -> Vec<Cause> {
        let runs = self.executor.sweep().await.into_iter().map(Cause::from);
        let places = self.secret_places();
        let secrets = blocking(move || places.sweep()).await;
        runs.chain(secrets.into_iter().map(Cause::from)).collect()
    }

    fn places(&self) -> Workplaces {
        Workplaces::new(self.executor.folder().to_owned())
    }

    fn downloads(&self) -> Downloads {
        Downloads::below(self.images.root())
    }

    fn secret_places(&self) -> Workplaces {
        Workplaces::new(self.volatile.join("build"))
    }
}

/// The records of the image's own layers. One that was made without looking at what is below it
/// (`COPY --link`) is known by itself.
fn own(records: &[CacheRecord], layers: &[NewLayer]) -> Vec<CacheRecord> {
    let mut below: Option<Digest> = None;
    let mut own = Vec::new();
    for layer in layers {
        let chain = layer.diff_id.chained(below.as_ref());
        let alone = |record: &&CacheRecord| {
            record.parent.is_none() && record.layer.diff_id == layer.diff_id
        };
        let here = records.iter().find(|record| record.chain_id == chain);
        own.extend(here.or_else(|| records.iter().find(alone)).cloned());
        below = Some(chain);
    }
    own
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: &str, below: Option<&Digest>) -> CacheRecord {
        let diff_id = Digest::of(content.as_bytes());
        let layer = serde_json::json!({
            "descriptor": { "mediaType": "x", "digest": diff_id.to_string(), "size": 1 },
            "diff_id": diff_id.to_string(),
        });
        CacheRecord {
            key: Digest::of(format!("key of {content}").as_bytes()),
            layer: serde_json::from_value(layer).unwrap(),
            chain_id: diff_id.chained(below),
            parent: below.cloned(),
            description: String::new(),
            created: String::new(),
            added: Timestamp::UNIX_EPOCH,
            used: Timestamp::UNIX_EPOCH,
            uses: 0,
        }
    }

    #[test]
    fn an_images_own_layers_are_found_also_those_that_lie_on_anything() {
        let base = record("base", None);
        let (first, linked) = (record("first", Some(&base.chain_id)), record("linked", None));
        let below = linked.layer.diff_id.chained(Some(&first.chain_id));
        let last = record("last", Some(&below));
        let other = record("of another stage", Some(&base.chain_id));
        let records = [other, linked.clone(), last.clone(), first.clone()];
        let layers = [&base, &first, &linked, &last].map(|record| record.layer.clone());
        let keys = |all: &[CacheRecord]| all.iter().map(|one| one.key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&own(&records, &layers)), keys(&[first, linked, last]));
    }
}
