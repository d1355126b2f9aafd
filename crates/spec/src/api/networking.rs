//! `NetworkingConfig` and the network mode.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Endpoints asked for, by network name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "the members are the Docker Engine API's, and documented there")]
pub struct NetworkingConfig {
    pub endpoints_config: BTreeMap<String, Option<EndpointSettings>>,
}

/// One endpoint asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "the members are the Docker Engine API's, and documented there")]
pub struct EndpointSettings {
    #[serde(rename = "IPAMConfig", skip_serializing_if = "Option::is_none")]
    pub ipam_config: Option<EndpointIpam>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac_address: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub driver_opts: BTreeMap<String, String>,
}

/// Fixed addresses of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[expect(missing_docs, reason = "the members are the Docker Engine API's, and documented there")]
pub struct EndpointIpam {
    #[serde(rename = "IPv4Address", skip_serializing_if = "String::is_empty")]
    pub ipv4_address: String,
    #[serde(rename = "IPv6Address", skip_serializing_if = "String::is_empty")]
    pub ipv6_address: String,
}

/// `nat`, `none`, `default`, `container:<name|id>`, or the name of a user's network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkMode(pub String);

impl NetworkMode {
    /// What a Windows daemon attaches to when nothing else is asked for.
    pub const NAT: &'static str = "nat";

    /// Nothing was asked for.
    pub fn is_default(&self) -> bool {
        matches!(self.0.as_str(), "" | "default")
    }

    /// No network at all.
    pub fn is_none(&self) -> bool {
        self.0 == "none"
    }

    /// The container whose network stack is shared; empty if the name is missing.
    pub fn container(&self) -> Option<&str> {
        match self.0.split_once(':') {
            Some(("container", name)) => Some(name),
            None if self.0 == "container" => Some(""),
            _ => None,
        }
    }

    /// The mode with the platform's default filled in.
    #[must_use]
    pub fn or_default(self) -> Self {
        if self.is_default() { Self(Self::NAT.to_owned()) } else { self }
    }
}
