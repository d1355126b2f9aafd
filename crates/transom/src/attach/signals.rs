//! The signals that this program gets.

use anyhow::{Context, Result};
use engine::os::signals::{Endings, Resizes};

/// Signals that are passed on to a container in the foreground.
#[derive(Debug)]
pub struct Signals {
    passed: Option<Endings>,
    resized: Option<Resizes>,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// To be passed on: Linux' number.
    Pass(u32),
    /// The terminal has another size.
    Resized,
}

impl Signals {
    /// Takes over the signals to `pass` on, and listens for the terminal's size.
    pub fn listen(pass: bool, resizes: bool) -> Result<Self> {
        let passed = pass.then(Endings::listen).transpose().context("listening for signals")?;
        let sizes = resizes.then(Resizes::listen).transpose().context("listening for signals")?;
        Ok(Self { passed, resized: sizes })
    }

    /// It listens for the terminal's size.
    pub fn resizes(&self) -> bool {
        self.resized.is_some()
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        let passed = async {
            match &mut self.passed {
                Some(endings) => endings.next().await,
                None => std::future::pending().await,
            }
        };
        let resized = async {
            match &mut self.resized {
                Some(resizes) => resizes.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            number = passed => Signal::Pass(number),
            () = resized => Signal::Resized,
        }
    }
}
