//! What a signal comes to. Which numbers and names mean what is `plan`'s to say.

use schema::process::ControlEvent;

/// What a signal comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The process gets a console control event.
    Control(ControlEvent),
    /// The process is ended.
    Terminate,
}

/// A signal that the guest does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signal {0}: invalid signal value")]
pub struct InvalidSignal(pub String);
