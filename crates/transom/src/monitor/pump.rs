//! From a process' streams to its log and its audience, and the other way.

use std::io;
use std::sync::{Arc, Mutex};

use crate::stdio::{Receiver, Sender};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::audience::Audience;
use super::log::{LogSink, LogWriter, Stream};
use crate::attach::wire;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// A log that both streams write to; absent when there is none.
pub(super) type SharedLog = Option<Arc<Mutex<LogWriter>>>;

/// Passes on what a process writes until it ends.
pub(super) async fn output(mut from: Receiver, stream: Stream, log: SharedLog, audience: Audience) {
    let mut sink = LogSink::new(stream);
    let mut buffer = vec![0; CHUNK];
    let write = |action: &mut dyn FnMut(&mut LogWriter)| {
        if let Some(log) = &log {
            action(&mut log.lock().expect("writing a log does not panic"));
        }
    };
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => {
                tracing::error!(%error, ?stream, "output is lost");
                break;
            }
        };
        let data = &buffer[..count];
        write(&mut |log| sink.push(log, data));
        let kind = if stream == Stream::Stderr { wire::STDERR } else { wire::STDOUT };
        audience.output(wire::frame(kind, data).into(), stream == Stream::Stderr).await;
    }
    write(&mut |log| sink.end(log));
}

/// A process' stdin, which every connection may write to. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Stdin {
    sender: Arc<AsyncMutex<Option<Sender>>>,
}

impl Stdin {
    /// Keeps what is written waiting, until it is decided where it goes.
    pub(super) async fn hold(&self) -> OwnedMutexGuard<Option<Sender>> {
        Arc::clone(&self.sender).lock_owned().await
    }

    /// Writes all; what nobody reads any more is dropped.
    pub(super) async fn write(&self, data: &[u8]) {
        let mut sender = self.sender.lock().await;
        if let Some(open) = sender.as_mut()
            && let Err(error) = open.write_all(data).await
        {
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::warn!(%error, "input is lost");
            }
            *sender = None;
        }
    }

    /// There will be no more.
    pub(super) async fn end(&self) {
        *self.sender.lock().await = None;
    }
}
