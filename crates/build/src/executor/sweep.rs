//! Giving back what a killed build left.

use std::fs::File;
use std::path::Path;

use engine::{Engine, ErrorKind, System};
use resources::Host;
use schema::SystemId;

use super::{Executor, RunError};

impl<E: Engine, H: Host> Executor<E, H> {
    /// Ends the containers of runs whose process is gone, and removes what they stood on.
    pub async fn sweep(&self) -> Result<(), RunError> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Ok(()) };
        for entry in entries.filter_map(Result::ok) {
            let folder = entry.path();
            // Its owner lives as long as the lock is held.
            let lock = File::open(folder.join("lock"));
            if lock.as_ref().is_ok_and(|lock| lock.try_lock().is_err()) {
                continue;
            }
            if let Ok(id) = SystemId::new(entry.file_name().to_string_lossy()) {
                self.bury(&id, &folder).await?;
            }
        }
        Ok(())
    }

    async fn bury(&self, id: &SystemId, folder: &Path) -> Result<(), RunError> {
        match self.engine.open(id).await {
            Ok(system) => system.terminate().await?,
            Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
        resources::release_ledger(&folder.join("ledger"), &self.host).await?;
        self.host.delete_namespace(id.as_str()).await?;
        self.remove(folder).await
    }
}
