//! The end of a task: the container is asked to shut down, then ended, and everything that it held
//! is given back.

use std::time::Duration;

use engine::{Engine, EngineError, ErrorKind, Op, System};
use lifecycle::Report;
use resources::{Held, Host};

use super::Container;
use super::actor::Actor;
use super::effects::report;
use crate::error::words;

/// How long a container may take to shut down, and then to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for the rest of a container whose first process was killed: whoever did that did not
/// mean to wait.
const SHORT_PATIENCE: Duration = Duration::from_secs(2);

impl<E: Engine, H: Host> Actor<E, H> {
    pub(super) fn tear_down(&mut self) {
        let (container, world) = (self.container.take(), self.world.clone());
        let held = self.held.take();
        let gentle = self.started.then_some(if self.killed { SHORT_PATIENCE } else { PATIENCE });
        let inbox = self.inbox.clone();
        self.background.spawn(async move {
            if let Some(container) = container {
                give_back(container, gentle, &world.host).await;
            }
            if let Some(held) = held {
                release(held, &world.host).await;
            }
            report(&inbox, Report::TornDown);
        });
    }
}

/// Ends the container and gives back what it held. A container that cannot be ended keeps what it
/// stands on, and its ledger, by which `delete` finds it.
async fn give_back<E: Engine>(container: Container<E>, gentle: Option<Duration>, host: &impl Host) {
    if let Err(error) = end(&container.system, gentle).await {
        tracing::error!(error = words(&error), "a container could not be ended");
        return;
    }
    release(container.held, host).await;
}

async fn release(held: Held, host: &impl Host) {
    if let Err(error) = held.release(host).await {
        tracing::error!(error = words(&error), "something was not given back");
    }
}

/// Ends a compute system: gently for as long as is told, then by force.
pub(crate) async fn end(system: &impl System, gentle: Option<Duration>) -> engine::Result<()> {
    if let Some(patience) = gentle
        && shut_down(system, patience).await
    {
        return Ok(());
    }
    system.terminate().await?;
    let gone = tokio::time::timeout(PATIENCE, system.wait()).await;
    gone.map(drop).map_err(|_| {
        let late = ErrorKind::TimedOut { what: "the end of a container", after: PATIENCE };
        EngineError::new(Op::Terminate, system.id(), late)
    })
}

/// Also a container that does not even answer has only so long.
async fn shut_down(system: &impl System, patience: Duration) -> bool {
    let gone = async {
        system.shutdown().await?;
        system.wait().await;
        Ok::<(), EngineError>(())
    };
    match tokio::time::timeout(patience, gone).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(error = words(&error), "a container could not be shut down");
            false
        }
        Err(_) => false,
    }
}
