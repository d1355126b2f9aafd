//! One compute system.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::job::Job;
use super::link::Link;
use super::process::Process;
use super::{Service, locked};
use crate::codes;
use crate::wire::SYSTEM_EXITED;

/// Where it is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Running,
    Paused,
    Stopped,
}

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Graceful,
    Forced,
}

/// How long its processes may take to be seen ended.
const DYING: Duration = Duration::from_secs(20);

/// A compute system.
pub(crate) struct System {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) runtime_id: String,
    pub(crate) begun: Instant,
    pub(crate) begun_at: SystemTime,
    pub(crate) job: Job,
    pub(crate) processes: Mutex<BTreeMap<u32, Arc<Process>>>,
    /// Live settings, by resource path.
    pub(crate) settings: Mutex<BTreeMap<String, Value>>,
    /// Held while a process starts, so that none starts in a system that ends.
    pub(crate) state: Mutex<State>,
    terminate_on_last_close: bool,
    listeners: Mutex<Vec<(Arc<Link>, u64)>>,
    emptied: Condvar,
    /// What was told of its end.
    told: Mutex<Option<String>>,
    ended: Condvar,
}

impl System {
    pub(crate) fn new(id: &str, document: &Value) -> std::io::Result<Self> {
        let on_last = ["ShouldTerminateOnLastHandleClosed", "TerminateOnLastHandleClosed"];
        Ok(Self {
            id: id.to_owned(),
            owner: document["Owner"].as_str().unwrap_or_default().to_owned(),
            runtime_id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes()).to_string(),
            begun: Instant::now(),
            begun_at: SystemTime::now(),
            job: Job::new(id)?,
            processes: Mutex::default(),
            settings: Mutex::default(),
            state: Mutex::new(State::Created),
            terminate_on_last_close: on_last.iter().any(|name| document[name] == json!(true)),
            listeners: Mutex::default(),
            emptied: Condvar::new(),
            told: Mutex::default(),
            ended: Condvar::new(),
        })
    }

    pub(crate) fn state(&self) -> State {
        *locked(&self.state)
    }

    /// Goes from one state to another, or tells why not.
    pub(crate) fn go(&self, from: State, to: State) -> Result<(), u32> {
        let mut state = locked(&self.state);
        if *state == State::Stopped {
            return Err(codes::ALREADY_STOPPED);
        }
        if *state != from {
            return Err(codes::INVALID_STATE);
        }
        *state = to;
        Ok(())
    }

    pub(super) fn subscribe(&self, link: &Arc<Link>, handle: u64) {
        locked(&self.listeners).push((Arc::clone(link), handle));
    }

    /// Whether it has to end now.
    pub(super) fn unsubscribe(&self, link: &Link, handle: u64) -> bool {
        let mut listeners = locked(&self.listeners);
        listeners
            .retain(|(other, number)| !std::ptr::eq(&raw const **other, link) || *number != handle);
        listeners.is_empty() && self.terminate_on_last_close
    }

    /// Waits for its end, and gives what is told of it.
    pub(crate) fn wait(&self, limit: Duration) -> Option<String> {
        let told = locked(&self.told);
        let waited = self.ended.wait_timeout_while(told, limit, |told| told.is_none());
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.clone()
    }

    /// A process of it has ended.
    pub(crate) fn forget(&self, pid: u32) {
        locked(&self.processes).remove(&pid);
        self.emptied.notify_all();
    }

    /// Ends it and everything in it; `false` when that has been done.
    pub(crate) fn end(&self, service: &Service, how: Ending) -> bool {
        {
            let mut state = locked(&self.state);
            if *state == State::Stopped {
                return false;
            }
            *state = State::Stopped;
        }
        self.job.terminate(codes::PROCESS_ABORTED);
        let processes = locked(&self.processes);
        // Its processes' ends are told before its own.
        let rest = self.emptied.wait_timeout_while(processes, DYING, |left| !left.is_empty());
        drop(rest);
        service.systems().remove(&self.id);
        let kind = match how {
            Ending::Graceful => "GracefulExit",
            Ending::Forced => "ForcedExit",
        };
        let data = json!({ "Status": 0, "ExitType": kind }).to_string();
        *locked(&self.told) = Some(data.clone());
        self.ended.notify_all();
        for (link, handle) in locked(&self.listeners).iter() {
            link.tell(*handle, SYSTEM_EXITED, &data);
        }
        true
    }
}
