//! Unpacking the layers of an image: which ones, in what order, by how many at once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use oci_spec::image::Descriptor;

use engine::layering::Service;

use super::Chain;
use super::hosted;
use super::record::{Form, Record};
use super::settle::{Ground, settle};
use super::stage::{Order, Staged, stage};
use crate::compose::{Hold, NewLayer};
use crate::digest::Digest;
use crate::error::{IoContext, Result};
use crate::image::{Image, digest_of};
use crate::progress::{Event, Progress, Quiet, State};
use crate::store::Store;
use crate::store::lock::Lock;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

impl Store {
    /// Unpacks the layers of `image` that are not unpacked yet. `fold` is the platform layer's
    /// drive, whose spelling of names comes first.
    pub async fn unpack(
        &self,
        image: &Image,
        fold: &Path,
        progress: Arc<dyn Progress>,
    ) -> Result<Chain> {
        image.check_platform()?;
        let (image, fold) = (image.clone(), fold.to_owned());
        self.blocking(move |store| store.unpack_sync(&image, &fold, &*progress)).await
    }

    /// The same for layers, base first, that no image has yet. They are kept while they are held.
    pub async fn unpack_layers(
        &self,
        _hold: &Hold,
        layers: &[NewLayer],
        os_version: Option<String>,
        fold: &Path,
    ) -> Result<Chain> {
        let (layers, fold) = (layers.to_vec(), fold.to_owned());
        self.blocking(move |store| {
            let parts = layers.iter().map(|layer| (&layer.descriptor, &layer.diff_id));
            store.unpack_parts(parts, os_version.as_ref(), &fold, &Quiet)
        })
        .await
    }

    pub(crate) fn unpack_sync(
        &self,
        image: &Image,
        fold: &Path,
        progress: &dyn Progress,
    ) -> Result<Chain> {
        let parts = image.layers.iter().zip(&image.config.rootfs.diff_ids);
        self.unpack_parts(parts, image.config.os_version.as_ref(), fold, progress)
    }

    fn unpack_parts<'a>(
        &self,
        parts: impl Iterator<Item = (&'a Descriptor, &'a Digest)>,
        os_version: Option<&String>,
        fold: &Path,
        progress: &dyn Progress,
    ) -> Result<Chain> {
        let layers = layers(parts, os_version)?;
        let ids: Vec<Digest> = layers.iter().map(|layer| layer.chain_id.clone()).collect();
        if !ids.iter().all(|id| self.is_unpacked(id)) {
            let _adding = self.lock_adding()?;
            self.sweep_layers().warn();
            let (missing, _locks) = self.claim(layers)?;
            self.unpack_missing(&missing, &ids, fold, progress)?;
        }
        let ids: Vec<Digest> = ids.into_iter().rev().collect();
        Ok(Chain { folders: ids.iter().map(|id| self.layer_folder(id)).collect(), ids })
    }

    /// Takes the locks of the layers that are to be made, base first: whoever else wants some of
    /// them takes them in the same order. What another process made meanwhile falls away.
    fn claim(&self, layers: Vec<Layer>) -> Result<(Vec<Layer>, Vec<Lock>)> {
        let mut claimed = (Vec::new(), Vec::new());
        for layer in layers {
            if self.is_unpacked(&layer.chain_id) {
                continue;
            }
            let lock = self.lock_making(layer.chain_id.hex())?;
            if !self.is_unpacked(&layer.chain_id) {
                claimed.0.push(layer);
                claimed.1.push(lock);
            }
        }
        Ok(claimed)
    }

    /// Stages side by side, settles base first. The first failure ends everything.
    fn unpack_missing(
        &self,
        layers: &[Layer],
        ids: &[Digest],
        fold: &Path,
        progress: &dyn Progress,
    ) -> Result<()> {
        let work = Work {
            store: self,
            layers,
            next: AtomicUsize::new(0),
            cancel: AtomicBool::new(false),
            done: (Mutex::new(false), Condvar::new()),
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(layers.len());
        std::thread::scope(|scope| {
            let (send, staged) = channel();
            for _ in 0..threads {
                let (work, send) = (&work, send.clone());
                scope.spawn(move || work.stage_some(&send));
            }
            drop(send);
            scope.spawn(|| work.watch(progress));
            let mut slots: Vec<Option<Staged>> = layers.iter().map(|_| None).collect();
            let mut turn = 0;
            let result = (|| {
                for (i, result) in staged {
                    slots[i] = Some(result?);
                    while let Some(staged) = slots.get_mut(turn).and_then(Option::take) {
                        self.settle_one(staged, &layers[turn], ids, fold)?;
                        let state = State::Complete;
                        progress.layer(Event { blob: &layers[turn].blob, state });
                        turn += 1;
                    }
                }
                Ok(())
            })();
            work.end(result.is_err());
            result
        })
    }

    fn settle_one(
        &self,
        mut staged: Staged,
        layer: &Layer,
        ids: &[Digest],
        fold: &Path,
    ) -> Result<()> {
        let below = &ids[..layer.position];
        let parents: Vec<PathBuf> =
            below.iter().rev().map(|id| self.layer_folder(id).join("fs")).collect();
        let ground = Ground {
            layer: layer.diff_id.short(),
            fold,
            parents: &parents,
            allowance: self.settings().max_unpacked_bytes.saturating_sub(staged.size),
        };
        if let Some(service) = engine::layering::service() {
            return self.set_up(service, staged, layer, below);
        }
        settle(&mut staged, &ground)?;
        layer.record(below, staged.size).write(staged.staging.path())?;
        let folder = self.layer_folder(&layer.chain_id);
        if folder.exists() {
            // Under this name and without its record: nobody's work.
            std::fs::remove_dir_all(&folder).at("remove", &folder)?;
        }
        staged.staging.publish(&folder)
    }

    /// The same where the host's service sets layers up.
    fn set_up(
        &self,
        service: Service,
        mut staged: Staged,
        layer: &Layer,
        below: &[Digest],
    ) -> Result<()> {
        let parents: Vec<PathBuf> = below.iter().rev().map(|id| self.layer_folder(id)).collect();
        let ground = hosted::Ground { service, layer: layer.diff_id.short(), parents: &parents };
        let folder = self.layer_folder(&layer.chain_id);
        let made = hosted::set_up(&mut staged, &ground, &folder)?;
        layer.record(below, staged.size).write_last(&folder)?;
        made.keep();
        Ok(())
    }
}

/// One layer to unpack.
struct Layer {
    /// Its place in the image, 0 for the base.
    position: usize,
    blob: Digest,
    /// Compressed bytes.
    size: u64,
    diff_id: Digest,
    chain_id: Digest,
    os_version: Option<String>,
    consumed: AtomicU64,
}

impl Layer {
    fn record(&self, below: &[Digest], size: u64) -> Record {
        Record {
            chain_id: self.chain_id.clone(),
            diff_id: self.diff_id.clone(),
            parent: below.last().cloned(),
            os_version: self.os_version.clone(),
            size,
            form: Form::of_host(),
        }
    }
}

fn layers<'a>(
    parts: impl Iterator<Item = (&'a Descriptor, &'a Digest)>,
    os_version: Option<&String>,
) -> Result<Vec<Layer>> {
    let mut below: Option<Digest> = None;
    let layer = |(position, (descriptor, diff_id)): (usize, (&Descriptor, &Digest))| {
        let chain_id = diff_id.chained(below.as_ref());
        below = Some(chain_id.clone());
        Ok(Layer {
            position,
            blob: digest_of(descriptor)?,
            size: descriptor.size(),
            diff_id: diff_id.clone(),
            chain_id,
            os_version: os_version.cloned(),
            consumed: AtomicU64::new(0),
        })
    };
    parts.enumerate().map(layer).collect()
}

/// What the staging threads share.
struct Work<'a> {
    store: &'a Store,
    layers: &'a [Layer],
    next: AtomicUsize,
    cancel: AtomicBool,
    done: (Mutex<bool>, Condvar),
}

impl Work<'_> {
    /// Stages layers until there is none left that nobody has begun.
    fn stage_some(&self, staged: &Sender<(usize, Result<Staged>)>) {
        loop {
            let i = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(layer) = self.layers.get(i).filter(|_| !self.cancel.load(Ordering::Relaxed))
            else {
                return;
            };
            let order = Order {
                store: self.store,
                blob: &layer.blob,
                diff_id: &layer.diff_id,
                chain_id: &layer.chain_id,
                cancel: &self.cancel,
                consumed: &layer.consumed,
            };
            if staged.send((i, stage(&order))).is_err() {
                return;
            }
        }
    }

    /// Tells how far the layers are, until the end.
    fn watch(&self, progress: &dyn Progress) {
        let (done, wake) = &self.done;
        let mut told = vec![0; self.layers.len()];
        let mut ended = done.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended {
            ended = wake.wait_timeout(ended, TICK).unwrap_or_else(PoisonError::into_inner).0;
            for (layer, told) in self.layers.iter().zip(&mut told) {
                let consumed = layer.consumed.load(Ordering::Relaxed).min(layer.size);
                if consumed != *told && !*ended {
                    *told = consumed;
                    let state = State::Extracting { done: consumed, total: layer.size };
                    progress.layer(Event { blob: &layer.blob, state });
                }
            }
        }
    }

    fn end(&self, failed: bool) {
        self.cancel.store(failed, Ordering::Relaxed);
        *self.done.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.done.1.notify_all();
    }
}
