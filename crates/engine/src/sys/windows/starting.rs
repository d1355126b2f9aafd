//! Programs are started one after the other.
//!
//! What a process in a job is to inherit can be inherited by every program that is started meanwhile
//! and is not told what to inherit, as those of the standard library are not. One that lives longer
//! than the process would keep its streams open.

use std::sync::{Mutex, MutexGuard, PoisonError};

static STARTING: Mutex<()> = Mutex::new(());

/// Nobody else starts a program until this is dropped.
pub(super) fn alone() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}
