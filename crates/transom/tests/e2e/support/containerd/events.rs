//! What a containerd tells those who listen.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};

use super::Containerd;
use crate::support::wait;

static SIGNS: AtomicU32 = AtomicU32::new(0);

/// A listener that goes with this value.
pub(crate) struct Events {
    teller: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Events {
    /// Comes when it really listens.
    pub(super) fn of(containerd: &Containerd) -> Self {
        let mut teller = containerd.ctr(&["events"]);
        let mut teller = teller.stdout(Stdio::piped()).spawn().expect("ctr is installed");
        let stdout = teller.stdout.take().expect("it is piped");
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        let mut events = Self { teller, lines, seen: Vec::new() };
        let mut signs = Vec::new();
        wait::until("the first event", || {
            // One that comes too early is never heard.
            signs.push(give_sign(containerd));
            signs.iter().any(|sign| events.has(sign)).then_some(())
        });
        events
    }

    /// Comes when all that was told before is here: events come in their order.
    pub(crate) fn catch_up(&mut self, containerd: &Containerd) {
        let sign = give_sign(containerd);
        wait::until("the event behind all others", || self.has(&sign).then_some(()));
    }

    fn has(&mut self, sign: &str) -> bool {
        let named = format!("\"{sign}\"");
        self.all().iter().any(|line| line.contains(&named))
    }

    /// Everything so far.
    fn all(&mut self) -> &[String] {
        self.seen.extend(self.lines.try_iter());
        &self.seen
    }

    /// What was told of one container's task, in order.
    pub(crate) fn of_task(&mut self, id: &str) -> Vec<Told> {
        self.all().iter().filter_map(|line| Told::read(line, id)).collect()
    }
}

/// A namespace of a name that no other has.
fn give_sign(containerd: &Containerd) -> String {
    let sign = format!("sign{}", SIGNS.fetch_add(1, Ordering::Relaxed));
    containerd.succeed(&["namespaces", "create", &sign]);
    sign
}

/// What a task's event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// `start`, `exec-started`, ...
    pub(crate) topic: String,
    /// An exec's id; empty for the first process.
    pub(crate) process: String,
}

impl Told {
    /// `DATE TIME ZONE UTC NAMESPACE /tasks/TOPIC JSON`
    fn read(line: &str, id: &str) -> Option<Self> {
        let (topic, body) = line.split_once(" /tasks/")?.1.split_once(' ')?;
        let body: serde_json::Value = serde_json::from_str(body).ok()?;
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        if text("container_id") != id {
            return None;
        }
        let named = [text("exec_id"), text("id")].into_iter().find(|name| !name.is_empty());
        let process = named.filter(|name| *name != id).unwrap_or_default().to_owned();
        Some(Self { topic: topic.to_owned(), process })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.teller.kill();
        let _ = self.teller.wait();
    }
}
