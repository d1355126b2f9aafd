//! Staging: the files of one layer's archive in a temporary folder, everything else in memory.
//!
//! Nothing here looks at other layers, and no link of any kind is made: every path is a real one.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Scope;

use super::budget::Budget;
use super::filler::{Filler, Refusal};
use super::pool::Pool;
use super::source::Source;
use super::staging::Staging;
use super::tarball::Tarball;
use super::tree::Tree;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::store::Store;

/// What an archive has beside its files: headers, padding, PAX records.
const OVERHEAD: u64 = 4 << 30;

/// Which layer is to be staged, and for whom.
pub(crate) struct Order<'a> {
    pub(crate) store: &'a Store,
    pub(crate) blob: &'a Digest,
    pub(crate) diff_id: &'a Digest,
    pub(crate) chain_id: &'a Digest,
    /// Set when the whole unpacking has failed.
    pub(crate) cancel: &'a AtomicBool,
    /// Counts the compressed bytes read.
    pub(crate) consumed: &'a AtomicU64,
}

/// A layer whose files are written.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) staging: Staging,
    pub(crate) tree: Tree,
    /// Bytes of its files.
    pub(crate) size: u64,
}

/// Stages one layer, verifying its diff id.
pub(crate) fn stage(order: &Order<'_>) -> Result<Staged> {
    let staging = Staging::new(order.store, order.chain_id)?;
    let (tree, size) = std::thread::scope(|scope| fill(order, scope, &staging))?;
    Ok(Staged { staging, tree, size })
}

fn fill<'scope>(
    order: &'scope Order<'_>,
    scope: &'scope Scope<'scope, '_>,
    staging: &'scope Staging,
) -> Result<(Tree, u64)> {
    let limits = order.store.settings();
    let blob = order.store.open_blob(order.blob)?;
    let allowance = limits.max_unpacked_bytes.saturating_add(OVERHEAD);
    let source = Source::start(scope, blob, order.consumed, allowance);
    let pool = Pool::start(scope, staging.root());
    let mut filler = Filler::new(staging, pool, Tarball::new(source));
    let mut budget = Budget::new(limits, order.store.room());
    while let Some(entry) = filler.next().map_err(|e| order.broken(&e))? {
        if order.cancel.load(Ordering::Relaxed) {
            return Err(Error::CutOff);
        }
        let name = entry.name.clone();
        // Others write to the disk meanwhile, as other layers of the same image.
        let room = || order.store.too_large(entry.size).map_or(Ok(()), Err);
        let counted = budget.take(entry.size).and_then(|()| room()).map_err(Refusal::Rule);
        counted
            .and_then(|()| filler.take(entry))
            .map_err(|refusal| order.refused(name, refusal, staging))?;
    }
    let (tree, source) =
        filler.finish().map_err(|refusal| order.refused(String::new(), refusal, staging))?;
    let actual = source.finish().map_err(|e| order.broken(&e))?;
    if actual != *order.diff_id {
        let what = format!("the content of layer {}", order.blob.short());
        return Err(Error::WrongDigest { what, expected: order.diff_id.clone(), actual });
    }
    Ok((tree, budget.size()))
}

impl Order<'_> {
    fn broken(&self, error: &io::Error) -> Error {
        Error::Layer { layer: self.diff_id.short().to_owned(), rule: error.to_string() }
    }

    fn refused(&self, entry: String, refusal: Refusal, staging: &Staging) -> Error {
        match refusal {
            Refusal::Rule(rule) => {
                Error::Entry { layer: self.diff_id.short().to_owned(), entry, rule }
            }
            Refusal::Io(source) => {
                Error::Io { op: "unpack", path: staging.path().join(entry), source }
            }
            Refusal::Earlier(path, source) => {
                Error::Io { op: "write", path: staging.path().join(path), source }
            }
        }
    }
}
