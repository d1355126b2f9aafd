//! A service of the service control manager, and what it tells the event log.

#![expect(unsafe_code, reason = "the service control manager is a C interface")]

mod control;
mod log;
mod manager;

pub use control::{Stopped, run};
pub use log::{Kind, report};
pub use manager::{install, uninstall};

/// The service's name, and its source's in the event log.
pub const NAME: &str = "Transom";
