//! The signals that this program gets.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What ends a program, by Linux' numbers.
#[derive(Debug)]
pub struct Endings([Signal; 4]);

const KINDS: [SignalKind; 4] =
    [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];

impl Endings {
    /// Takes them over.
    pub fn listen() -> io::Result<Self> {
        let [interrupt, terminate, hangup, quit] = KINDS.map(signal);
        Ok(Self([interrupt?, terminate?, hangup?, quit?]))
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> u32 {
        let [interrupt, terminate, hangup, quit] = &mut self.0;
        let which = tokio::select! {
            _ = interrupt.recv() => 0,
            _ = terminate.recv() => 1,
            _ = hangup.recv() => 2,
            _ = quit.recv() => 3,
        };
        KINDS[which].as_raw_value().cast_unsigned()
    }
}

/// Tells when the terminal has another size.
#[derive(Debug)]
pub struct Resizes(Signal);

impl Resizes {
    /// From now on.
    pub fn listen() -> io::Result<Self> {
        signal(SignalKind::window_change()).map(Self)
    }

    /// Waits for the next change.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}
