//! The life of one exec: a process inside a running task.
//!
//! ```text
//! Created --start--> Starting --Started--> Running --Exited--> Exited --settled--> Exited
//!    |                   +------- StartFailed ------------------^
//!    +--kill, container gone, deleted---------------------------^
//! ```
//!
//! `Exited` is seen by `status` at once; who waits for the exec is told when it has *settled*: its
//! output has been passed on and its exit event published.

use std::time::SystemTime;

use schema::{ExitCode, Pid};

use crate::Denied;
use crate::signals::Delivery;

/// What an exec that never ran ends with.
pub const NEVER_RAN: ExitCode = ExitCode(1);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its pid; 0 when it never ran.
    pub pid: Pid,
    /// All 32 bits.
    pub code: ExitCode,
    /// When.
    pub at: SystemTime,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Created,
    /// Signals that came meanwhile wait for the process.
    Starting {
        pending: Vec<Delivery>,
    },
    Running {
        pid: Pid,
    },
    Exited {
        exit: Exit,
        settled: bool,
    },
}

/// What can be seen of an exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Made, and not running yet.
    Created,
    /// It runs.
    Running(Pid),
    /// It has ended.
    Exited(Exit),
}

impl Status {
    /// How it ended, once it has.
    pub fn exit(self) -> Option<Exit> {
        match self {
            Self::Exited(exit) => Some(exit),
            Self::Created | Self::Running(_) => None,
        }
    }
}

/// What a granted kill comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kill {
    /// It never ran and has ended now.
    Ended,
    /// The running process gets it.
    Deliver(Delivery),
    /// It starts just now and gets it then.
    Later,
}

/// One exec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    state: State,
}

impl Default for Exec {
    fn default() -> Self {
        Self::new()
    }
}

impl Exec {
    /// An exec that was created.
    pub fn new() -> Self {
        Self { state: State::Created }
    }

    /// Where it is in its life.
    pub fn status(&self) -> Status {
        match self.state {
            State::Created | State::Starting { .. } => Status::Created,
            State::Running { pid } => Status::Running(pid),
            State::Exited { exit, .. } => Status::Exited(exit),
        }
    }

    /// It has ended and everything about its end has been told.
    pub fn has_settled(&self) -> bool {
        matches!(self.state, State::Exited { settled: true, .. })
    }

    /// Asks for the process; granted once.
    pub fn start(&mut self) -> Result<(), Denied> {
        match self.state {
            State::Created => {
                self.state = State::Starting { pending: Vec::new() };
                Ok(())
            }
            State::Starting { .. } | State::Running { .. } | State::Exited { .. } => {
                Err(Denied::AlreadyStarted)
            }
        }
    }

    /// Asks for a signal. What never ran ends at once, whatever the signal.
    pub(crate) fn kill(&mut self, how: Delivery, at: SystemTime) -> Result<Kill, Denied> {
        match &mut self.state {
            State::Created => {
                self.end(NEVER_RAN, at);
                Ok(Kill::Ended)
            }
            State::Starting { pending } => {
                pending.push(how);
                Ok(Kill::Later)
            }
            State::Running { .. } => Ok(Kill::Deliver(how)),
            State::Exited { .. } => Err(Denied::AlreadyExited),
        }
    }

    /// Ends it if it never ran, with `code`; otherwise tells whether it has ended.
    pub(crate) fn retire(&mut self, code: ExitCode, at: SystemTime) -> Result<bool, Denied> {
        match self.state {
            State::Created => {
                self.end(code, at);
                Ok(true)
            }
            State::Starting { .. } | State::Running { .. } => Err(Denied::StillRuns),
            State::Exited { .. } => Ok(false),
        }
    }

    /// The process runs: gives the signals that waited for it. Late or twice, it changes nothing.
    pub(crate) fn started(&mut self, pid: Pid) -> Option<Vec<Delivery>> {
        match &mut self.state {
            State::Starting { pending } => {
                let pending = std::mem::take(pending);
                self.state = State::Running { pid };
                Some(pending)
            }
            State::Created | State::Running { .. } | State::Exited { .. } => None,
        }
    }

    /// The process ended, or could not be started. `false` when that was known.
    pub(crate) fn exited(&mut self, code: ExitCode, at: SystemTime) -> bool {
        match self.state {
            State::Starting { .. } | State::Running { .. } => {
                self.end(code, at);
                true
            }
            State::Created | State::Exited { .. } => false,
        }
    }

    /// Everything about its end has been told. `false` when it runs, or that was known.
    pub(crate) fn settle(&mut self) -> bool {
        match &mut self.state {
            State::Exited { settled, .. } if !*settled => {
                *settled = true;
                true
            }
            State::Created
            | State::Starting { .. }
            | State::Running { .. }
            | State::Exited { .. } => false,
        }
    }

    fn end(&mut self, code: ExitCode, at: SystemTime) {
        let pid = match self.state {
            State::Running { pid } => pid,
            State::Created | State::Starting { .. } | State::Exited { .. } => Pid(0),
        };
        self.state = State::Exited { exit: Exit { pid, code, at }, settled: false };
    }
}

#[cfg(test)]
mod tests {
    use schema::process::ControlEvent;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn start_is_granted_once() {
        let mut exec = Exec::new();
        assert_eq!(exec.start(), Ok(()));
        assert_eq!(exec.start(), Err(Denied::AlreadyStarted));
        exec.started(Pid(4));
        assert_eq!(exec.start(), Err(Denied::AlreadyStarted));
    }

    #[test]
    fn start_is_refused_after_exit() {
        let mut exec = Exec::new();
        exec.kill(Delivery::Terminate, NOW).unwrap();
        assert_eq!(exec.start(), Err(Denied::AlreadyStarted));
    }

    #[test]
    fn a_late_start_report_does_not_revive_an_exec() {
        let mut exec = Exec::new();
        exec.start().unwrap();
        assert!(exec.exited(ExitCode(9), NOW));
        assert_eq!(exec.started(Pid(4)), None);
        assert_eq!(exec.status().exit().unwrap().code, ExitCode(9));
    }

    #[test]
    fn a_kill_during_the_start_reaches_the_process() {
        let mut exec = Exec::new();
        exec.start().unwrap();
        let ctrl_c = Delivery::Control(ControlEvent::CtrlC);
        assert_eq!(exec.kill(ctrl_c, NOW), Ok(Kill::Later));
        assert_eq!(exec.started(Pid(4)), Some(vec![ctrl_c]));
        assert_eq!(exec.status(), Status::Running(Pid(4)));
    }

    #[test]
    fn a_kill_before_the_start_ends_it_with_1() {
        let mut exec = Exec::new();
        assert_eq!(exec.kill(Delivery::Terminate, NOW), Ok(Kill::Ended));
        assert_eq!(exec.status(), Status::Exited(Exit { pid: Pid(0), code: ExitCode(1), at: NOW }));
        assert_eq!(exec.kill(Delivery::Terminate, NOW), Err(Denied::AlreadyExited));
    }

    #[test]
    fn the_second_exit_report_changes_nothing() {
        let mut exec = Exec::new();
        exec.start().unwrap();
        exec.started(Pid(4));
        assert!(exec.exited(ExitCode(3), NOW));
        assert!(!exec.exited(ExitCode(4), NOW));
        assert_eq!(exec.status().exit().unwrap().code, ExitCode(3));
        assert!(exec.settle() && !exec.settle());
    }
}
