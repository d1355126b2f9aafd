//! The end of a task: the container is asked to shut down, then ended, and everything that it held
//! is given back.

use std::time::Duration;

use engine::{Engine, EngineError, ErrorKind, Op, System};
use lifecycle::Report;
use resources::Host;

use super::Container;
use super::actor::Actor;
use super::effects::report;
use crate::error::words;

/// How long a container may take to shut down, and then to end.
const PATIENCE: Duration = Duration::from_secs(30);

impl<E: Engine, H: Host> Actor<E, H> {
    pub(super) fn tear_down(&mut self) {
        let (container, world) = (self.container.take(), self.world.clone());
        let (started, inbox) = (self.started, self.inbox.clone());
        self.background.spawn(async move {
            if let Some(container) = container {
                give_back(container, started, &world.host).await;
            }
            report(&inbox, Report::TornDown);
        });
    }
}

/// Ends the container and gives back what it held. A container that cannot be ended keeps what it
/// stands on, and its ledger, by which `delete` finds it.
async fn give_back<E: Engine>(container: Container<E>, started: bool, host: &impl Host) {
    if let Err(error) = end(&container.system, started).await {
        tracing::error!(error = words(&error), "a container could not be ended");
        return;
    }
    if let Err(error) = container.held.release(host).await {
        tracing::error!(error = words(&error), "something was not given back");
    }
}

/// Ends a compute system: gently if it was started, by force if that does not help.
pub(crate) async fn end(system: &impl System, gently: bool) -> engine::Result<()> {
    if gently && shut_down(system).await {
        return Ok(());
    }
    system.terminate().await?;
    let gone = tokio::time::timeout(PATIENCE, system.wait()).await;
    gone.map(drop).map_err(|_| {
        let late = ErrorKind::TimedOut { what: "the end of a container", after: PATIENCE };
        EngineError::new(Op::Terminate, system.id(), late)
    })
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
