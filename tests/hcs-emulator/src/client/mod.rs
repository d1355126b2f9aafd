//! The DLLs' half: calls that are sent to the service, and what comes back of them.
//!
//! One thread hears the service; it completes operations, and hands callbacks to a second one, so
//! that a callback may wait for an operation. A call that is to be late or to fail ([`faults`]) is so
//! here, and the service never hears of one that fails.
//!
//! [`faults`]: crate::faults

#![expect(unsafe_code, reason = "strings and callbacks come from C")]

mod callbacks;
mod connect;
pub mod export;
pub mod operation;
pub mod text;

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use crate::codes;
use crate::document;
use crate::faults::{self, When};
use crate::wire::{self, Answer, Message, Request};

pub use callbacks::{Callbacks, Context, EventCallback};

/// What is done with an answer.
type Then = Box<dyn FnOnce(Answer) + Send>;

/// The link to the service.
pub struct Client {
    out: Mutex<TcpStream>,
    waiting: Arc<Mutex<BTreeMap<u64, Then>>>,
    next: AtomicU64,
    /// The callbacks of handles.
    pub callbacks: Arc<Callbacks>,
    jobs: Mutex<Sender<Box<dyn FnOnce() + Send>>>,
}

/// No handle of one DLL is one of another's in the same process: each counts from where it lies.
fn first_handle() -> u64 {
    static HERE: u8 = 0;
    std::ptr::from_ref(&HERE).addr() as u64
}

/// Whatever happened to another thread, this one goes on.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The client of this process; `None` when the service cannot be reached.
pub fn client() -> Option<Arc<Client>> {
    static CLIENT: OnceLock<Mutex<Option<Arc<Client>>>> = OnceLock::new();
    let mut client = locked(CLIENT.get_or_init(Mutex::default));
    if client.is_none() {
        *client = Client::new();
    }
    client.clone()
}

impl Client {
    fn new() -> Option<Arc<Self>> {
        let stream = connect::connect()?;
        let (jobs, work) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        std::thread::spawn(move || work.into_iter().for_each(|job| job()));
        let client = Arc::new(Self {
            out: Mutex::new(stream.try_clone().ok()?),
            waiting: Arc::default(),
            next: AtomicU64::new(first_handle()),
            callbacks: Arc::default(),
            jobs: Mutex::new(jobs),
        });
        let hearing = Arc::clone(&client);
        std::thread::spawn(move || hearing.hear(stream));
        Some(client)
    }

    /// A new handle.
    pub fn handle(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request; `then` gets its answer, also when the service dies over it.
    pub fn call(self: &Arc<Self>, request: Request, then: impl FnOnce(Answer) + Send + 'static) {
        match faults::next(&request.call, When::Complete) {
            None => self.submit(request, Box::new(then)),
            Some(rule) => {
                let (client, delay) = (Arc::clone(self), Duration::from_millis(rule.delay_ms));
                std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    match rule.result() {
                        Some(result) => then(refused(result, rule.document.as_ref())),
                        None => client.submit(request, Box::new(then)),
                    }
                });
            }
        }
    }

    /// The failure that a rule wants at once, if one does.
    pub fn refused_at_once(call: &str) -> Option<u32> {
        faults::next(call, When::Submit)?.result()
    }

    /// The failure that a rule wants of a call that no service hears of; one that is late is waited
    /// for here.
    pub fn fault(call: &str) -> Option<u32> {
        if let Some(result) = Self::refused_at_once(call) {
            return Some(result);
        }
        let rule = faults::next(call, When::Complete)?;
        std::thread::sleep(Duration::from_millis(rule.delay_ms));
        rule.result()
    }

    /// Does the work of a call that no service hears of, if no rule is against it.
    pub fn on_layers(call: &str, work: impl FnOnce() -> Result<(), u32>) -> u32 {
        if let Some(result) = Self::fault(call) {
            return result;
        }
        let result = work().err().unwrap_or(codes::OK);
        faults::next(call, When::After).and_then(|rule| rule.result()).unwrap_or(result)
    }

    /// Sends a request and waits for its answer.
    pub fn ask(self: &Arc<Self>, request: Request) -> Answer {
        let (tell, told) = mpsc::channel();
        self.call(request, move |answer| {
            // Whoever asked is waiting.
            let _ = tell.send(answer);
        });
        told.recv().unwrap_or_else(|_| refused(codes::SERVICE_NOT_AVAILABLE, None))
    }

    /// Gives a handle back; no callback of it runs after this.
    pub fn close(&self, handle: u64) {
        self.callbacks.remove(handle);
        let request = Request { call: "Close".to_owned(), handle, ..Request::default() };
        // A service that is gone holds nothing.
        let _ = wire::send(&mut *locked(&self.out), &request);
    }

    /// Runs something on the callbacks' thread.
    pub fn later(&self, job: impl FnOnce() + Send + 'static) {
        // The thread lives as long as the process.
        let _ = locked(&self.jobs).send(Box::new(job));
    }

    fn submit(&self, mut request: Request, then: Then) {
        request.seq = self.handle();
        locked(&self.waiting).insert(request.seq, then);
        if wire::send(&mut *locked(&self.out), &request).is_err() {
            let lost = locked(&self.waiting).remove(&request.seq);
            if let Some(then) = lost {
                then(refused(codes::SERVICE_NOT_AVAILABLE, None));
            }
        }
    }

    fn hear(self: Arc<Self>, stream: TcpStream) {
        let mut messages = BufReader::new(stream);
        while let Ok(Some(message)) = wire::receive::<Message>(&mut messages) {
            match message {
                Message::Answer(answer) => {
                    let then = locked(&self.waiting).remove(&answer.seq);
                    if let Some(then) = then {
                        then(answer);
                    }
                }
                Message::Event(event) => {
                    let callbacks = Arc::clone(&self.callbacks);
                    self.later(move || callbacks.tell(event.handle, event.kind, &event.data));
                }
            }
        }
        let orphans = std::mem::take(&mut *locked(&self.waiting));
        for then in orphans.into_values() {
            then(refused(codes::SERVICE_NOT_AVAILABLE, None));
        }
        let callbacks = Arc::clone(&self.callbacks);
        self.later(move || callbacks.tell_all(wire::SERVICE_DISCONNECT));
    }
}

fn refused(result: u32, document: Option<&serde_json::Value>) -> Answer {
    let document = document.map_or_else(|| document::error(result, ""), ToString::to_string);
    Answer { result, document, ..Answer::default() }
}
