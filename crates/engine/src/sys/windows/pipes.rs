//! The named pipes that a client of a shim waits at, and the loggers that take a pipe's place.
//!
//! The client listens and the shim dials. A writer whose reader goes away dials again until it is
//! back: a container survives a restart of containerd.

mod log;
mod logger;
mod writer;

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use windows_sys::Win32::Foundation::{CloseHandle, HANDLE_FLAG_INHERIT, SetHandleInformation};
use windows_sys::Win32::System::Console::{
    GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
};

use crate::system::Reader;

pub use log::{LogPipe, open_log};
pub use logger::{Logger, logger_path};
pub use writer::Outlet;

/// How often a pipe that serves another is tried again.
const LOOK: Duration = Duration::from_millis(10);
/// `ERROR_PIPE_BUSY`.
const BUSY: i32 = 231;

/// Opens the end that reads, within `patience`. Its end of file comes when the writer has gone.
pub async fn open_reader(path: &Path, patience: Duration) -> io::Result<Reader> {
    Ok(Box::pin(dial(path, patience).await?))
}

/// The same: here a pipe is the client's own, and ends with it.
pub async fn open_lasting_reader(path: &Path, patience: Duration) -> io::Result<Reader> {
    open_reader(path, patience).await
}

/// Opens the end that writes, within `patience`.
pub async fn open_writer(path: &Path, patience: Duration) -> io::Result<Outlet> {
    let pipe = dial(path, patience).await?;
    Ok(Outlet::new(path.to_owned(), pipe))
}

/// Connects. A pipe that is not there is an error at once; one that is busy is waited for.
async fn dial(path: &Path, patience: Duration) -> io::Result<NamedPipeClient> {
    let begun = Instant::now();
    loop {
        match ClientOptions::new().open(path) {
            Err(error) if error.raw_os_error() == Some(BUSY) && begun.elapsed() < patience => {
                tokio::time::sleep(LOOK).await;
            }
            other => return other,
        }
    }
}

/// Tells a pipe that its other end was opened already: without that nothing is ever read from it.
pub(super) fn settle(pipe: &NamedPipeServer) -> io::Result<()> {
    let connected = pipe.connect().now_or_never();
    connected.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()))
}

/// Keeps this process' own streams from the programs that it starts: Windows gives a child whatever
/// can be inherited, and whoever reads this process' output would wait for the child's end.
pub fn keep_streams() {
    for stream in [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE] {
        // SAFETY: no pointers; a stream that is not there has no flags to set.
        unsafe { SetHandleInformation(GetStdHandle(stream), HANDLE_FLAG_INHERIT, 0) };
    }
}

/// Closes this process' stdout for whoever reads it; what is still printed goes nowhere.
pub fn close_stdout() -> io::Result<()> {
    // SAFETY: the handle is this process' own, and nothing uses it any more.
    let done = unsafe {
        let stdout = GetStdHandle(STD_OUTPUT_HANDLE);
        SetStdHandle(STD_OUTPUT_HANDLE, std::ptr::null_mut());
        CloseHandle(stdout)
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
