//! A shim that nobody has any use for.
//!
//! A containerd that dies after it has started a shim and before it has asked for a task leaves one
//! that serves nothing. Later versions find it when they come back; 1.6 keeps it for ever, and
//! nothing that its users can say ends it. Such a shim ends by itself.

use std::time::Duration;

use engine::Engine;
use resources::Host;

use super::Service;
use super::slot::Slot;

/// How long a client may take from starting a shim to asking for a task. Containerd asks at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request for a task, while it is carried out.
pub(super) struct Asking<'s, E: Engine, H: Host>(&'s Service<E, H>);

impl<E: Engine, H: Host> Drop for Asking<'_, E, H> {
    fn drop(&mut self) {
        self.0.inner.asking.send_modify(|asking| *asking -= 1);
    }
}

impl<E: Engine, H: Host> Service<E, H> {
    /// While this is held, somebody has a use for the shim.
    pub(super) fn asking(&self) -> Asking<'_, E, H> {
        self.inner.asking.send_modify(|asking| *asking += 1);
        Asking(self)
    }

    /// Ends the shim when it has no task and nobody asks for one; comes back when it has one.
    pub(crate) async fn end_if_unused(&self) {
        let mut asking = self.inner.asking.subscribe();
        loop {
            // The sender is this service's own.
            let _ = asking.wait_for(|asking| *asking == 0).await;
            if !matches!(*self.inner.slot.lock().await, Slot::Empty) {
                return;
            }
            if tokio::time::timeout(PATIENCE, asking.changed()).await.is_err() {
                tracing::warn!("nobody has asked for a task: the shim ends");
                self.shut_down(self.inner.id.as_str(), true);
                return;
            }
        }
    }
}
