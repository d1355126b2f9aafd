//! Where a stream of a process goes: the client's pipe, a file, a logger.

use std::io;

use engine::system::Writer;
use tokio::io::AsyncWriteExt as _;

/// An end that takes a process' output.
pub(crate) enum Outlet {
    /// A pipe that the client named: its reader may go and come back.
    Pipe(engine::pipes::Outlet),
    /// What is there as long as it is wanted.
    Other {
        /// It.
        to: Writer,
        /// How much it has taken and nobody was told of.
        untold: usize,
    },
}

impl Outlet {
    /// A file, or a logger's pipe.
    pub(super) fn other(to: Writer) -> Self {
        Self::Other { to, untold: 0 }
    }

    /// Whether it may be worth waiting for somebody to read on.
    pub(super) fn is_pipe(&self) -> bool {
        match self {
            Self::Pipe(_) => true,
            Self::Other { .. } => false,
        }
    }

    /// From now on a pipe that nobody has open to read is broken.
    pub(super) fn need_reader(&mut self) {
        match self {
            Self::Pipe(pipe) => pipe.need_reader(),
            Self::Other { .. } => {}
        }
    }

    /// Writes some of it, and does not keep it: somebody may be waiting for half a line. Whoever stops
    /// waiting asks again with the same bytes, and none is written twice.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Pipes keep nothing back.
            Self::Pipe(pipe) => pipe.write(bytes).await,
            Self::Other { to, untold } => {
                if *untold == 0 {
                    *untold = to.write(bytes).await?;
                }
                to.flush().await?;
                Ok(std::mem::take(untold))
            }
        }
    }

    pub(super) async fn close(&mut self) {
        // Nobody is left to tell.
        let _ = match self {
            Self::Pipe(pipe) => pipe.shutdown().await,
            Self::Other { to, .. } => to.shutdown().await,
        };
    }
}
