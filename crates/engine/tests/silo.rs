//! Silos hold what they hold: attempts to break out, to take too much, and to leave things behind.

#[cfg(target_os = "linux")]
mod host;

#[cfg(target_os = "linux")]
#[path = "silo/mod.rs"]
mod linux;
