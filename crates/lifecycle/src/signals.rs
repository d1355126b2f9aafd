//! Signals, by number and by name, as a Windows or a Linux guest takes them.
//!
//! "Supported" tells whether the guest can be signalled at all (Windows Server 2019 and later, and
//! Wine); others can only be ended. Linux guests run in utility VMs.

use schema::process::ControlEvent;

/// What a signal comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A console control event.
    Control(ControlEvent),
    /// A Linux signal, by number.
    Linux(u8),
    /// The process is ended.
    Terminate,
}

/// A signal that the guest does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signal {0}: invalid signal value")]
pub struct InvalidSignal(pub String);

/// `SIGKILL`, in every guest.
pub const KILL: u32 = 9;
const TERM: u32 = 15;
const ABRT: u32 = 6;

/// Windows numbers and names; 6 and 15 are both the shutdown.
const CONTROL: [(u32, &str, ControlEvent); 5] = [
    (0, "CTRLC", ControlEvent::CtrlC),
    (1, "CTRLBREAK", ControlEvent::CtrlBreak),
    (2, "CTRLCLOSE", ControlEvent::CtrlClose),
    (5, "CTRLLOGOFF", ControlEvent::CtrlLogOff),
    (6, "CTRLSHUTDOWN", ControlEvent::CtrlShutdown),
];

const LINUX: [(&str, u32); 34] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", ABRT),
    ("IOT", ABRT),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", KILL),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", TERM),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("POLL", 29),
    ("PWR", 30),
    ("SYS", 31),
];

/// A signal to a Windows process, by number.
pub fn windows_number(number: i64, supported: bool) -> Result<Delivery, InvalidSignal> {
    let invalid = || InvalidSignal(number.to_string());
    let number = u32::try_from(number).map_err(|_| invalid())?;
    if number == KILL {
        return Ok(Delivery::Terminate);
    }
    let known = if number == TERM { ABRT } else { number };
    let event = CONTROL.iter().find(|(number, ..)| *number == known).map(|(.., event)| *event);
    match event.ok_or_else(invalid)? {
        event if supported => Ok(Delivery::Control(event)),
        ControlEvent::CtrlShutdown => Ok(Delivery::Terminate),
        ControlEvent::CtrlC
        | ControlEvent::CtrlBreak
        | ControlEvent::CtrlClose
        | ControlEvent::CtrlLogOff => Err(invalid()),
    }
}

/// A signal to a Windows process, by name or as a decimal number; empty is the shutdown.
pub fn windows_name(name: &str, supported: bool) -> Result<Delivery, InvalidSignal> {
    let invalid = || InvalidSignal(name.to_owned());
    if let Some(number) = decimal(name) {
        return windows_number(number, supported).map_err(|_| invalid());
    }
    let upper = name.to_uppercase();
    let number = match upper.as_str() {
        "" | "TERM" => TERM,
        "KILL" => KILL,
        other => {
            let found = CONTROL.iter().find(|(_, name, _)| *name == other);
            found.map(|(number, ..)| *number).ok_or_else(invalid)?
        }
    };
    windows_number(number.into(), supported).map_err(|_| invalid())
}

/// A signal to a Linux process, by number.
pub fn linux_number(number: i64, supported: bool) -> Result<Delivery, InvalidSignal> {
    let invalid = || InvalidSignal(number.to_string());
    let signal = u8::try_from(number).map_err(|_| invalid())?;
    let number = u32::from(signal);
    match number {
        1..=31 if supported => Ok(Delivery::Linux(signal)),
        KILL | TERM | ABRT => Ok(Delivery::Terminate),
        _ => Err(invalid()),
    }
}

/// A signal to a Linux process, by name without `SIG` or as a decimal number; empty is `TERM`.
pub fn linux_name(name: &str, supported: bool) -> Result<Delivery, InvalidSignal> {
    let invalid = || InvalidSignal(name.to_owned());
    if let Some(number) = decimal(name) {
        return linux_number(number, supported).map_err(|_| invalid());
    }
    let upper = name.to_uppercase();
    let wanted = if upper.is_empty() { "TERM" } else { upper.as_str() };
    let found = LINUX.iter().find(|(name, _)| *name == wanted);
    let (_, number) = found.ok_or_else(invalid)?;
    linux_number((*number).into(), supported).map_err(|_| invalid())
}

/// A decimal number with an optional sign, and nothing else.
fn decimal(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
