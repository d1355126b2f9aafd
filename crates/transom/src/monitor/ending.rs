//! The end of a container's last run: what is given back, and when everybody is told.
//!
//! ```text
//! usually      exited --> everything given back --> (--rm: files removed) --> told
//! goes first   exited --> out of sight --> told --> everything given back --> files removed
//! ```
//!
//! A container with `--rm` that lent nothing from anybody goes out of sight first: its name is
//! free, its id is unknown, its image is let go of, and nobody can tell that its namespaces and
//! its scratch are only now being taken down. One with a folder of the host, a port, an address
//! or a network of the user's keeps those who wait waiting, for they may want that very thing next.

use anyhow::Result;
use engine::os::DRIVES_ARE_FOLDERS;
use spec::api::{EndpointSettings, NetworkMode};

use super::driver::Driver;
use super::run::Ended;
use crate::attach::socket;
use crate::attach::wire::{Exit, Failure};
use crate::host::remove;
use crate::store::Record;

impl Driver {
    /// Nobody can miss what it still holds when its program has ended. A drive that is a disk of its
    /// own keeps its folder in its place for as long as it is mounted.
    pub(super) fn may_go_first(&self) -> bool {
        DRIVES_ARE_FOLDERS && lent_nothing(&self.found.record)
    }

    /// Goes out of sight and tells everybody, if it may.
    pub(super) async fn go_first(&mut self, ended: &Ended) -> bool {
        if ended.lost || !self.may_go_first() {
            return false;
        }
        match remove::from_sight(&self.host, &self.found).await {
            Ok(hidden) => self.found.folder = hidden,
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "the container goes when all is given back");
                return false;
            }
        }
        self.note_end(ended);
        self.host.events.container(&self.found.record, "destroy", &[]);
        if let Err(error) = socket::remove(&self.host.dirs.monitors(), &self.found.record.id) {
            tracing::warn!(%error, "a socket is left behind");
        }
        self.farewell(Ok(ended.exit.clone())).await;
        true
    }

    /// After the last run. What could not be given back is left, out of sight or not, for whoever
    /// looks at the containers next.
    pub(super) async fn finish(mut self, last: Result<Exit, Failure>) -> Result<()> {
        if self.gone_first {
            if self.given_back {
                remove::hidden(&self.host, &self.found.folder).await?;
            }
            self.server.await?;
            return Ok(());
        }
        self.found.folder.clear_live()?;
        if self.found.record.host_config.auto_remove
            && let Err(error) = remove::files(&self.host, &self.found, true).await
        {
            tracing::error!(error = %format!("{error:#}"), "the container was not removed");
        }
        socket::remove(&self.host.dirs.monitors(), &self.found.record.id)?;
        self.lock.take();
        self.farewell(last).await;
        self.server.await?;
        Ok(())
    }

    /// Tells everybody, and takes no more requests.
    async fn farewell(&mut self, last: Result<Exit, Failure>) {
        match last {
            Ok(exit) => self.audience.exited(exit),
            Err(failure) => self.audience.failed(failure),
        }
        self.stopping.answer(&Ok(()));
        // Whoever still asks finds the container ended, and looks at its files instead.
        self.inbox.close();
        while let Ok(message) = self.inbox.try_recv() {
            message.answer.send(Ok(())).ok();
        }
        self.closing.take().map(|closing| closing.send(()));
        tokio::task::yield_now().await;
        self.audience.close();
        // They hang up now, not once the first thing has been given back.
        tokio::task::yield_now().await;
    }
}

/// Whether what a container still holds once its program has ended is nobody else's business.
fn lent_nothing(record: &Record) -> bool {
    let config = &record.host_config;
    let fixed = |network: &EndpointSettings| {
        network.ipam_config.is_some() || !network.mac_address.is_empty()
    };
    let own_network = |name: &str| [NetworkMode::NAT, "none", "default", ""].contains(&name);
    config.auto_remove
        && ["", "no"].contains(&config.restart_policy.name.as_str())
        && record.mounts.is_empty()
        && record.secrets.is_empty()
        && config.devices.is_empty()
        && config.port_bindings.is_empty()
        && !config.publish_all_ports
        // Whether its memory ran out is known, and told, at its very end.
        && config.memory == 0
        && own_network(&config.network_mode.0)
        && record.networks.iter().all(|(name, one)| own_network(name) && !fixed(one))
}

#[cfg(test)]
mod tests {
    use spec::api::EndpointIpam;

    use super::*;
    use crate::store::MountPoint;

    fn record() -> Record {
        let mut record = crate::store::tests::record("one");
        record.host_config.auto_remove = true;
        record.host_config.network_mode.0 = "nat".to_owned();
        record.networks.insert("nat".to_owned(), settings());
        record
    }

    #[test]
    fn a_container_that_lent_nothing_may_go_first() {
        assert!(lent_nothing(&record()));
    }

    fn settings() -> EndpointSettings {
        EndpointSettings::default()
    }

    #[test]
    fn one_that_stays_or_lent_something_may_not() {
        type Change = fn(&mut Record);
        let changes: [Change; 8] = [
            |record| record.host_config.restart_policy.name = "always".to_owned(),
            |record| record.host_config.auto_remove = false,
            |record| record.mounts.push(MountPoint::default()),
            |record| record.host_config.publish_all_ports = true,
            |record| record.host_config.memory = 1 << 30,
            |record| record.host_config.network_mode.0 = "mine".to_owned(),
            |record| drop(record.networks.insert("mine".to_owned(), settings())),
            |record| {
                let nat = record.networks.get_mut("nat").unwrap();
                nat.ipam_config = Some(EndpointIpam::default());
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut record = record();
            change(&mut record);
            assert!(!lent_nothing(&record), "change {index}");
        }
    }
}
