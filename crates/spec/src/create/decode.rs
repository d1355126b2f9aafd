//! The body of a create request.
//!
//! The original's decoder matches member names whatever their case, takes `null` for "not given" and
//! ignores members it does not know; so does this one.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::folded::{self, Folded};
use super::{Refused, refuse_impossible};
use crate::api::{Config, HostConfig, NetworkingConfig};

/// What `create` is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreateRequest {
    /// The portable half.
    pub config: Config,
    /// The host's half.
    pub host_config: HostConfig,
    /// Endpoints.
    pub networking: NetworkingConfig,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Rest {
    host_config: HostConfig,
    networking_config: NetworkingConfig,
}

/// Reads a body and refuses what can never work.
pub fn decode(body: &str) -> Result<CreateRequest, Refused> {
    let value = only_document(body)?;
    let json = |error: serde_json::Error| Refused::Json(error.to_string());
    let mut members = folded::Members::default();
    let config =
        Config::deserialize(Folded::counting(value.clone(), &mut members)).map_err(json)?;
    let rest = Rest::deserialize(Folded::new(value)).map_err(json)?;
    if members.known == 0 {
        return Err(Refused::NoConfig);
    }
    addresses(&rest)?;
    refuse_impossible(&config, &rest.host_config)?;
    Ok(CreateRequest { config, host_config: rest.host_config, networking: rest.networking_config })
}

/// Members that hold addresses hold nothing else; empty ones are not given.
fn addresses(rest: &Rest) -> Result<(), Refused> {
    let host = &rest.host_config;
    let published = host.port_bindings.values().flatten().map(|one| ("HostIp", &one.host_ip));
    let servers = host.dns.iter().map(|one| ("Dns", one));
    let endpoints = rest.networking_config.endpoints_config.values().flatten();
    let fixed = endpoints.filter_map(|endpoint| endpoint.ipam_config.as_ref()).flat_map(|ipam| {
        [("IPv4Address", &ipam.ipv4_address), ("IPv6Address", &ipam.ipv6_address)]
    });
    let bad = |(_, text): &(_, &String)| !text.is_empty() && text.parse::<IpAddr>().is_err();
    match published.chain(servers).chain(fixed).find(bad) {
        Some((member, text)) => Err(Refused::Json(format!("{member}: {text:?} is no IP address"))),
        None => Ok(()),
    }
}

/// Reads a part of a request in the same way.
pub fn from_json<T: DeserializeOwned>(value: Value) -> Result<T, Refused> {
    T::deserialize(Folded::new(value)).map_err(|error| Refused::Json(error.to_string()))
}

fn only_document(body: &str) -> Result<Value, Refused> {
    let mut documents = serde_json::Deserializer::from_str(body).into_iter::<Value>();
    let value = match documents.next() {
        None => return Err(Refused::Json("EOF".to_owned())),
        Some(value) => value.map_err(|error| Refused::Json(error.to_string()))?,
    };
    if body[documents.byte_offset()..].trim().is_empty() {
        Ok(value)
    } else {
        Err(Refused::Trailing)
    }
}
