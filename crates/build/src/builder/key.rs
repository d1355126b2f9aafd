//! By what the layer of a step is found again: everything that shows in it, and no time.
//!
//! Of the platform it is the Windows that programs see: its version, and for `RUN` which Wine it is.
//! A new guest alone makes nothing stale, unless it says so ([`LEAVES`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::Engine;
use image::Digest;
use resources::Host;
use serde_json::{Value, json};

use super::layers::Work;
use super::stages::Stages;
use super::state::State;
use crate::blocking;
use crate::error::Cause;
use crate::executor::NetMode;
use crate::files::CopyError;

type Result<T> = std::result::Result<T, Cause>;

/// What Transom itself leaves in a layer, by number: raised by whoever changes what the guest, the
/// registry's translation or the layer's writer make of the same step. Other upgrades leave what was
/// built before as good as it was, and keep it.
const LEAVES: u32 = 3;

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// What a layer is made by, without times: what is below it, what is done, and whatever else
    /// shows in the result.
    pub(super) async fn key(&self, state: &State, work: &Arc<Work>) -> Result<Digest> {
        let below = if work.is_alone() { None } else { state.chain() };
        let work = Arc::clone(work);
        let runs = matches!(*work, Work::Run(_));
        let work = blocking(move || key_of(&work)).await?;
        let version = self.builder.ground.os_version.to_string();
        let mut all = vec![json!(below), work, json!(version), json!(self.options.epoch)];
        all.push(json!(LEAVES));
        if runs {
            all.push(json!(self.builder.ground.edition));
        }
        let all = Value::Array(all);
        Ok(Digest::of(all.to_string().as_bytes()))
    }
}

/// What a layer is made by, without times.
fn key_of(work: &Work) -> std::result::Result<Value, CopyError> {
    Ok(match work {
        Work::Run(running) => {
            let meta = &running.meta;
            let mut key = json!([
                "run",
                meta.args,
                meta.command_line,
                meta.env,
                meta.cwd,
                meta.user,
                meta.network == NetMode::None,
                running.mounts.key
            ]);
            // Which names there are makes a difference; where they lead may be another place each
            // time, and the same thing.
            let hosts: BTreeSet<&str> = meta.hosts.iter().map(|(name, _)| name.as_str()).collect();
            if let Some(all) = key.as_array_mut() {
                all.extend((!hosts.is_empty()).then(|| json!(hosts)));
                all.extend((!meta.hostname.is_empty()).then(|| json!({ "host": meta.hostname })));
            }
            key
        }
        Work::Files(files) => {
            json!(["files", files.selection.digest()?, files.destination, files.alone])
        }
        Work::Folder(path, owner) => json!(["folder", path, owner]),
    })
}
