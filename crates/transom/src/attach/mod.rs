//! What passes between a container's monitor and those who look at the container.
//!
//! ```text
//!   transom run/start/attach/stop/... <--- wire over a Unix socket ---> transom monitor
//! ```
//!
//! [`wire`] is the language, [`client`] the looking side with its [`terminal`] and [`keys`]; the
//! other end is [`monitor::serve`](crate::monitor).

pub mod client;
pub mod foreground;
pub mod input;
pub mod keys;
pub mod signals;
pub mod socket;
pub mod terminal;
pub mod wire;
