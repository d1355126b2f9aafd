//! One connection: its handles, and the way back to it.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::process::Process;
use super::system::System;
use super::{Service, locked};
use crate::wire::{self, Answer, Event, Message};

/// What a handle is of.
#[derive(Clone)]
pub(crate) enum Object {
    System(Arc<System>),
    Process(Arc<Process>),
}

/// A connection.
pub(crate) struct Link {
    /// The caller, which is given stream handles.
    pub(crate) pid: u32,
    out: Mutex<TcpStream>,
    handles: Mutex<BTreeMap<u64, Object>>,
}

impl Link {
    pub(super) fn new(out: TcpStream, pid: u32) -> Self {
        Self { pid, out: Mutex::new(out), handles: Mutex::default() }
    }

    pub(super) fn answer(&self, answer: Answer) {
        self.say(&Message::Answer(answer));
    }

    pub(crate) fn tell(&self, handle: u64, kind: u32, data: &str) {
        self.say(&Message::Event(Event { handle, kind, data: data.to_owned() }));
    }

    fn say(&self, message: &Message) {
        // A caller that is gone hears nothing.
        let _ = wire::send(&mut *locked(&self.out), message);
    }

    pub(crate) fn open(self: &Arc<Self>, handle: u64, object: Object) {
        locked(&self.handles).insert(handle, object.clone());
        match object {
            Object::System(system) => system.subscribe(self, handle),
            Object::Process(process) => process.subscribe(self, handle),
        }
    }

    pub(crate) fn system(&self, handle: u64) -> Option<Arc<System>> {
        match locked(&self.handles).get(&handle)? {
            Object::System(system) => Some(Arc::clone(system)),
            Object::Process(_) => None,
        }
    }

    pub(crate) fn process(&self, handle: u64) -> Option<Arc<Process>> {
        match locked(&self.handles).get(&handle)? {
            Object::Process(process) => Some(Arc::clone(process)),
            Object::System(_) => None,
        }
    }

    pub(super) fn close(&self, service: &Service, handle: u64) {
        let object = locked(&self.handles).remove(&handle);
        match object {
            Some(Object::System(system)) if system.unsubscribe(self, handle) => {
                system.end(service, super::system::Ending::Forced);
            }
            Some(Object::Process(process)) => process.unsubscribe(self, handle),
            Some(Object::System(_)) | None => {}
        }
    }

    /// The caller is gone.
    pub(super) fn close_all(&self, service: &Service) {
        let handles: Vec<u64> = locked(&self.handles).keys().copied().collect();
        for handle in handles {
            self.close(service, handle);
        }
    }
}
