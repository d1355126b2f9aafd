//! Which signals a process can be sent, and what each becomes.

use schema::process::ControlEvent;
use schema::signals::LINUX;
use serde_json::{Value, json};

use crate::error::{PlanError, Result};
use crate::vm::GuestOs;

/// What a signal becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Deliver a control event to a Windows process.
    Event(ControlEvent),
    /// Deliver a signal to a Linux process.
    Signal(i64),
    /// End the process.
    Terminate,
}

impl Action {
    /// What `HcsSignalProcess` takes; nothing when the process is to be ended.
    pub fn options(self) -> Option<Value> {
        match self {
            Self::Event(event) => Some(json!({ "Signal": event })),
            Self::Signal(number) => Some(json!({ "Signal": number })),
            Self::Terminate => None,
        }
    }
}

const ABORT: i64 = 6;
const KILL: i64 = 9;
const TERM: i64 = 15;

/// Windows' control events by name and by number.
const WINDOWS: &[(&str, i64, ControlEvent)] = &[
    ("CTRLC", 0, ControlEvent::CtrlC),
    ("CTRLBREAK", 1, ControlEvent::CtrlBreak),
    ("CTRLCLOSE", 2, ControlEvent::CtrlClose),
    ("CTRLLOGOFF", 5, ControlEvent::CtrlLogOff),
    ("CTRLSHUTDOWN", 6, ControlEvent::CtrlShutdown),
];

/// What a signal's number becomes in a guest that can (`supported`) or cannot be sent signals.
pub fn number(os: GuestOs, signal: i64, supported: bool) -> Result<Action> {
    let found = match (os, supported) {
        (_, false) => matches!(signal, ABORT | KILL | TERM).then_some(Action::Terminate),
        (GuestOs::Linux, true) => (1..=31).contains(&signal).then_some(Action::Signal(signal)),
        (GuestOs::Windows, true) => windows_number(signal),
    };
    found.ok_or_else(|| invalid(signal))
}

fn windows_number(signal: i64) -> Option<Action> {
    match signal {
        KILL => Some(Action::Terminate),
        TERM => Some(Action::Event(ControlEvent::CtrlShutdown)),
        _ => WINDOWS
            .iter()
            .find(|(_, number, _)| *number == signal)
            .map(|(_, _, event)| Action::Event(*event)),
    }
}

/// The same for a signal's name, or its number as text. Empty is what ends a process by default.
pub fn string(os: GuestOs, signal: &str, supported: bool) -> Result<Action> {
    if let Ok(signal) = signal.parse() {
        return number(os, signal, supported);
    }
    let name = signal.to_uppercase();
    let found = match (os, supported) {
        (GuestOs::Windows, true) => windows_name(&name),
        (GuestOs::Linux, true) => linux_name(&name),
        (GuestOs::Windows, false) => is_end(&name, "CTRLSHUTDOWN"),
        (GuestOs::Linux, false) => is_end(&name, ""),
    };
    found.ok_or_else(|| invalid(signal))
}

fn windows_name(name: &str) -> Option<Action> {
    match name {
        "" | "TERM" => Some(Action::Event(ControlEvent::CtrlShutdown)),
        "KILL" => Some(Action::Terminate),
        _ => WINDOWS
            .iter()
            .find(|(known, _, _)| *known == name)
            .map(|(_, _, event)| Action::Event(*event)),
    }
}

fn linux_name(name: &str) -> Option<Action> {
    let name = if name.is_empty() { "TERM" } else { name };
    LINUX.iter().find(|(known, _)| *known == name).map(|(_, number)| Action::Signal(*number))
}

/// A guest that cannot be sent signals can only end processes.
fn is_end(name: &str, also: &str) -> Option<Action> {
    let is_end = matches!(name, "" | "TERM" | "KILL") || name == also;
    is_end.then_some(Action::Terminate)
}

fn invalid(signal: impl ToString) -> PlanError {
    PlanError::field("signal", signal, "invalid signal value")
}
