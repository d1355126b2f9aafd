//! The monitor's side of a connection.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::os::streams::{Listener, Stream};
use engine::os::streams::{ReadHalf, WriteHalf};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::audience::{Audience, Parcel};
use super::pump::Stdin;
use crate::attach::wire::{Ask, Call, Hello, Tell};

/// What a connection needs of the monitor.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    /// Who looks.
    pub audience: Audience,
    /// Where their input goes.
    pub stdin: Stdin,
    /// The first connection's end of input is the process' too.
    pub stdin_once: bool,
    /// Where calls go.
    pub inbox: mpsc::Sender<Message>,
}

/// A call, and where its answer goes.
#[derive(Debug)]
pub(super) struct Message {
    /// What to do.
    pub call: Call,
    /// How it went.
    pub answer: oneshot::Sender<Result<(), String>>,
}

/// Serves every connection, until `closing` and until all have got what is on its way to them.
pub(super) async fn accept(
    listener: Listener,
    desk: Desk,
    first: Option<(Stream, Seat)>,
    mut closing: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    if let Some((stream, seat)) = first {
        connections.spawn(connection(stream, desk.clone(), Some(seat)));
    }
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection(stream, desk.clone(), None))),
                Err(error) => tracing::error!(%error, "a connection was not accepted"),
            },
            Some(_) = connections.join_next() => {}
            _ = &mut closing => break,
        }
    }
    drop((listener, desk));
    while connections.join_next().await.is_some() {}
}

/// Tells one that will hear no more what there is to tell.
pub(super) async fn last_words(stream: Stream, seat: Seat) {
    let (_, tells) = stream.into_split();
    talk(tells, seat.outgoing).await;
}

/// Serves one connection. The first one has been welcomed before the container was started, so
/// that it misses nothing.
pub(super) async fn connection(stream: Stream, desk: Desk, welcomed: Option<Seat>) {
    let (mut asks, tells) = stream.into_split();
    let seat = match welcomed {
        Some(seat) => seat,
        None => match Ask::read(&mut asks).await {
            Ok(Some(Ask::Hello(hello))) => Seat::take(&desk.audience, hello),
            _ => return,
        },
    };
    let Seat { hello, number, answers, outgoing } = seat;
    // What stands still for this connection's sake goes on when it ends, however it ends.
    let frozen = AtomicBool::new(false);
    let listening = listen(&mut asks, &desk, hello, answers, &frozen);
    let talking = talk(tells, outgoing);
    tokio::pin!(talking);
    tokio::select! {
        // The client has gone, or closed its half only: it may still want to hear the end.
        heard = listening => {
            if let Err(error) = heard {
                tracing::debug!(%error, "a client went away");
            }
            if hello.stdin && desk.stdin_once {
                desk.stdin.end().await;
            }
            if hello.exit {
                talking.await;
            }
        }
        () = &mut talking => {}
    }
    if frozen.load(Ordering::Relaxed) {
        // One that ended or was unpaused meanwhile needs nothing.
        ask_driver(&desk, Call::Resume).await.ok();
    }
    desk.audience.leave(number);
}

/// A connection's place in the audience.
#[derive(Debug)]
pub(super) struct Seat {
    hello: Hello,
    number: u64,
    /// For answers. Weak, so that the audience alone decides when there will be no more frames.
    answers: mpsc::WeakUnboundedSender<Parcel>,
    outgoing: mpsc::UnboundedReceiver<Parcel>,
}

impl Seat {
    /// Takes one.
    pub(super) fn take(audience: &Audience, hello: Hello) -> Self {
        let (number, answers, outgoing) = audience.join(hello);
        Self { hello, number, answers: answers.downgrade(), outgoing }
    }
}

async fn listen(
    asks: &mut ReadHalf,
    desk: &Desk,
    hello: Hello,
    answers: mpsc::WeakUnboundedSender<Parcel>,
    frozen: &AtomicBool,
) -> io::Result<()> {
    while let Some(ask) = Ask::read(asks).await? {
        match ask {
            Ask::Stdin(data) if hello.stdin => desk.stdin.write(&data).await,
            Ask::StdinEnd if hello.stdin && desk.stdin_once => desk.stdin.end().await,
            Ask::Stdin(_) | Ask::StdinEnd | Ask::Hello(_) => {}
            Ask::Call(call) => {
                let freezes = matches!(call, Call::Freeze);
                let resumes = matches!(call, Call::Resume);
                let answer = ask_driver(desk, call).await;
                if answer.is_ok() {
                    let before = frozen.load(Ordering::Relaxed);
                    frozen.store((before || freezes) && !resumes, Ordering::Relaxed);
                }
                if let Some(answers) = answers.upgrade() {
                    // One who has gone needs no answer.
                    answers.send(Parcel::of(Tell::Answer(answer).encode().into())).ok();
                }
            }
        }
    }
    Ok(())
}

async fn ask_driver(desk: &Desk, call: Call) -> Result<(), String> {
    let gone = || "the container is not running".to_owned();
    let (answer, answered) = oneshot::channel();
    desk.inbox.send(Message { call, answer }).await.map_err(|_| gone())?;
    answered.await.map_err(|_| gone())?
}

/// Writes frames until there will be no more, or nobody reads them.
async fn talk(mut tells: WriteHalf, mut outgoing: mpsc::UnboundedReceiver<Parcel>) {
    while let Some(parcel) = outgoing.recv().await {
        if tells.write_all(&parcel.frame).await.is_err() {
            // Draining keeps those who send from waiting for this reader.
            outgoing.close();
        }
    }
}
