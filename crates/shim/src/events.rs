//! Telling containerd what happened, in the order in which it happened.
//!
//! One worker delivers. An event that cannot be delivered is tried again, five times, and those
//! behind it wait: order matters more than speed. Whoever published may wait for the first attempt
//! at its event ([`Receipt`]), never longer: a containerd that is gone stops no container.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use containerd_shim_protos::shim::event::Envelope;
use containerd_shim_protos::shim::events::ForwardRequest;
use containerd_shim_protos::shim_async::EventsClient;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use protobuf::well_known_types::any::Any;
use protobuf::{Message as _, MessageField};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{mpsc, oneshot};
use ttrpc::context;

use crate::wire::timestamp;

/// The most events that wait for a containerd that does not answer.
const QUEUE: usize = 2048;
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);
/// Attempts after the first; before the n-th passes n seconds.
const RETRIES: u64 = 5;

/// Comes when an event was delivered, or when it did not go at once.
pub(crate) type Receipt = Shared<BoxFuture<'static, ()>>;

/// Where events go.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    /// Nowhere.
    Nowhere,
    /// To containerd's ttrpc service.
    Ttrpc(String),
    /// To a program that publishes them.
    Program {
        /// The program.
        program: PathBuf,
        /// Passed on to it.
        address: String,
    },
}

impl Sink {
    /// By what containerd, or `transom`, started the shim with.
    pub(crate) fn choose(ttrpc_address: Option<&str>, program: &str, address: &str) -> Self {
        match ttrpc_address {
            Some(ttrpc) if !ttrpc.is_empty() => Self::Ttrpc(engine::sockets::connectable(ttrpc)),
            _ if program.is_empty() || program == crate::client::NO_PUBLISHER => Self::Nowhere,
            _ => Self::Program { program: program.into(), address: address.to_owned() },
        }
    }
}

/// Publishes events. Clones share one queue.
#[derive(Clone)]
pub(crate) struct Publisher {
    namespace: Arc<str>,
    queue: Option<mpsc::Sender<Item>>,
    late: Arc<AtomicBool>,
}

enum Item {
    /// Deliver it, and tell when that was tried.
    Event(Box<Envelope>, oneshot::Sender<()>),
    /// Tell when everything before has been dealt with.
    Flush(oneshot::Sender<()>),
}

impl Publisher {
    /// Starts the worker. It ends, with what it still can deliver, when the last clone is dropped.
    pub(crate) fn new(namespace: &str, sink: Sink) -> (Self, tokio::task::JoinHandle<()>) {
        let late = Arc::new(AtomicBool::new(false));
        let (queue, worker) = match sink {
            Sink::Nowhere => (None, tokio::spawn(async {})),
            Sink::Ttrpc(_) | Sink::Program { .. } => {
                let (queue, items) = mpsc::channel(QUEUE);
                let line = Line { sink, client: None };
                (Some(queue), tokio::spawn(deliver_all(line, items, Arc::clone(&late))))
            }
        };
        (Self { namespace: namespace.into(), queue, late }, worker)
    }

    /// This one, or one that tells nobody.
    pub(crate) fn quiet(self, is_quiet: bool) -> Self {
        Self { queue: self.queue.filter(|_| !is_quiet), ..self }
    }

    /// Puts an event into the queue.
    pub(crate) fn publish(&self, topic: &str, event: Any) -> Receipt {
        let (tried, done) = oneshot::channel();
        let envelope = Envelope {
            timestamp: MessageField::some(timestamp(Some(SystemTime::now()))),
            namespace: self.namespace.to_string(),
            topic: topic.to_owned(),
            event: MessageField::some(event),
            ..Envelope::default()
        };
        if let Some(queue) = &self.queue {
            // While earlier events wait for containerd, nobody waits for this one.
            let tried =
                if self.late.load(Ordering::Relaxed) { oneshot::channel().0 } else { tried };
            if queue.try_send(Item::Event(Box::new(envelope), tried)).is_err() {
                tracing::error!(topic, "the event is lost: too many wait for containerd");
            }
        }
        done.map(drop).boxed().shared()
    }

    /// Comes when everything published so far was delivered, or given up.
    pub(crate) async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (flushed, done) = oneshot::channel();
        if queue.send(Item::Flush(flushed)).await.is_ok() {
            // A worker that has ended has nothing left to deliver.
            let _ = done.await;
        }
    }
}

async fn deliver_all(mut line: Line, mut items: mpsc::Receiver<Item>, late: Arc<AtomicBool>) {
    while let Some(item) = items.recv().await {
        let (envelope, tried) = match item {
            Item::Event(envelope, tried) => (envelope, tried),
            Item::Flush(flushed) => {
                // Nobody may be waiting.
                let _ = flushed.send(());
                continue;
            }
        };
        let mut failure = line.attempt(&envelope).await.err();
        late.store(failure.is_some(), Ordering::Relaxed);
        // Nobody may be waiting.
        let _ = tried.send(());
        for seconds in 1..=RETRIES {
            let Some(cause) = failure else { break };
            tracing::warn!(topic = envelope.topic, cause, "an event was not delivered");
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            failure = line.attempt(&envelope).await.err();
        }
        if let Some(cause) = failure {
            tracing::error!(topic = envelope.topic, cause, "the event is lost");
        } else {
            late.store(false, Ordering::Relaxed);
        }
    }
}

/// The way to containerd; a connection is kept as long as it works.
struct Line {
    sink: Sink,
    client: Option<EventsClient>,
}

impl Line {
    async fn attempt(&mut self, envelope: &Envelope) -> Result<(), String> {
        let attempt = async {
            match self.sink.clone() {
                Sink::Nowhere => Ok(()),
                Sink::Ttrpc(address) => self.forward(&address, envelope).await,
                Sink::Program { program, address } => run(&program, &address, envelope).await,
            }
        };
        let done = tokio::time::timeout(ATTEMPT, attempt).await;
        done.unwrap_or_else(|_| {
            self.client = None;
            Err("containerd does not answer".to_owned())
        })
    }

    async fn forward(&mut self, address: &str, envelope: &Envelope) -> Result<(), String> {
        let request = ForwardRequest {
            envelope: MessageField::some(envelope.clone()),
            ..ForwardRequest::default()
        };
        // A kept connection may have been closed meanwhile; a new one is believed.
        if let Some(client) = self.client.take()
            && client.forward(context::with_duration(ATTEMPT), &request).await.is_ok()
        {
            self.client = Some(client);
            return Ok(());
        }
        let connection = ttrpc::r#async::Client::connect(address);
        let client = EventsClient::new(connection.await.map_err(|error| error.to_string())?);
        let answer = client.forward(context::with_duration(ATTEMPT), &request).await;
        answer.map_err(|error| error.to_string())?;
        self.client = Some(client);
        Ok(())
    }
}

async fn run(program: &PathBuf, address: &str, envelope: &Envelope) -> Result<(), String> {
    let event = envelope.event.write_to_bytes().map_err(|error| error.to_string())?;
    let mut command = tokio::process::Command::new(program);
    command
        .args(["--address", address, "publish", "--topic", &envelope.topic])
        .args(["--namespace", &envelope.namespace])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = engine::os::process::start(&mut command)
        .map_err(|error| format!("cannot run `{}`: {error}", program.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not want to know tells so by its status.
        let _ = stdin.write_all(&event).await;
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("the publisher ended with {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_publisher_that_fails_stops_nobody() {
        let sink = Sink::choose(Some("/nowhere/containerd.sock.ttrpc"), "", "");
        let (publisher, worker) = Publisher::new("test", sink);
        let begun = std::time::Instant::now();
        for _ in 0..50 {
            publisher.publish("/tasks/start", Any::default()).await;
        }
        assert!(begun.elapsed() < ATTEMPT);
        worker.abort();
    }

    #[tokio::test]
    async fn events_reach_a_program_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("publish");
        let log = folder.path().join("log");
        let script = format!("#!/bin/sh\necho \"$@\" >> {}\n", log.display());
        std::fs::write(&program, script).unwrap();
        make_executable(&program);
        let sink = Sink::choose(None, program.to_str().unwrap(), "addr");
        let (publisher, worker) = Publisher::new("ns", sink);
        for topic in ["/tasks/create", "/tasks/start", "/tasks/exit"] {
            drop(publisher.publish(topic, Any::default()));
        }
        publisher.flush().await;
        worker.abort();
        let told = std::fs::read_to_string(log).unwrap();
        let line = |topic| format!("--address addr publish --topic {topic} --namespace ns\n");
        assert_eq!(told, ["/tasks/create", "/tasks/start", "/tasks/exit"].map(line).concat());
    }

    fn make_executable(path: &std::path::Path) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}
