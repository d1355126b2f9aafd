//! What a container resolves names with, beside what its networks bring.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Servers, suffixes and fixed names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Names {
    /// Servers, asked in this order.
    pub servers: Vec<IpAddr>,
    /// Suffixes that complete a name.
    pub search: Vec<String>,
    /// Names that need no server.
    pub hosts: BTreeMap<String, IpAddr>,
}

impl Names {
    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.search.is_empty() && self.hosts.is_empty()
    }
}
