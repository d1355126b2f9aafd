//! The signals that this program gets.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal as Listener, SignalKind, signal};

/// Signals that are passed on to a container in the foreground.
#[derive(Debug)]
pub struct Signals {
    passed: Option<[Listener; 4]>,
    resized: Option<Listener>,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// To be passed on: Linux' number.
    Pass(u32),
    /// The terminal has another size.
    Resized,
}

const PASSED: [SignalKind; 4] =
    [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];

impl Signals {
    /// Takes over the signals to `pass` on, and listens for the terminal's size.
    pub fn listen(pass: bool, resizes: bool) -> Result<Self> {
        let listen = |kind| signal(kind).context("listening for signals");
        let passed = if pass {
            let [a, b, c, d] = PASSED.map(listen);
            Some([a?, b?, c?, d?])
        } else {
            None
        };
        let size_changes = if resizes { Some(listen(SignalKind::window_change())?) } else { None };
        Ok(Self { passed, resized: size_changes })
    }

    /// It listens for the terminal's size.
    pub fn resizes(&self) -> bool {
        self.resized.is_some()
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        let passed = async {
            match &mut self.passed {
                Some([interrupt, terminate, hangup, quit]) => {
                    let which = tokio::select! {
                        _ = interrupt.recv() => 0,
                        _ = terminate.recv() => 1,
                        _ = hangup.recv() => 2,
                        _ = quit.recv() => 3,
                    };
                    PASSED[which].as_raw_value().cast_unsigned()
                }
                None => std::future::pending().await,
            }
        };
        let resized = async {
            match &mut self.resized {
                Some(listener) => listener.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            number = passed => Signal::Pass(number),
            _ = resized => Signal::Resized,
        }
    }
}
