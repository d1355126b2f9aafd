//! Streams between the processes of one Transom: named pipes.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, IntoRawHandle as _, OwnedHandle};
use std::os::windows::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions,
};
use tokio::sync::Mutex;
use uuid::Uuid;
use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_FLAG_OVERLAPPED, FILE_TYPE_PIPE, GetFileType, OPEN_EXISTING,
};
use windows_sys::Win32::System::Console::{STD_INPUT_HANDLE, SetStdHandle};
use windows_sys::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS};

use super::super::access::Access;
use super::super::pipes::{keep_streams, settle};
use super::super::starting;
use super::super::text::wide;

/// `ERROR_PIPE_BUSY`: the one who listens makes its next pipe just now.
const BUSY: i32 = 231;

/// A stream to another process.
#[derive(Debug)]
pub enum Stream {
    /// From whoever listens.
    Server(NamedPipeServer),
    /// To whoever listens.
    Client(NamedPipeClient),
}

/// What is read of one.
pub type ReadHalf = tokio::io::ReadHalf<Stream>;
/// What is written to one.
pub type WriteHalf = tokio::io::WriteHalf<Stream>;

impl Stream {
    /// Its two directions.
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        tokio::io::split(self)
    }
}

/// Who connected: a pipe does not say.
#[derive(Debug, Clone, Copy)]
pub struct Caller;

/// Where others connect to.
#[derive(Debug)]
pub struct Listener {
    name: PathBuf,
    next: Mutex<NamedPipeServer>,
}

fn create(name: &Path, is_first: bool) -> io::Result<NamedPipeServer> {
    Access::administrators()?.pipe(name, ServerOptions::new().first_pipe_instance(is_first))
}

impl Listener {
    /// Waits for the next who connects.
    pub async fn accept(&self) -> io::Result<(Stream, Caller)> {
        let mut next = self.next.lock().await;
        next.connect().await?;
        let following = create(&self.name, false)?;
        Ok((Stream::Server(std::mem::replace(&mut *next, following)), Caller))
    }
}

/// The pipe for `name` of the Transom that keeps it in `folder`.
fn pipe(folder: &Path, name: &str) -> PathBuf {
    let of = Uuid::new_v5(&Uuid::NAMESPACE_OID, folder.as_os_str().as_encoded_bytes());
    PathBuf::from(format!(r"\\.\pipe\ProtectedPrefix\Administrators\transom-{of}-{name}"))
}

/// Listens under a name. Only the holder of the container's lock does this.
pub fn listen(folder: &Path, name: &str) -> io::Result<Listener> {
    let name = pipe(folder, name);
    let next = Mutex::new(create(&name, true)?);
    Ok(Listener { name, next })
}

/// Connects to whoever listens there.
pub async fn connect(folder: &Path, name: &str) -> io::Result<Stream> {
    let name = pipe(folder, name);
    loop {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == Some(BUSY) => {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            other => return other.map(Stream::Client),
        }
    }
}

/// A pipe goes with who listens.
pub fn remove(_folder: &Path, _name: &str) -> io::Result<()> {
    Ok(())
}

/// Starts a program of its own, apart from this one's console, with a stream to it as its stdin.
pub fn spawn_joined(command: &mut Command) -> io::Result<(Child, Stream)> {
    let name = PathBuf::from(format!(r"\\.\pipe\transom-{}", Uuid::new_v4()));
    let mut options = ServerOptions::new();
    let options = options.first_pipe_instance(true).max_instances(1);
    let ours = Access::administrators()?.pipe(&name, options)?;
    let theirs = open_overlapped(&name)?;
    settle(&ours)?;
    // What can be inherited is, and whoever reads this process' output would wait for the child.
    keep_streams();
    command.stdin(Stdio::from(theirs)).creation_flags(CREATE_NEW_PROCESS_GROUP | DETACHED_PROCESS);
    let _alone = starting::alone();
    let child = command.spawn()?;
    Ok((child, Stream::Server(ours)))
}

fn open_overlapped(name: &Path) -> io::Result<OwnedHandle> {
    let name = wide(name);
    // SAFETY: the name ends with a zero.
    let handle = unsafe {
        CreateFileW(
            name.as_ptr(),
            GENERIC_READ | GENERIC_WRITE,
            0,
            std::ptr::null(),
            OPEN_EXISTING,
            FILE_FLAG_OVERLAPPED,
            std::ptr::null_mut(),
        )
    };
    if handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new and nobody else's.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// The stream that whoever started this process speaks to it over; its stdin is taken away, so that
/// nobody who is started from here holds it too.
pub fn joined() -> io::Result<Option<Stream>> {
    let stdin = io::stdin().as_raw_handle();
    // SAFETY: the handle is this process' own.
    if unsafe { GetFileType(stdin) } != FILE_TYPE_PIPE {
        return Ok(None);
    }
    let ours = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned()?;
    // SAFETY: nothing reads this process' stdin, which is closed once, after it was taken away.
    unsafe {
        SetStdHandle(STD_INPUT_HANDLE, std::ptr::null_mut());
        drop(OwnedHandle::from_raw_handle(stdin));
    }
    // SAFETY: the handle is ours, a pipe's, and was opened for overlapped work.
    let pipe = unsafe { NamedPipeClient::from_raw_handle(ours.into_raw_handle()) };
    pipe.map(|pipe| Some(Stream::Client(pipe)))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = match self.get_mut() {
            Self::Server(pipe) => Pin::new(pipe).poll_read(cx, into),
            Self::Client(pipe) => Pin::new(pipe).poll_read(cx, into),
        };
        match read {
            // The other side has closed it.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Server(pipe) => Pin::new(pipe).poll_write(cx, bytes),
            Self::Client(pipe) => Pin::new(pipe).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
