//! Connecting a running container to networks, and disconnecting it.

use engine::Network;
use spec::api::EndpointSettings;

use super::driver::Driver;
use super::network;

type Answer = Result<(), String>;

impl Driver {
    /// Connects it now, and whenever it starts again.
    pub(super) async fn connect(&mut self, network: &str, settings: EndpointSettings) -> Answer {
        let Some(namespace) = self.found.state.namespace.clone() else {
            return Err("the container has no network namespace".to_owned());
        };
        self.reread();
        let record = &self.found.record;
        let attached = network::attach(&self.host, record, &namespace, network, &settings).await;
        let endpoint = attached.map_err(|error| format!("{error:#}"))?;
        self.found.state.endpoints.push(endpoint);
        self.found.record.networks.insert(network.to_owned(), settings);
        self.keep()
    }

    /// Disconnects it now, and it stays so when it starts again.
    pub(super) async fn disconnect(&mut self, network: &str) -> Answer {
        let Some(namespace) = self.found.state.namespace.clone() else {
            return Err("the container has no network namespace".to_owned());
        };
        self.reread();
        if !self.found.record.networks.contains_key(network) {
            return Err(format!("container is not connected to network {network}"));
        }
        let detached = self.host.networks.detach(&namespace, network).await;
        detached.map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        // The way out may have been by this network.
        let rerouted = self.host.networks.reroute(&namespace).await;
        rerouted.map_err(|error| format!("{:#}", anyhow::Error::from(error)))?;
        self.host.events.network(network, "disconnect", &[("container", &self.found.record.id)]);
        self.found.state.endpoints.retain(|endpoint| endpoint.network != network);
        self.found.record.networks.remove(network);
        self.keep()
    }

    fn keep(&self) -> Answer {
        self.save();
        let written = self.found.folder.write_record(&self.found.record);
        written.map_err(|error| format!("{error:#}"))
    }

    /// The record may have been rewritten meanwhile, by `rename` and `update`.
    fn reread(&mut self) {
        if let Ok(record) = self.found.folder.read_record() {
            self.found.record = record;
        }
    }
}
