//! What happens to a handle's system or process, told to whoever listens.
//!
//! HCS is given a number as context, never a pointer: an event that comes late finds nobody.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use windows_sys::Win32::System::HostComputeSystem::HCS_EVENT;

use super::codes::{self, Refusal};
use super::hcs::{self, Raw};
use super::operation::Failed;
use super::text;

/// The system has ended.
pub(super) const SYSTEM_EXITED: u32 = 0x0000_0001;
/// The process has ended.
pub(super) const PROCESS_EXITED: u32 = 0x0001_0000;
/// The service is gone.
pub(super) const SERVICE_DISCONNECT: u32 = 0x0200_0000;

type Listener = Arc<dyn Fn(u32, &str) + Send + Sync>;

static LISTENERS: Mutex<BTreeMap<usize, Listener>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicUsize = AtomicUsize::new(1);

fn listeners() -> MutexGuard<'static, BTreeMap<usize, Listener>> {
    LISTENERS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A listener; it hears nothing after this is dropped.
#[derive(Debug)]
pub(super) struct Registration(usize);

impl Drop for Registration {
    fn drop(&mut self) {
        listeners().remove(&self.0);
    }
}

/// Listens to a handle, by the function that sets its callback.
pub(super) fn listen(
    function: &'static CStr,
    handle: Raw,
    listener: impl Fn(u32, &str) + Send + Sync + 'static,
) -> Result<Registration, Failed> {
    let registration = Registration(NEXT.fetch_add(1, Ordering::Relaxed));
    listeners().insert(registration.0, Arc::new(listener));
    let result = hcs::set_callback(function, handle, registration.0, on_event)?;
    if codes::failed(result) {
        let refusal = Refusal::new("HcsSetCallback", result, String::new());
        return Err(Failed::Refused(refusal));
    }
    Ok(registration)
}

unsafe extern "system" fn on_event(event: *const HCS_EVENT, context: *const c_void) {
    let listener = listeners().get(&context.addr()).cloned();
    let Some(listener) = listener else { return };
    // SAFETY: HCS gives an event that is good for the duration of the call.
    let (kind, data) = unsafe { ((*event).Type.cast_unsigned(), text::read((*event).EventData)) };
    listener(kind, &data);
}
