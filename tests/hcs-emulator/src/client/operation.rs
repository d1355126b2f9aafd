//! `computecore.dll`'s operations.
//!
//! ```text
//! Idle --submit--> Pending --complete--> Done
//! ```
//!
//! An operation that is closed while it is pending is forgotten: its completion finds nobody.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use super::{Context, client, locked};
use crate::codes;
use crate::wire::{Answer, Request};

/// Called when an operation is done: the operation, and the context.
pub type Completed = unsafe extern "system" fn(u64, *const core::ffi::c_void);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Pending,
    Done(Box<Answer>),
}

/// An operation.
#[derive(Default)]
pub struct Operation {
    state: Mutex<State>,
    done: Condvar,
    callback: Mutex<Option<Completed>>,
    context: Mutex<Context>,
    /// The call that it was given to, and the handle that this is about.
    subject: Mutex<(String, u64)>,
}

fn operations() -> &'static Mutex<BTreeMap<u64, Arc<Operation>>> {
    static ALL: OnceLock<Mutex<BTreeMap<u64, Arc<Operation>>>> = OnceLock::new();
    ALL.get_or_init(Mutex::default)
}

/// Makes one.
pub fn create(callback: Option<Completed>, context: Context) -> u64 {
    let Some(client) = client() else { return 0 };
    let handle = client.handle();
    let operation = Operation::default();
    *locked(&operation.callback) = callback;
    operation.set_context(context);
    locked(operations()).insert(handle, Arc::new(operation));
    handle
}

/// Forgets one.
pub fn close(handle: u64) {
    locked(operations()).remove(&handle);
}

/// Finds one.
pub fn find(handle: u64) -> Option<Arc<Operation>> {
    locked(operations()).get(&handle).cloned()
}

/// Sets what is called when it is done.
pub fn set_callback(handle: u64, callback: Option<Completed>, context: Context) -> u32 {
    match find(handle) {
        None => codes::INVALID_HANDLE,
        Some(operation) => {
            *locked(&operation.callback) = callback;
            operation.set_context(context);
            codes::OK
        }
    }
}

/// Gives a request to an operation.
pub fn submit(handle: u64, request: Request) -> u32 {
    let (Some(client), Some(operation)) = (client(), find(handle)) else {
        return codes::INVALID_HANDLE;
    };
    {
        let mut state = locked(&operation.state);
        if !matches!(*state, State::Idle) {
            return codes::INVALID_ARGUMENT;
        }
        *state = State::Pending;
    }
    let about = if request.new_handle == 0 { request.handle } else { request.new_handle };
    *locked(&operation.subject) = (request.call.clone(), about);
    let (later, new_handle) = (Arc::clone(&client), request.new_handle);
    client.call(request, move |answer| {
        if codes::failed(answer.result) && new_handle != 0 {
            later.callbacks.remove(new_handle);
        }
        *locked(&operation.state) = State::Done(Box::new(answer));
        operation.done.notify_all();
        let callback = *locked(&operation.callback);
        if let Some(callback) = callback {
            let context = operation.context();
            later.later(move || {
                if find(handle).is_some() {
                    // SAFETY: whoever set the callback promises that it and its context are good
                    // until the operation is closed.
                    unsafe { callback(handle, context.get()) };
                }
            });
        }
    });
    codes::OK
}

impl Operation {
    /// What its callback is given.
    pub fn context(&self) -> Context {
        *locked(&self.context)
    }

    /// Gives its callback something else.
    pub fn set_context(&self, context: Context) {
        *locked(&self.context) = context;
    }

    /// The call that it was given to; empty when it was given to none.
    pub fn call(&self) -> String {
        locked(&self.subject).0.clone()
    }

    /// The handle that this is about.
    pub fn handle(&self) -> u64 {
        locked(&self.subject).1
    }

    /// Waits for the end; `None` for ever. The error is why there is no answer.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Answer, u32> {
        let mut state = locked(&self.state);
        if matches!(*state, State::Idle) {
            return Err(codes::OPERATION_NOT_STARTED);
        }
        let pending = |state: &mut State| matches!(state, State::Pending);
        state = match timeout {
            None => self
                .done
                .wait_while(state, pending)
                .unwrap_or_else(std::sync::PoisonError::into_inner),
            Some(limit) => {
                self.done
                    .wait_timeout_while(state, limit, pending)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0
            }
        };
        match &*state {
            State::Done(answer) => Ok((**answer).clone()),
            State::Idle | State::Pending => Err(codes::OPERATION_TIMEOUT),
        }
    }

    /// The answer, if it is there.
    pub fn result(&self) -> Result<Answer, u32> {
        match &*locked(&self.state) {
            State::Idle => Err(codes::OPERATION_NOT_STARTED),
            State::Pending => Err(codes::OPERATION_PENDING),
            State::Done(answer) => Ok((**answer).clone()),
        }
    }
}
