//! Properties: the basic set, statistics from the control groups, processes from the guest.

use std::time::{SystemTime, UNIX_EPOCH};

use schema::guest::Call;
use schema::properties::{Properties, PropertyType, State, Statistics};

use super::clients::ClientId;
use super::guests::{Awaited, Guests};
use super::host::{Host, Phase};
use crate::error::ErrorKind;
use crate::sys::protocol::{Answer, GUEST};
use crate::sys::validate::unsupported;

impl Host {
    pub(super) fn on_query(&mut self, client: ClientId, query: &[PropertyType]) {
        match self.properties(query) {
            Err(kind) => self.refuse(client, kind),
            Ok(properties)
                if query.contains(&PropertyType::ProcessList) && self.phase != Phase::Paused =>
            {
                self.ask_for_processes(client, properties);
            }
            Ok(properties) => {
                self.clients.reply(client, &Ok(Answer::Properties(Box::new(properties))), vec![]);
            }
        }
    }

    fn properties(&self, query: &[PropertyType]) -> Result<Properties, ErrorKind> {
        if query.contains(&PropertyType::Memory) {
            return Err(unsupported(
                "the property `Memory` of a container",
                "it is a VM's; ask for `Statistics`",
            ));
        }
        // What stands still neither comes nor goes.
        let standing = self.standing.as_ref().filter(|_| self.phase == Phase::Paused);
        let wants_processes = query.contains(&PropertyType::ProcessList);
        if wants_processes && self.phase == Phase::Paused && standing.is_none() {
            return Err(self.wrong_phase());
        }
        let wants_statistics = query.contains(&PropertyType::Statistics);
        let statistics = wants_statistics.then(|| self.statistics()).transpose()?;
        Ok(Properties {
            id: self.id.to_string(),
            system_type: "Container".into(),
            owner: self.plan.owner.clone(),
            state: match self.phase {
                Phase::Booting | Phase::Created => State::Created,
                Phase::Running | Phase::Ending => State::Running,
                Phase::Paused => State::Paused,
            },
            created_unix: self.created.duration_since(UNIX_EPOCH).ok().map(|t| t.as_secs_f64()),
            statistics,
            process_list: standing.filter(|_| wants_processes).cloned(),
        })
    }

    fn statistics(&self) -> Result<Statistics, ErrorKind> {
        let now = SystemTime::now();
        let since = self.started.unwrap_or(self.created);
        let up = now.duration_since(since).unwrap_or_default();
        Ok(Statistics {
            timestamp: rfc3339(now),
            container_start_time: rfc3339(since),
            uptime_100ns: u64::try_from(up.as_nanos() / 100).unwrap_or(u64::MAX),
            ..self.cgroup.statistics()?
        })
    }

    fn ask_for_processes(&mut self, client: ClientId, properties: Properties) {
        let awaited = Awaited::Processes { client, properties: Box::new(properties) };
        if let Err((_, awaited)) =
            self.guests.ask(Guests::RESIDENT, Call::Processes, vec![], awaited)
        {
            self.fail(&awaited, ErrorKind::Disconnected(GUEST));
        }
    }
}

fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map(|time| time.to_string()).unwrap_or_default()
}
