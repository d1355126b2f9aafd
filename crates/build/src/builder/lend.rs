//! Holding what a `RUN --mount` wants for as long as the step takes.
//!
//! Files are copied, so that nothing is mounted which somebody else may change, nor a link followed
//! after it was looked at. A cache is a folder below `$ROOT/build/mounts`, locked by those who use
//! it: together, or one after the other. Part of a cache is mounted only while nobody else uses it:
//! another step could put a link in the place of what was looked at. Secrets lie in memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::Engine;
use image::Digest;
use resources::Host;
use serde_json::json;

use super::Builder;
use super::mounts::{CacheMount, Wanted, What};
use crate::dockerfile::{Fault, Sharing};
use crate::error::Cause;
use crate::executor::{Mount, RunError, Source};
use crate::files::{CopyError, Selection, at};
use crate::kept;
use crate::view::{Node, View};
use crate::workplace::Workplace;

type Result<T> = std::result::Result<T, Cause>;

/// How often a cache that is in use is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How many private copies of a cache are looked at.
const MOST_COPIES: usize = 1000;

/// What is held for a step.
#[derive(Default)]
pub(super) struct Lent {
    pub(super) mounts: Vec<Mount>,
    caches: BTreeMap<Digest, Cache>,
    places: Vec<Workplace>,
}

/// A cache in use.
struct Cache {
    folder: PathBuf,
    _lock: File,
}

impl Lent {
    /// Gives it all back.
    pub(super) async fn give_back(self) {
        // Removing copies takes a while.
        crate::blocking(move || drop(self)).await;
    }
}

impl<E: Engine, H: Host> Builder<E, H> {
    /// Gets everything that is wanted, or nothing.
    pub(super) async fn lend(&self, wanted: &[Wanted], line: usize) -> Result<Lent> {
        let mut lent = Lent::default();
        for one in wanted {
            let source = match &one.what {
                What::Memory(size) => Source::Memory(*size),
                What::Agent(socket) => Source::Socket(socket.clone()),
                What::Secret(value) => {
                    let place = self.secret_places().take()?;
                    let path = private_file(&place, value)?;
                    lent.places.push(place);
                    Source::Path(path)
                }
                What::Script(text) => {
                    let place = self.places().take()?;
                    let path = place.path().join("script.cmd");
                    fs::write(&path, text)?;
                    lent.places.push(place);
                    Source::Path(path)
                }
                What::Files(selection) => {
                    let place = self.places().take()?;
                    let path = copied(selection.clone(), place.path()).await?;
                    lent.places.push(place);
                    Source::Path(path)
                }
                What::Cache(cache) => Source::Path(self.cache(&mut lent, cache, line).await?),
            };
            let (destination, read_only) = (one.target.clone(), one.read_only);
            lent.mounts.push(Mount { source, destination, read_only });
        }
        Ok(lent)
    }

    /// The folder of a cache; two mounts of one cache in a step share it.
    async fn cache(&self, lent: &mut Lent, cache: &CacheMount, line: usize) -> Result<PathBuf> {
        if !lent.caches.contains_key(&cache.key) {
            let held = self.hold(cache).await?;
            lent.caches.insert(cache.key.clone(), held);
        }
        let folder = lent.caches[&cache.key].folder.join(kept::DATA);
        if cache.source.is_empty() {
            return Ok(folder);
        }
        inside(&folder, &cache.source, line)
    }

    async fn hold(&self, cache: &CacheMount) -> Result<Cache> {
        let all = self.images.root().join(kept::MOUNTS);
        if cache.sharing == Sharing::Private {
            for copy in 0..MOST_COPIES {
                let suffix = if copy == 0 { String::new() } else { format!("-{copy}") };
                let folder = all.join(format!("{}{suffix}", cache.key.hex()));
                let mut lock = kept::try_lock(&folder, true)?;
                if lock.is_none() && copy == 0 {
                    // Perhaps somebody only looked whether it is in use.
                    tokio::time::sleep(ASK_AGAIN).await;
                    lock = kept::try_lock(&folder, true)?;
                }
                if let Some(lock) = lock {
                    fill(&folder, cache).await?;
                    return Cache::held(folder, lock);
                }
            }
            return Err(io::Error::other(format!("cache {}: too many users", cache.id)).into());
        }
        let folder = all.join(cache.key.hex());
        let alone = cache.sharing == Sharing::Locked || !cache.source.is_empty();
        // Pruning may take it between two locks.
        loop {
            let lock = self.wait_for(&folder, alone).await?;
            if folder.join(kept::DATA).is_dir() {
                return Cache::held(folder, lock);
            }
            drop(lock);
            let _alone = self.wait_for(&folder, true).await?;
            fill(&folder, cache).await?;
        }
    }

    /// Locks alone or with others, unless the build is cancelled meanwhile.
    async fn wait_for(&self, folder: &Path, alone: bool) -> Result<File> {
        loop {
            if let Some(lock) = kept::try_lock(folder, alone)? {
                return Ok(lock);
            }
            if *self.cancel.borrow() {
                return Err(RunError::NotStarted.into());
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

impl Cache {
    fn held(folder: PathBuf, lock: File) -> Result<Self> {
        kept::note_use(&folder)?;
        Ok(Self { folder, _lock: lock })
    }
}

/// Gives a new cache what it begins with. It is there whole, or not at all.
async fn fill(folder: &Path, cache: &CacheMount) -> Result<()> {
    let data = folder.join(kept::DATA);
    if data.is_dir() {
        return Ok(());
    }
    kept::describe(folder, &json!({ "id": cache.id }))?;
    let (beside, seed) = (folder.join(kept::FILLING), cache.seed.clone());
    crate::blocking(move || {
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(at(&beside))?;
        }
        fs::create_dir(&beside).map_err(at(&beside))?;
        if let Some(seed) = seed {
            seed.write(&View::drive(Vec::new()), &beside, "/")?;
        }
        fs::rename(&beside, &data).map_err(at(&data))
    })
    .await?;
    Ok(())
}

/// A folder or file inside a cache. What a step put there leads nowhere else.
fn inside(data: &Path, source: &str, line: usize) -> Result<PathBuf> {
    let view = View::drive(vec![data.to_owned()]);
    let found = match view.find(source).map_err(at(data))? {
        Some(Node::File(path)) => Some(path),
        Some(Node::Directory(folder)) => folder.single().map(Path::to_path_buf),
        Some(Node::Link(_)) | None => None,
    };
    found.ok_or_else(|| {
        let rule = format!(
            "mount source subpath \"{source}\" is not in the cache, or escapes the mount root"
        );
        Fault::new(line, rule).into()
    })
}

/// Copies a selection; a single file is mounted as one.
async fn copied(selection: Selection, folder: PathBuf) -> Result<PathBuf> {
    let path = crate::blocking(move || {
        let file = selection.single_file().map(|name| folder.join(name));
        let destination = match selection.single_file() {
            Some(name) => format!("/{name}"),
            None => "/".to_owned(),
        };
        selection.write(&View::drive(Vec::new()), &folder, &destination)?;
        Ok::<_, CopyError>(file.unwrap_or(folder))
    })
    .await?;
    Ok(path)
}

/// A file that only this user can read.
fn private_file(place: &Workplace, value: &[u8]) -> io::Result<PathBuf> {
    use engine::os::unix::fs::OpenOptionsExt;
    use std::io::Write;
    let path = place.path().join("secret");
    let mut file = File::options().create_new(true).write(true).mode(0o400).open(&path)?;
    file.write_all(value)?;
    Ok(path)
}
