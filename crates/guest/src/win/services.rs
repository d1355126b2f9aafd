//! Services on demand.
//!
//! A session begins without a service manager: most programs never ask for one. What they would
//! ask is the pipe `svcctl`, so this program listens on it first. Whoever comes first makes it
//! start Wine's own manager, and is passed through to it; whoever comes later meets the manager's
//! own instances of the pipe. With it come the drivers that Wine starts with it, and on demand
//! everything that is registered as a service, COM's `RpcSs` among it.
//!
//! Where [`super::devices`] cannot load the drivers that every program may need, the manager is
//! also started, aside, once a program has stayed for a while: a short command does not pay for it,
//! and a server finds it there.

use std::sync::{Arc, Once};
use std::time::Duration;

use schema::guest::{Failure, Spawn};
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, WaitForMultipleObjects};

use super::error;
use super::handle::Handle;
use super::pipe::{self, Pipe};
use super::spawn::{self, Child};
use super::text::wide;

const PIPE: &str = r"\\.\pipe\svcctl";
const MANAGER: &str = r"C:\windows\system32\services.exe";
/// What Wine's manager sets when it takes requests.
const STARTED: &str = "__wine_SvcctlStarted";

/// Listens for the first who asks for the manager, on a thread of its own.
pub(super) fn start_on_demand() -> std::io::Result<()> {
    let pipe = Pipe::listen(PIPE).map_err(std::io::Error::other)?;
    std::thread::Builder::new()
        .name("services".into())
        .stack_size(super::serve::STACK)
        .spawn(move || serve_first(pipe))
        .map(drop)
}

/// Starts the manager when a program is still there after a while; only the first call counts.
pub(super) fn expect_need(still_there: impl FnOnce() -> bool + Send + 'static) {
    const WHILE: Duration = Duration::from_millis(250);
    static EXPECTED: Once = Once::new();
    EXPECTED.call_once(|| {
        let thread = std::thread::Builder::new().name("services".into());
        // Without it the manager starts when it is asked for.
        let _ = thread.stack_size(super::serve::STACK).spawn(move || {
            std::thread::sleep(WHILE);
            if still_there() {
                // To be asked for is all that it takes.
                drop(Pipe::connect(PIPE));
            }
        });
    });
}

/// One that cannot be served gets its connection closed, and the next one another try.
fn serve_first(mut pipe: Pipe) {
    while pipe.wait_for_client().and_then(|()| start_manager()).is_err() {
        drop(pipe);
        match Pipe::listen(PIPE) {
            Ok(next) => pipe = next,
            Err(_) => return,
        }
    }
    if let Ok(manager) = Pipe::connect(PIPE) {
        pipe::join(&Arc::new(pipe), &Arc::new(manager));
    }
}

/// Starts the manager and waits until it takes requests.
fn start_manager() -> Result<(), Failure> {
    let started = started_event()?;
    let manager = start()?;
    let handles = [started.raw(), manager.process.raw()];
    // SAFETY: both handles are open for waiting.
    match unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, INFINITE) } {
        WAIT_OBJECT_0 => Ok(()),
        _ => Err(Failure { code: 1067, message: "the service manager ended at once".into() }),
    }
}

fn start() -> Result<Child, Failure> {
    let asked = Spawn { command_line: MANAGER.into(), user: "SYSTEM".into(), ..Spawn::default() };
    spawn::spawn(&asked, Vec::new())
}

fn started_event() -> Result<Handle, Failure> {
    let name = wide(STARTED);
    // SAFETY: the name is zero-terminated.
    let event = unsafe { CreateEventW(std::ptr::null(), 1, 0, name.as_ptr()) };
    Handle::own(event).ok_or_else(|| error::last("making the service manager's event"))
}
