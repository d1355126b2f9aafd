//! The processes that were started by request, and their exit codes.

use std::collections::BTreeMap;

use schema::ExitCode;

use super::clients::ClientId;
use super::guests::GuestId;

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    /// The guest that started it.
    pub(super) guest: GuestId,
    /// It has a console.
    pub(super) console: bool,
    /// Its terminal, to resize.
    pub(super) master: Option<std::os::fd::OwnedFd>,
    /// How it ended.
    pub(super) exit: Option<ExitCode>,
    waiting: Vec<ClientId>,
}

/// Every process, by its Windows pid. Codes are kept until the system ends, or until Wine gives the
/// number to another process that is asked for.
#[derive(Debug, Default)]
pub(super) struct Processes {
    by_pid: BTreeMap<u32, Process>,
}

impl Processes {
    pub(super) fn add(&mut self, pid: u32, guest: GuestId, master: Option<std::os::fd::OwnedFd>) {
        let console = master.is_some();
        let process = Process { guest, console, master, exit: None, waiting: Vec::new() };
        self.by_pid.insert(pid, process);
    }

    pub(super) fn get(&self, pid: u32) -> Option<&Process> {
        self.by_pid.get(&pid)
    }

    /// Who waits for the end of a process.
    pub(super) fn waiting_for(&mut self, pid: u32) -> Option<&mut Vec<ClientId>> {
        self.by_pid.get_mut(&pid).map(|process| &mut process.waiting)
    }

    /// Takes in an end, if `guest` may tell it; who waits for it.
    pub(super) fn ended(&mut self, pid: u32, guest: GuestId, code: ExitCode) -> Vec<ClientId> {
        match self.by_pid.get_mut(&pid) {
            Some(process) if process.guest == guest && process.exit.is_none() => {
                process.exit = Some(code);
                process.master = None;
                std::mem::take(&mut process.waiting)
            }
            _ => Vec::new(),
        }
    }

    /// The processes of a guest that still run.
    pub(super) fn running_of(&self, guest: GuestId) -> Vec<u32> {
        let of = |(_, process): &(&u32, &Process)| process.guest == guest && process.exit.is_none();
        self.by_pid.iter().filter(of).map(|(pid, _)| *pid).collect()
    }

    /// Everyone who waits for any process.
    pub(super) fn all_waiting(&mut self) -> Vec<ClientId> {
        self.by_pid.values_mut().flat_map(|process| std::mem::take(&mut process.waiting)).collect()
    }
}
