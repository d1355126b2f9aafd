//! Giving back what a killed build left.

use engine::{Engine, ErrorKind, System};
use resources::Host;
use schema::SystemId;

use super::place::Place;
use super::{Executor, RunError};

impl<E: Engine, H: Host> Executor<E, H> {
    /// Ends the containers of runs whose process is gone, and removes what they stood on.
    pub async fn sweep(&self) -> Result<(), RunError> {
        let folder = self.folder.clone();
        let dead = tokio::task::spawn_blocking(move || Place::dead(&folder))
            .await
            .expect("looking at files does not panic")
            .map_err(RunError::io(&self.folder))?;
        for place in dead {
            self.bury(place).await?;
        }
        Ok(())
    }

    async fn bury(&self, place: Place) -> Result<(), RunError> {
        let name = place.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with(super::FILES) {
            let Ok(id) = SystemId::new(&name) else { return Ok(()) };
            match self.engine.open(&id).await {
                Ok(system) => system.terminate().await?,
                Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
            resources::release_ledger(&place.path.join("ledger"), &*self.host).await?;
            self.host.delete_namespace(&name).await?;
        }
        self.remove(place).await
    }
}
