//! The callbacks of handles.
//!
//! An event that comes before its callback is kept for it. No callback runs once its handle has been
//! taken out: taking out waits for one that runs, but for itself.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use super::locked;

/// Tells an event: its number and its data.
pub type EventCallback = Arc<dyn Fn(u32, &str) + Send + Sync>;

#[derive(Default)]
struct Slot {
    callback: Option<EventCallback>,
    kept: Vec<(u32, String)>,
    running: Arc<Mutex<()>>,
    runner: Option<ThreadId>,
}

/// All of them.
#[derive(Default)]
pub struct Callbacks(Mutex<BTreeMap<u64, Slot>>);

impl Callbacks {
    /// Makes room for a handle's events.
    pub fn add(&self, handle: u64) {
        locked(&self.0).entry(handle).or_default();
    }

    /// Sets a handle's callback, and gives what was kept for it.
    pub fn set(&self, handle: u64, callback: Option<EventCallback>) -> Vec<(u32, String)> {
        let mut slots = locked(&self.0);
        let Some(slot) = slots.get_mut(&handle) else { return Vec::new() };
        slot.callback = callback;
        if slot.callback.is_some() { std::mem::take(&mut slot.kept) } else { Vec::new() }
    }

    /// Loses what was kept for a handle.
    pub fn forget(&self, handle: u64) {
        if let Some(slot) = locked(&self.0).get_mut(&handle) {
            slot.kept.clear();
        }
    }

    /// Takes a handle's callback away, and waits for it when it runs.
    pub fn silence(&self, handle: u64) {
        let waited = {
            let mut slots = locked(&self.0);
            let Some(slot) = slots.get_mut(&handle) else { return };
            slot.callback = None;
            let own = slot.runner == Some(std::thread::current().id());
            (!own).then(|| Arc::clone(&slot.running))
        };
        if let Some(running) = waited {
            drop(locked(&running));
        }
    }

    /// Forgets a handle.
    pub fn remove(&self, handle: u64) {
        let slot = locked(&self.0).remove(&handle);
        let Some(slot) = slot else { return };
        if slot.runner != Some(std::thread::current().id()) {
            drop(locked(&slot.running));
        }
    }

    /// Tells an event to a handle.
    pub fn tell(&self, handle: u64, kind: u32, data: &str) {
        let (callback, running) = {
            let mut slots = locked(&self.0);
            let Some(slot) = slots.get_mut(&handle) else { return };
            let Some(callback) = slot.callback.clone() else {
                slot.kept.push((kind, data.to_owned()));
                return;
            };
            slot.runner = Some(std::thread::current().id());
            (callback, Arc::clone(&slot.running))
        };
        let _running = locked(&running);
        // It may have been taken away since.
        let is_there = locked(&self.0).get(&handle).is_some_and(|slot| slot.callback.is_some());
        if is_there {
            callback(kind, data);
        }
        if let Some(slot) = locked(&self.0).get_mut(&handle) {
            slot.runner = None;
        }
    }

    /// Tells every handle.
    pub fn tell_all(&self, kind: u32) {
        let handles: Vec<u64> = locked(&self.0).keys().copied().collect();
        for handle in handles {
            self.tell(handle, kind, "");
        }
    }
}

/// A context that C gave, to be given back to C.
#[derive(Clone, Copy)]
pub struct Context(pub *const c_void);

// SAFETY: it is passed on and never followed here.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Default for Context {
    fn default() -> Self {
        Self(std::ptr::null())
    }
}

impl Context {
    /// The pointer, taken through the whole, so that closures capture what may be sent.
    pub fn get(self) -> *const c_void {
        self.0
    }
}
