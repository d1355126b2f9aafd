//! The streams between a process and whoever asked for it.
//!
//! Upstream are the ends that the client named: pipes (FIFOs), a file, or a logger. Downstream are
//! the process' own. Upstream is connected before the process exists, so that nothing it says is
//! lost and a missing end is an error early; [`relay`] then carries bytes until the process ends.

mod address;
mod logger;
mod outgoing;
mod outlet;
mod relay;
mod upstream;

pub(crate) use relay::Relays;
pub(crate) use upstream::{Ends, StdioError, Upstream};
