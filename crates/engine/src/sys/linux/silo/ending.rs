//! The end: everything inside is gone before anyone is told so.

use schema::ExitCode;

use super::host::{Host, Phase};
use crate::error::ErrorKind;
use crate::sys::claim::Claim;
use crate::sys::protocol::{Answer, Ending, Exit, Refusal};

impl Host {
    /// Ends what is left inside, removes every trace, and tells everyone who waits.
    pub(super) fn finish(mut self) {
        let forced = !self.terminating.is_empty();
        self.pid_one.kill();
        // Frozen processes die when thawed, and pid 1 ends after everything in its namespace.
        let _ = self.cgroup.freeze(false);
        let code = self.pid_one.wait();
        self.on_oom();
        self.reached.clear();
        // A disk is whole on its file before anyone hears of the end.
        self.servers.clear();
        let swept = self.cgroup.sweep();
        let kind = match (forced, self.phase, code) {
            (true, ..) => Ending::Forced,
            (false, Phase::Ending, Some(0)) => Ending::Graceful,
            (false, ..) => Ending::Unexpected,
        };
        self.tell_everyone(Exit { kind, out_of_memory: self.oom.killed() > 0 });
        let Self { claim, mut clients, terminating, .. } = self;
        // Released before the last answer: who has that may use the id again.
        let released = give_up(claim, swept);
        let reply = released.map(|()| Answer::Done).map_err(Refusal::from);
        for client in terminating {
            clients.reply(client, &reply, vec![]);
        }
        clients.farewell();
    }

    fn tell_everyone(&mut self, exit: Exit) {
        for client in self.processes.all_waiting() {
            self.clients.reply(client, &Ok(Answer::Exited(ExitCode::UNKNOWN)), vec![]);
        }
        for client in std::mem::take(&mut self.waiting) {
            self.clients.reply(client, &Ok(Answer::SystemExited(exit)), vec![]);
        }
    }

    /// Gives everything back for a system that nobody ever saw.
    pub(super) fn abandon(mut self) {
        self.pid_one.kill();
        self.pid_one.wait();
        self.servers.clear();
        // Before the id, with which another may want the same sockets.
        self.reached.clear();
        let swept = self.cgroup.sweep();
        let _ = give_up(self.claim, swept);
    }
}

/// Gives the id up. Its directory tells where groups are that could not be removed, and stays with them.
pub(super) fn give_up(claim: Claim, swept: Result<(), ErrorKind>) -> Result<(), ErrorKind> {
    match swept {
        Ok(()) => claim.release(),
        Err(kind) => {
            claim.leave();
            Err(kind)
        }
    }
}
