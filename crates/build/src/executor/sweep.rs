//! Giving back what a killed build left. One that is stuck keeps nobody from the others, nor from
//! what he came for: it is told, and goes another time.

use engine::{Engine, ErrorKind, System};
use resources::Host;
use schema::SystemId;

use super::place::Place;
use super::{Executor, RunError};

impl<E: Engine, H: Host> Executor<E, H> {
    /// Ends the containers of runs whose process is gone, and removes what they stood on. Gives why
    /// something is still there.
    pub async fn sweep(&self) -> Vec<RunError> {
        let folder = self.folder.clone();
        let dead = match crate::blocking(move || Place::dead(&folder)).await {
            Ok(dead) => dead,
            Err(error) => return vec![RunError::io(&self.folder)(error)],
        };
        let mut failed = Vec::new();
        for place in dead {
            failed.extend(self.bury(place).await.err());
        }
        failed
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
