//! One connection: its handles, and the way back to it.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use uuid::Uuid;

use super::process::Process;
use super::system::System;
use super::{Service, locked};
use crate::networks::Kind;
use crate::wire::{self, Answer, Event, Message};

/// What a handle is of.
#[derive(Clone)]
pub(crate) enum Object {
    System(Arc<System>),
    Process(Arc<Process>),
    /// Something of the network service's.
    Thing(Kind, Uuid),
    /// Whoever is told what the network service does.
    Watcher,
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
            Object::Thing(..) | Object::Watcher => {}
        }
    }

    pub(super) fn has(&self, handle: u64) -> bool {
        locked(&self.handles).contains_key(&handle)
    }

    pub(crate) fn thing(&self, handle: u64) -> Option<(Kind, Uuid)> {
        match locked(&self.handles).get(&handle)? {
            Object::Thing(kind, id) => Some((*kind, *id)),
            Object::System(_) | Object::Process(_) | Object::Watcher => None,
        }
    }

    pub(crate) fn system(&self, handle: u64) -> Option<Arc<System>> {
        match locked(&self.handles).get(&handle)? {
            Object::System(system) => Some(Arc::clone(system)),
            Object::Process(_) | Object::Thing(..) | Object::Watcher => None,
        }
    }

    pub(crate) fn process(&self, handle: u64) -> Option<Arc<Process>> {
        match locked(&self.handles).get(&handle)? {
            Object::Process(process) => Some(Arc::clone(process)),
            Object::System(_) | Object::Thing(..) | Object::Watcher => None,
        }
    }

    pub(super) fn close(&self, service: &Service, handle: u64) {
        let object = locked(&self.handles).remove(&handle);
        match object {
            Some(Object::System(system)) if system.unsubscribe(self, handle) => {
                system.end(service, super::system::Ending::Forced);
            }
            Some(Object::Process(process)) => process.unsubscribe(self, handle),
            Some(Object::Watcher) => super::network::unwatch(service, self, handle),
            Some(Object::System(_) | Object::Thing(..)) | None => {}
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
