//! The end of a task: the container is asked to shut down, then ended, and everything that it held
//! is given back.

use std::time::Duration;

use engine::{Engine, System};
use lifecycle::Report;
use resources::Host;

use super::actor::Actor;
use super::effects::report;
use crate::error::words;

/// How long a container may take to shut down, and then to end.
const PATIENCE: Duration = Duration::from_secs(30);

impl<E: Engine, H: Host> Actor<E, H> {
    /// Nothing that fails here keeps the rest from being given back.
    pub(super) fn tear_down(&mut self) {
        let (container, world) = (self.container.take(), self.world.clone());
        let (started, inbox) = (self.started, self.inbox.clone());
        self.background.spawn(async move {
            if let Some(container) = container {
                end(&container.system, started).await;
                if let Err(error) = container.held.release(&world.host).await {
                    tracing::error!(error = words(&error), "something was not given back");
                }
            }
            report(&inbox, Report::TornDown);
        });
    }
}

/// Ends a compute system: gently if it was started, by force if that does not help.
pub(crate) async fn end(system: &impl System, gently: bool) {
    if gently && shut_down(system).await {
        return;
    }
    if let Err(error) = system.terminate().await {
        tracing::error!(error = words(&error), "a container could not be ended");
    }
    if tokio::time::timeout(PATIENCE, system.wait()).await.is_err() {
        tracing::error!("a container that was ended is still there");
    }
}

async fn shut_down(system: &impl System) -> bool {
    match system.shutdown().await {
        Ok(()) => tokio::time::timeout(PATIENCE, system.wait()).await.is_ok(),
        Err(error) => {
            tracing::warn!(error = words(&error), "a container could not be shut down");
            false
        }
    }
}
