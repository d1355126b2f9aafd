//! Network namespaces pinned by name, and CNI plugins for everything in them.
//!
//! ```text
//! $STATE/netns/<name>            the pinned namespace
//! $STATE/netns/<name>.json       what it resolves names with; the silo writes /etc from it
//! $STATE/netns/<name>.d/<n>.json one attachment: enough to undo it without its network's file
//! ```
//!
//! An attachment is written down before its first plugin runs, so one that was cut short is undone
//! all the same. Networks are described in [`definition`] and [`conflist`],
//! plugins run in [`plugin`]. The pins
//! are the only mounts that Transom makes in the host's mount namespace.

mod attachment;
mod conflist;
mod definition;
mod inside;
mod link;
mod masquerade;
mod namespace;
mod plugin;
mod ports;
pub(super) mod resolver;
mod routes;
mod subnet;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use schema::names::Names;

use masquerade::Masquerade;

use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::network::{Definition, Endpoint, EndpointRequest, Network};

/// This host's networks.
#[derive(Debug, Clone)]
pub struct Networks {
    /// `$STATE/netns`.
    pins: PathBuf,
    /// Where networks are defined, the first that has one wins.
    definitions: Vec<PathBuf>,
}

impl Networks {
    /// The networks of an installation with these two directories.
    pub fn new(root: &Path, state: &Path) -> Self {
        Self {
            pins: state.join("netns"),
            definitions: vec![root.join("networks"), PathBuf::from("/etc/transom/networks")],
        }
    }

    /// Where a namespace is pinned, for whoever enters it.
    pub fn pin(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.pins.join(name))
    }

    /// Defines a network; what was left open is chosen, and given back.
    pub async fn define(&self, wanted: &Definition) -> Result<Definition> {
        let (directory, wanted) = (self.definitions[0].clone(), wanted.clone());
        blocking(wanted.name.clone(), move || definition::create(&directory, &wanted)).await
    }

    /// The networks that there are, by name; `none` is not one.
    pub async fn definitions(&self) -> Result<Vec<Definition>> {
        let directory = self.definitions[0].clone();
        blocking("every network".to_owned(), move || definition::list(&directory)).await
    }

    /// Removes a network. Refused while a namespace is attached to it.
    pub async fn undefine(&self, name: &str) -> Result<()> {
        let (this, name) = (self.clone(), name.to_owned());
        blocking(name.clone(), move || {
            if !this.members_now(&name)?.is_empty() {
                return Err(ErrorKind::InvalidState { state: "in use" });
            }
            definition::remove(&this.definitions[0], &name)
        })
        .await
    }

    /// The namespaces on a network, each with its endpoint there.
    pub async fn members(&self, network: &str) -> Result<Vec<(String, Endpoint)>> {
        let (this, name) = (self.clone(), network.to_owned());
        blocking(name.clone(), move || this.members_now(&name)).await
    }

    /// The networks that a namespace is on, each with its endpoint there.
    pub async fn memberships(&self, namespace: &str) -> Result<Vec<Endpoint>> {
        let (pin, name) = (self.pin(namespace)?, namespace.to_owned());
        blocking(name, move || {
            let networks = attachment::list(&pin)?;
            let open = |network: &String| attachment::open(&pin, network);
            let found: Result<Vec<_>, _> = networks.iter().map(open).collect();
            Ok(found?.into_iter().flatten().map(|attachment| attachment.now()).collect())
        })
        .await
    }

    /// Gives a namespace a way out by one of its networks, after the network that it had one by
    /// was detached. One that has a way out keeps it.
    pub async fn reroute(&self, namespace: &str) -> Result<()> {
        let (pin, name) = (self.pin(namespace)?, namespace.to_owned());
        blocking(name, move || {
            for network in attachment::list(&pin)? {
                let attached = attachment::open(&pin, &network)?;
                if let Some(gateway) = attached.and_then(|attachment| attachment.way_out()) {
                    return inside::add_way_out(&pin, gateway);
                }
            }
            Ok(())
        })
        .await
    }

    /// Listens inside a namespace, by datagrams and by streams, for a server that stays outside.
    pub async fn listen_inside(
        &self,
        namespace: &str,
        address: SocketAddr,
    ) -> Result<(UdpSocket, TcpListener)> {
        let (pin, name) = (self.pin(namespace)?, namespace.to_owned());
        blocking(name, move || inside::listen(&pin, address)).await
    }

    fn members_now(&self, network: &str) -> Result<Vec<(String, Endpoint)>, ErrorKind> {
        conflist::check_name(network)?;
        let mut members = Vec::new();
        for name in namespace::list(&self.pins)? {
            if let Some(attachment) = attachment::open(&self.pins.join(&name), network)? {
                members.push((name, attachment.now()));
            }
        }
        Ok(members)
    }
}

impl Network for Networks {
    async fn create_namespace(&self, name: &str) -> Result<()> {
        let pin = self.pin(name)?;
        blocking(name.to_owned(), move || namespace::create(&pin)).await
    }

    async fn adopt_namespace(&self, name: &str, path: &Path) -> Result<()> {
        let (pin, path) = (self.pin(name)?, path.to_owned());
        blocking(name.to_owned(), move || namespace::adopt(&pin, &path)).await
    }

    async fn set_names(&self, namespace: &str, names: &Names) -> Result<()> {
        let (pin, name, wanted) = (self.pin(namespace)?, namespace.to_owned(), names.clone());
        blocking(name, move || resolver::set(&pin, &wanted)).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<()> {
        let pin = self.pin(name)?;
        let attached = attachment::list(&pin).map_err(|kind| fail(name, kind))?;
        let mut first_error = None;
        for network in attached {
            if let Err(error) = self.detach(name, &network).await {
                first_error.get_or_insert(error);
            }
        }
        // The namespace goes even when a plugin failed: its interfaces go with it.
        blocking(name.to_owned(), move || namespace::delete(&pin)).await?;
        first_error.map_or(Ok(()), Err)
    }

    async fn list_namespaces(&self) -> Result<Vec<String>> {
        let pins = self.pins.clone();
        blocking("every namespace".to_owned(), move || namespace::list(&pins)).await
    }

    async fn attach(&self, namespace: &str, endpoint: &EndpointRequest) -> Result<Endpoint> {
        let pin = self.pin(namespace)?;
        let (definitions, request) = (self.definitions.clone(), endpoint.clone());
        let pins = self.pins.clone();
        let (plan, masquerade) = blocking(namespace.to_owned(), move || {
            let network = conflist::load(&definitions, &request.network)?;
            // Without ports there is nothing that others could want too.
            let _turn = (!request.ports.is_empty()).then(|| ports::lock(&pins)).transpose()?;
            ports::check(&pins, &pin, &request.ports)?;
            let masquerade = Masquerade::of(&network);
            Ok((attachment::begin(&pin, request, network)?, masquerade))
        })
        .await?;
        let pins = self.pins.clone();
        let translated = blocking(namespace.to_owned(), move || {
            masquerade.map_or(Ok(()), |masquerade| masquerade.ensure(&pins))
        });
        // Side by side: the plugins take longer.
        let (added, translated) = tokio::join!(plan.add(), translated);
        let added = added.map_err(|kind| fail(namespace, kind))?;
        if let Err(error) = translated {
            if let Err(undo) = self.detach(namespace, &endpoint.network).await {
                tracing::warn!(%undo, "undoing a network attachment failed");
            }
            return Err(error);
        }
        Ok(added)
    }

    async fn detach(&self, namespace: &str, network: &str) -> Result<()> {
        let pin = self.pin(namespace)?;
        conflist::check_name(network).map_err(|kind| fail(namespace, kind))?;
        let found = attachment::open(&pin, network).map_err(|kind| fail(namespace, kind))?;
        match found {
            None => Ok(()),
            Some(attachment) => attachment.del().await.map_err(|kind| fail(namespace, kind)),
        }
    }
}

/// A namespace's name is a file name, and `.json`, `.d` beside it belong to this module.
fn check_name(name: &str) -> Result<()> {
    let good = schema::SystemId::new(name).is_ok()
        && ![".json", ".d"].iter().any(|reserved| name.ends_with(reserved));
    if good {
        return Ok(());
    }
    Err(fail(
        name,
        ErrorKind::InvalidDocument {
            field: "Container.Networking.Namespace".into(),
            value: name.into(),
            rule: "letters, digits, `.`, `_` and `-`, at most 128, beginning with a letter or a \
                   digit and not ending in `.json` or `.d`"
                .into(),
        },
    ))
}

fn fail(name: &str, kind: ErrorKind) -> EngineError {
    EngineError::new(Op::Network, name, kind)
}

/// Runs file and namespace work off the runtime.
async fn blocking<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> Result<T, ErrorKind> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
        .map_err(|kind| fail(&name, kind))
}

#[cfg(test)]
mod tests;
