//! One namespace on one network: added by its plugins in order, undone in reverse.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::conflist::Conflist;
use super::namespace::{gone, io_error};
use super::plugin::{self, Environment, Verb};
use super::{resolver, routes};
use crate::error::ErrorKind;
use crate::network::{Endpoint, EndpointRequest};

/// An attachment as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attachment {
    #[serde(skip)]
    file: PathBuf,
    #[serde(skip)]
    pin: PathBuf,
    /// The interface's name inside.
    interface: String,
    request: EndpointRequest,
    /// Another network was there before, and leads out.
    #[serde(default)]
    is_later: bool,
    network: Conflist,
    /// The plugins' result, once all have answered.
    result: Option<Value>,
}

/// Where a namespace's attachments are written down.
pub(super) fn directory(pin: &Path) -> PathBuf {
    let mut name = pin.as_os_str().to_owned();
    name.push(".d");
    name.into()
}

/// The networks that a namespace is attached to.
pub(super) fn list(pin: &Path) -> Result<Vec<String>, ErrorKind> {
    let directory = directory(pin);
    let entries = match fs::read_dir(&directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| io_error("read", &directory, e))?,
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Reads what was written down; `None` when the namespace is not on the network.
pub(super) fn open(pin: &Path, network: &str) -> Result<Option<Attachment>, ErrorKind> {
    let file = directory(pin).join(format!("{network}.json"));
    let text = match fs::read(&file) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| io_error("read", &file, e))?,
    };
    let read = serde_json::from_slice(&text).map_err(|e| io_error("understand", &file, e))?;
    Ok(Some(Attachment { file, pin: pin.to_owned(), ..read }))
}

/// Writes down what is about to be attached. A network that it is on already is refused.
pub(super) fn begin(
    pin: &Path,
    request: EndpointRequest,
    network: Conflist,
) -> Result<Attachment, ErrorKind> {
    let directory = directory(pin);
    fs::create_dir_all(&directory).map_err(|e| io_error("create", &directory, e))?;
    // Two at once would take the same interface.
    let turn = fs::File::open(&directory).map_err(|e| io_error("open", &directory, e))?;
    turn.lock().map_err(|e| io_error("lock", &directory, e))?;
    let interface = free_interface(pin)?;
    let file = directory.join(format!("{}.json", request.network));
    let leads_out = |network: &String| -> Result<bool, ErrorKind> {
        Ok(open(pin, network)?.is_some_and(|attachment| attachment.way_out().is_some()))
    };
    let others: Result<Vec<bool>, _> = list(pin)?.iter().map(leads_out).collect();
    let is_later = others?.contains(&true);
    let pin = pin.to_owned();
    let new = Attachment { file, pin, interface, request, is_later, network, result: None };
    match fs::OpenOptions::new().write(true).create_new(true).open(&new.file) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(ErrorKind::AlreadyExists),
        Err(e) => Err(io_error("create", &new.file, e)),
        Ok(_) => new.save().map(|()| new),
    }
}

/// The first name that no other attachment has: one may have gone from between two others.
fn free_interface(pin: &Path) -> Result<String, ErrorKind> {
    let mut taken = Vec::new();
    for network in list(pin)? {
        taken.extend(open(pin, &network)?.map(|attachment| attachment.interface));
    }
    let mut names = (0..=taken.len()).map(|number| format!("eth{number}"));
    Ok(names.find(|name| !taken.contains(name)).expect("there is one name more than are taken"))
}

impl Attachment {
    fn save(&self) -> Result<(), ErrorKind> {
        let text = serde_json::to_vec(self).expect("an attachment is plain data");
        resolver::replace(&self.file, &text)
    }

    /// Runs the plugins; after a failure those that ran are undone.
    pub(super) async fn add(mut self) -> Result<Endpoint, ErrorKind> {
        match self.run_all().await {
            Ok(result) => {
                let endpoint = self.endpoint(&result);
                self.result = Some(result);
                self.save()?;
                resolver::extend(&self.pin, &resolver::of_network(&endpoint))?;
                Ok(endpoint)
            }
            Err(cause) => {
                if let Err(error) = self.del().await {
                    tracing::warn!(%error, "undoing a network attachment failed");
                }
                Err(cause)
            }
        }
    }

    async fn run_all(&self) -> Result<Value, ErrorKind> {
        let mut result = Value::Null;
        for index in self.wanted() {
            let config = self.config(index, &result);
            result = plugin::run(Verb::Add, &config, &self.environment()).await?;
        }
        Ok(result)
    }

    /// Runs the plugins backwards and forgets the attachment. Goes on after a failure, as much as
    /// possible being given back, and reports the first; the attachment is then kept.
    pub(super) async fn del(&self) -> Result<(), ErrorKind> {
        let mut first_error = None;
        let result = self.result.clone().unwrap_or_default();
        for index in self.wanted().into_iter().rev() {
            let config = self.config(index, &result);
            if let Err(error) = plugin::run(Verb::Del, &config, &self.environment()).await {
                first_error.get_or_insert(error);
            }
        }
        match first_error {
            Some(error) => Err(error),
            None => {
                gone(fs::remove_file(&self.file)).map_err(|e| io_error("remove", &self.file, e))
            }
        }
    }

    /// Which plugins have something to do: one for published ports has not when there are none.
    fn wanted(&self) -> Vec<usize> {
        let ports = |index: &usize| self.capability(*index, "portMappings");
        (0..self.network.plugins.len())
            .filter(|index| !self.request.ports.is_empty() || !ports(index))
            .collect()
    }

    fn capability(&self, index: usize, name: &str) -> bool {
        let plugin = &self.network.plugins[index];
        plugin.get("capabilities").is_some_and(|all| all[name] == json!(true))
    }

    fn environment(&self) -> Environment<'_> {
        Environment {
            container: &self.request.container_id,
            namespace: &self.pin,
            interface: &self.interface,
        }
    }

    /// A plugin's own configuration, with what the list, the caller and the plugin before it add.
    fn config(&self, index: usize, previous: &Value) -> Value {
        let mut config = self.network.plugins[index].clone();
        config.insert("cniVersion".into(), json!(self.network.cni_version));
        config.insert("name".into(), json!(self.network.name));
        let runtime = self.runtime_config(index);
        if !runtime.is_null() {
            config.insert("runtimeConfig".into(), runtime);
        }
        if let Some(ip) = self.request.ip {
            // Where host-local looks for a fixed address; others ignore it.
            config.insert("args".into(), json!({ "cni": { "ips": [ip.to_string()] } }));
        }
        if self.is_later {
            routes::without_way_out(&mut config);
        }
        if !previous.is_null() {
            config.insert("prevResult".into(), previous.clone());
        }
        Value::Object(config)
    }

    fn runtime_config(&self, index: usize) -> Value {
        let mut runtime = serde_json::Map::new();
        if self.capability(index, "portMappings") {
            runtime.insert("portMappings".into(), self.port_mappings());
        }
        if let (true, Some(mac)) = (self.capability(index, "mac"), &self.request.mac) {
            runtime.insert("mac".into(), json!(mac));
        }
        if runtime.is_empty() { Value::Null } else { Value::Object(runtime) }
    }

    fn port_mappings(&self) -> Value {
        let one = |port: &crate::network::PortMapping| {
            json!({
                "hostPort": port.host_port,
                "containerPort": port.container_port,
                "protocol": port.protocol,
                "hostIP": port.host_ip.map(|ip| ip.to_string()).unwrap_or_default(),
            })
        };
        Value::Array(self.request.ports.iter().map(one).collect())
    }

    /// The endpoint as it stands; without addresses while its plugins have not answered.
    pub(super) fn now(&self) -> Endpoint {
        self.endpoint(self.result.as_ref().unwrap_or(&Value::Null))
    }

    /// By which address the network leads out: what its plugins told, or else its definition.
    pub(super) fn way_out(&self) -> Option<std::net::Ipv4Addr> {
        routes::way_out(&self.network.plugins, self.result.as_ref(), self.now().gateway)
    }

    /// What the plugins' result says of the endpoint.
    fn endpoint(&self, result: &Value) -> Endpoint {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let inside = list(&result["interfaces"])
            .into_iter()
            .find(|i| i["name"] == json!(self.interface) && !text(&i["sandbox"]).is_empty());
        let ips = list(&result["ips"]);
        Endpoint {
            network: self.request.network.clone(),
            interface: self.interface.clone(),
            mac: inside.map(|i| text(&i["mac"])).unwrap_or_default(),
            addresses: ips.iter().filter_map(|ip| address(ip["address"].as_str()?)).collect(),
            gateway: ips.iter().find_map(|ip| ip["gateway"].as_str()?.parse().ok()),
            dns_servers: list(&result["dns"]["nameservers"])
                .iter()
                .filter_map(|server| server.as_str()?.parse().ok())
                .collect(),
            dns_search: list(&result["dns"]["search"]).iter().map(text).collect(),
            ports: self.request.ports.clone(),
        }
    }
}

/// `10.90.0.2/16`.
fn address(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, prefix) = text.split_once('/')?;
    Some((ip.parse().ok()?, prefix.parse().ok()?))
}
