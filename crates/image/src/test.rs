//! What unit tests of this crate share.

use crate::settings::Settings;
use crate::store::Store;

/// An empty store in a folder that goes with the test.
pub(crate) fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = runtime.block_on(Store::open_with(dir.path(), Settings::default())).unwrap();
    (dir, store)
}
