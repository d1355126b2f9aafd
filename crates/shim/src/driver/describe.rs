//! What a driver is about, for whoever looks for a fault.

use std::fmt::Write as _;

use engine::Engine;
use lifecycle::{Status, Which};
use resources::Host;

use super::actor::Actor;

impl<E: Engine, H: Host> Actor<E, H> {
    /// The execs and where they are; a placeholder, which has none, tells of itself.
    pub(super) fn list_execs(&self) -> Vec<(String, Status)> {
        if self.system.is_none() {
            let own = self.machine.status(&Which::Init);
            let id = self.machine.id().to_string();
            return own.map(|status| vec![(id, status)]).unwrap_or_default();
        }
        self.machine.execs().map(|(id, status)| (id.to_string(), status)).collect()
    }

    /// One line a process, and who waits for what.
    pub(super) fn describe(&self) -> String {
        let mut text = String::new();
        for (which, slot) in &self.slots {
            let name = match which {
                Which::Init => "first process".to_owned(),
                Which::Exec(id) => format!("exec {id}"),
            };
            let status = self.machine.status(which);
            let streams = if slot.relays.is_some() { "streams carried" } else { "no streams" };
            let settled = matches!(self.machine.settled(which), Ok(Some(_)));
            let _ = writeln!(text, "  {name}: {status:?}, {streams}, settled: {settled}");
        }
        let waiting = &self.waiting;
        let _ = writeln!(
            text,
            "  paused: {}, under way: {}; who waits: {} for a start, {} for an end, {} for a \
             deletion, {} for a pause",
            self.machine.is_paused(),
            self.background.len(),
            waiting.starts.len(),
            waiting.ends.len(),
            waiting.deletions.len(),
            waiting.pauses.len(),
        );
        text
    }
}
