//! Whether this Windows has the bind filter: shims that are started meanwhile find it, or do not.

use std::path::PathBuf;

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static FILTER: RwLock<()> = RwLock::const_new(());

fn file(name: &str) -> PathBuf {
    PathBuf::from(r"C:\windows\system32").join(name)
}

/// It is there, as long as this lives.
pub(crate) async fn there() -> RwLockReadGuard<'static, ()> {
    let there = FILTER.read().await;
    assert!(file("bindfltapi.dll").is_file(), "`cargo xtask test wine` puts it there");
    there
}

/// It is away, as long as this lives.
pub(crate) struct Away(#[expect(dead_code, reason = "it is held")] RwLockWriteGuard<'static, ()>);

pub(crate) async fn away() -> Away {
    let alone = FILTER.write().await;
    std::fs::rename(file("bindfltapi.dll"), file("bindfltapi.away")).unwrap();
    Away(alone)
}

impl Drop for Away {
    fn drop(&mut self) {
        // Every later test would tell that it is not there.
        let _ = std::fs::rename(file("bindfltapi.away"), file("bindfltapi.dll"));
    }
}
