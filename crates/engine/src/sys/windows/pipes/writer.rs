//! A pipe that is dialled again when its reader has gone.
//!
//! It goes on with the first byte that no pipe took: what one took is not said twice.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};

/// What a write to a pipe gives when nobody reads: no data, not connected, broken.
const GONE: [i32; 3] = [232, 233, 109];
/// The first wait after an attempt in vain; each is half as long again as the one before.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_mins(1);

type Dialling = Pin<Box<dyn Future<Output = io::Result<NamedPipeClient>> + Send>>;

enum State {
    Open(NamedPipeClient),
    Dialling(Dialling),
}

/// A writer that outlives its reader.
pub struct Outlet {
    path: PathBuf,
    state: State,
    needs_reader: bool,
}

impl Outlet {
    pub(super) fn new(path: PathBuf, pipe: NamedPipeClient) -> Self {
        Self { path, state: State::Open(pipe), needs_reader: false }
    }

    /// From now on a write fails as a broken pipe's while nobody has the pipe open to read. It may be
    /// tried again.
    pub fn need_reader(&mut self) {
        self.needs_reader = true;
        if let State::Dialling(dialling) = &mut self.state {
            // It may be in the middle of a long wait.
            *dialling = Box::pin(redial(self.path.clone()));
        }
    }
}

/// Tries at once, then after longer and longer waits, for as long as the writer lives.
async fn redial(path: PathBuf) -> io::Result<NamedPipeClient> {
    let mut wait = FIRST;
    loop {
        if let Ok(pipe) = ClientOptions::new().open(&path) {
            return Ok(pipe);
        }
        tokio::time::sleep(wait).await;
        wait = LONGEST.min(wait.mul_f32(1.5));
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| GONE.contains(&code))
        || error.kind() == io::ErrorKind::BrokenPipe
}

impl AsyncWrite for Outlet {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match &mut self.state {
                State::Open(pipe) => match ready!(Pin::new(pipe).poll_write(cx, bytes)) {
                    Err(error) if is_gone(&error) => {
                        self.state = State::Dialling(Box::pin(redial(self.path.clone())));
                    }
                    other => return Poll::Ready(other),
                },
                State::Dialling(dialling) => match dialling.as_mut().poll(cx) {
                    Poll::Ready(pipe) => self.state = State::Open(pipe?),
                    Poll::Pending if self.needs_reader => {
                        return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                    }
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
