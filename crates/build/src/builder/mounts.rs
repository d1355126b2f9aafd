//! `RUN --mount`: what is wanted, decided before anything is touched. What is secret of it is in
//! `secrets`; `lend` holds all of it for a step.

use std::sync::Arc;

use engine::Engine;
use image::Digest;
use resources::Host;
use serde_json::{Value, json};

use super::layers::working_dir;
use super::secrets;
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{Fault, Mount, MountKind, Run, Sharing, Step};
use crate::error::Cause;
use crate::files::{CopyError, Filter, Kept, Selection};
use crate::paths;
use crate::view::View;

type Result<T> = std::result::Result<T, Cause>;

/// What the mounts of a `RUN` come to.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Parents first.
    pub(super) wanted: Vec<Wanted>,
    /// Variables that hold secrets, or lead to them.
    pub(super) variables: Vec<String>,
    /// What of them makes the layer another one: of a secret its name and place, whether it was
    /// given or not, and never its value.
    pub(super) key: Vec<Value>,
}

impl Mounts {
    fn keyed(&mut self, (wanted, key): (Wanted, Value)) {
        self.wanted.push(wanted);
        self.key.push(key);
    }
}

/// Something to mount for one `RUN`.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) what: What,
    /// A Windows path, or a pipe's.
    pub(super) target: String,
    pub(super) read_only: bool,
}

/// Of which kind.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// Copies of files.
    Files(Selection),
    Cache(CacheMount),
    Memory(Option<u64>),
    /// A file with this content that nobody else sees.
    Secret(Arc<[u8]>),
    /// The socket of an agent.
    Agent(std::path::PathBuf),
    /// A file with this text.
    Script(String),
}

/// A folder that lasts from build to build.
#[derive(Debug, Clone)]
pub(super) struct CacheMount {
    /// Its name among such folders.
    pub(super) key: Digest,
    /// What it is called, for people.
    pub(super) id: String,
    /// What it holds at first.
    pub(super) seed: Option<Selection>,
    /// The folder in it that is mounted, slashes; empty is all of it.
    pub(super) source: String,
    pub(super) sharing: Sharing,
}

impl Wanted {
    /// A file of text.
    pub(super) fn script(target: String, text: String) -> Self {
        Self { what: What::Script(text), target, read_only: true }
    }
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// What the mounts of a `RUN` come to.
    pub(super) async fn mounts(
        &self,
        state: &State,
        at: usize,
        run: &Run,
        step: &Step,
    ) -> Result<Mounts> {
        let mut all = Mounts::default();
        let names = |name: &str| state.value(name);
        for text in &run.mounts {
            let mount = text.decide(&names, step.line)?;
            match mount.kind {
                MountKind::Bind => all.keyed(self.bind(state, at, &mount, step).await?),
                MountKind::Cache => all.keyed(self.cache(state, at, &mount, step).await?),
                MountKind::Tmpfs => all.keyed(memory(state, &mount, step)?),
                MountKind::Secret => secrets::secret(&mut all, self.options, state, &mount, step)?,
                MountKind::Ssh => secrets::agent(&mut all, self.options, &mount, step)?,
            }
        }
        all.wanted.sort_by_key(|one| one.target.to_lowercase());
        all.key.sort_by_key(Value::to_string);
        Ok(all)
    }

    async fn bind(
        &self,
        state: &State,
        at: usize,
        mount: &Mount,
        step: &Step,
    ) -> Result<(Wanted, Value)> {
        let target = target(state, mount, step)?;
        let (selection, content) = self.selected(at, mount, step).await?;
        // Whether it can be written to makes a difference to what runs.
        let key = json!(["bind", target, content.to_string(), mount.read_only]);
        Ok((Wanted { what: What::Files(selection), target, read_only: mount.read_only }, key))
    }

    /// The files that `from` and `source` name, and a digest of them.
    async fn selected(&self, at: usize, mount: &Mount, step: &Step) -> Result<(Selection, Digest)> {
        let origin = self.origin(at, mount.from.as_deref(), step.line).await?;
        let source = paths::source(mount.source.as_deref().unwrap_or_default())?;
        let whole = origin.whole.filter(|_| source == "/");
        crate::blocking(move || {
            let filter = Filter { hidden: origin.hidden, ..Filter::default() };
            let selection = select(&origin.view, &source, &filter)?;
            let digest = match whole {
                Some(whole) => whole,
                None => selection.digest()?,
            };
            Ok::<_, CopyError>((selection, digest))
        })
        .await
        .map_err(Cause::from)
    }

    async fn cache(
        &self,
        state: &State,
        at: usize,
        mount: &Mount,
        step: &Step,
    ) -> Result<(Wanted, Value)> {
        let target = target(state, mount, step)?;
        let id = mount.id.clone().unwrap_or_else(|| slashes(&target));
        let space = self.options.args.get("BUILDKIT_CACHE_MOUNT_NS").cloned().unwrap_or_default();
        let (mut seed, mut seeded) = (None, String::new());
        if mount.from.is_some() {
            // What is mounted of a cache is named in the cache, not in what it began with.
            let whole = Mount { source: None, ..mount.clone() };
            let (selection, digest) = self.selected(at, &whole, step).await?;
            (seed, seeded) = (Some(selection), digest.to_string());
        }
        let source = paths::source(mount.source.as_deref().unwrap_or_default())?;
        let source = source.trim_start_matches('/').to_owned();
        let key = Digest::of(json!([space, id, seeded]).to_string().as_bytes());
        let told = json!(["cache", target, id, seeded, source, mount.read_only]);
        let sharing = mount.sharing.unwrap_or(Sharing::Shared);
        let what = What::Cache(CacheMount { key, id, seed, source, sharing });
        Ok((Wanted { what, target, read_only: mount.read_only }, told))
    }
}

fn select(view: &View, source: &str, filter: &Filter) -> std::result::Result<Selection, CopyError> {
    let mut selection = Selection::default();
    selection.source(view, source, filter, Kept::Name)?;
    Ok(selection)
}

fn memory(state: &State, mount: &Mount, step: &Step) -> Result<(Wanted, Value)> {
    let target = target(state, mount, step)?;
    let size = mount.size.as_deref().map(bytes).transpose();
    let size = size.map_err(|rule| Fault::new(step.line, rule))?;
    let key = json!(["tmpfs", target, size]);
    Ok((Wanted { what: What::Memory(size), target, read_only: mount.read_only }, key))
}

/// Where something is mounted, as a Windows path.
pub(super) fn target(state: &State, mount: &Mount, step: &Step) -> Result<String> {
    let written = mount.target.as_deref().unwrap_or_default();
    let bad = || Cause::from(Fault::new(step.line, format!("invalid mount target \"{written}\"")));
    let bytes = written.as_bytes();
    // `C:x` is relative to a directory that nobody knows.
    if bytes.get(1) == Some(&b':') && !matches!(bytes.get(2), Some(b'\\' | b'/')) {
        return Err(bad());
    }
    let path = paths::workdir(&working_dir(state), written)?;
    if path == "\\" || written.is_empty() {
        return Err(bad());
    }
    Ok(format!("C:{path}"))
}

/// `C:\a\b` as `/a/b`.
fn slashes(target: &str) -> String {
    target.trim_start_matches("C:").replace('\\', "/")
}

/// `64m` and its like.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower);
    let (digits, unit) = match lower.char_indices().last() {
        Some((at, unit @ ('k' | 'm' | 'g' | 't'))) => (&lower[..at], Some(unit)),
        _ => (lower, None),
    };
    let shift = match unit {
        None => 0,
        Some('k') => 10,
        Some('m') => 20,
        Some('g') => 30,
        Some(_) => 40,
    };
    let number: Option<u64> = digits.trim().parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("invalid size \"{text}\": a number with k, m, g or t is wanted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, wanted) in [("512", 512), ("64m", 64 << 20), ("1GB", 1 << 30), ("2KiB", 2048)] {
            assert_eq!(bytes(text), Ok(wanted), "{text}");
        }
        for text in ["", "0", "-1", "x", "9999999999t"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
