//! The network service's things: networks, endpoints, namespaces, load balancers and routes.
//!
//! Nothing is connected to anything: they are made, found, changed and removed as Windows does it, so
//! that whoever calls in the wrong order, or with a wrong document, is told. [`older`] is the same
//! through the interface that came before.

mod change;
mod given;
mod older;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::codes;
use crate::document::{self, Shape};

/// What there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `HostComputeNetwork`.
    Network,
    /// `HostComputeEndpoint`.
    Endpoint,
    /// `HostComputeNamespace`.
    Namespace,
    /// `HostComputeLoadBalancer`.
    LoadBalancer,
    /// `HostComputeRoute`.
    SdnRoute,
}

impl Kind {
    /// By the part of a function's name that names it.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "Network" => Self::Network,
            "Endpoint" => Self::Endpoint,
            "Namespace" => Self::Namespace,
            "LoadBalancer" => Self::LoadBalancer,
            "SdnRoute" => Self::SdnRoute,
            _ => return None,
        })
    }

    fn shape(self) -> &'static Shape {
        match self {
            Self::Network => &document::NETWORK,
            Self::Endpoint => &document::ENDPOINT,
            Self::Namespace => &document::NAMESPACE,
            Self::LoadBalancer => &document::LOAD_BALANCER,
            Self::SdnRoute => &document::ROUTE_SETTINGS,
        }
    }

    fn missing(self) -> u32 {
        match self {
            Self::Network => codes::NETWORK_NOT_FOUND,
            Self::Endpoint => codes::ENDPOINT_NOT_FOUND,
            Self::Namespace | Self::LoadBalancer | Self::SdnRoute => codes::NOT_FOUND,
        }
    }

    fn taken(self) -> u32 {
        if self == Self::Network { codes::NETWORK_EXISTS } else { codes::EXISTS }
    }
}

/// Why something was not done: a result, and the document that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub u32, pub String);

impl From<u32> for Refused {
    fn from(result: u32) -> Self {
        Self(result, document::network_error(result, ""))
    }
}

/// Reads a document as the network service does.
fn read(text: &str, shape: &Shape) -> Result<Value, Refused> {
    let wrong = |why: String| {
        let result = codes::NETWORK_INVALID_JSON;
        Refused(result, document::network_error(result, &why))
    };
    document::understand(text, shape).map_err(wrong)
}

/// All of them.
#[derive(Debug, Default)]
pub struct Networks {
    things: BTreeMap<(Kind, Uuid), Value>,
    compartments: u32,
}

impl Networks {
    /// Makes one. A nil id is chosen here; an endpoint's network is `within`.
    pub fn create(
        &mut self,
        kind: Kind,
        id: Uuid,
        settings: &str,
        within: Option<Uuid>,
    ) -> Result<Uuid, Refused> {
        let mut thing = read(settings, kind.shape())?;
        let id = if id.is_nil() { Uuid::new_v5(&Uuid::NAMESPACE_OID, &self.salt()) } else { id };
        if self.things.contains_key(&(kind, id)) {
            return Err(kind.taken().into());
        }
        if let Some(network) = within {
            self.get(Kind::Network, network)?;
            thing["HostComputeNetwork"] = json!(network);
            self.publish(&thing)?;
            self.address(&mut thing, network, id);
        }
        if kind == Kind::Network {
            self.subnet(&mut thing);
        }
        thing["ID"] = json!(id);
        if kind == Kind::Namespace {
            self.compartments += 1;
            thing["NamespaceId"] = json!(self.compartments + 1);
            thing["Resources"] = json!([]);
        }
        self.things.insert((kind, id), thing);
        Ok(id)
    }

    /// What no other id was made from.
    fn salt(&mut self) -> Vec<u8> {
        self.compartments += 1;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        format!("{:?} {} {}", now, std::process::id(), self.compartments).into_bytes()
    }

    /// One of them.
    pub fn get(&self, kind: Kind, id: Uuid) -> Result<&Value, Refused> {
        self.things.get(&(kind, id)).ok_or_else(|| kind.missing().into())
    }

    /// What one tells of itself.
    pub fn query(&self, kind: Kind, id: Uuid, query: &str) -> Result<Value, Refused> {
        read(query, &document::NETWORK_QUERY)?;
        self.get(kind, id).cloned()
    }

    /// The ids of all that a query's filter fits.
    pub fn enumerate(&self, kind: Kind, query: &str) -> Result<Value, Refused> {
        let query = read(query, &document::NETWORK_QUERY)?;
        let filter = query["Filter"].as_str().unwrap_or_default();
        let filter = read(filter, &Shape::Map(&Shape::Text))?;
        let all = self.things.iter().filter(|((other, _), _)| *other == kind);
        Ok(all.filter(|(_, thing)| fits(thing, &filter)).map(|((_, id), _)| json!(id)).collect())
    }

    /// Removes one, and takes it out of what it is in.
    pub fn delete(&mut self, kind: Kind, id: Uuid) -> Result<(), Refused> {
        self.get(kind, id)?;
        match kind {
            Kind::Endpoint => self.leave_namespace(id),
            Kind::Namespace => self.empty_namespace(id),
            Kind::Network => self
                .things
                .retain(|_, thing| thing["HostComputeNetwork"].as_str() != Some(&id.to_string())),
            Kind::LoadBalancer | Kind::SdnRoute => {}
        }
        self.things.remove(&(kind, id));
        Ok(())
    }
}

/// Ids compare without case, and so does everything else here.
fn fits(thing: &Value, filter: &Value) -> bool {
    let mut wanted = filter.as_object().into_iter().flatten();
    wanted.all(|(name, value)| {
        let (one, other) = (thing[name].as_str(), value.as_str());
        one.unwrap_or_default().eq_ignore_ascii_case(other.unwrap_or_default())
    })
}

#[cfg(test)]
mod tests;
