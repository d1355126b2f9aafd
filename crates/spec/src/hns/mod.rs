//! The Host Networking Service's documents: what a Windows host is asked for so that a network or an
//! endpoint comes to be.
//!
//! Data and rules only. Sending requests, storing ids, and reserving host ports is the Windows
//! engine's; a Linux host uses CNI and none of this.

mod answer;
mod endpoint;
mod error;
mod network;
mod options;
mod policy;

pub use answer::{EndpointAnswer, IpamData, SubnetAnswer, classful_prefix, ipam_after};
pub use endpoint::{EndpointRequest, HnsEndpoint, endpoint, ports_to_reserve};
pub use error::HnsError;
pub use network::{
    ExistingEndpoint, HnsNetwork, HnsSubnet, NetworkRequest, Plan, network, stale_endpoints,
};
pub use options::{MacPool, NetworkOptions};
pub use policy::{NatBinding, Policy, nat_policies};

/// A kind of network on a Windows host; HNS knows it by the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words are HNS's")]
pub enum Driver {
    Nat,
    Transparent,
    L2Bridge,
    L2Tunnel,
    Internal,
    Private,
    Ics,
    Overlay,
    /// No network: HNS is never asked.
    Null,
}

impl Driver {
    const ALL: [(&'static str, Self); 9] = [
        ("nat", Self::Nat),
        ("transparent", Self::Transparent),
        ("l2bridge", Self::L2Bridge),
        ("l2tunnel", Self::L2Tunnel),
        ("internal", Self::Internal),
        ("private", Self::Private),
        ("ics", Self::Ics),
        ("overlay", Self::Overlay),
        ("null", Self::Null),
    ];

    /// The driver of that name; there is none called `bridge`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, driver)| *driver)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, driver)| *driver == self);
        found.map(|(name, _)| *name).expect("the table has every driver")
    }

    /// Whether host ports are reserved on the host before HNS is asked.
    pub fn reserves_ports(self) -> bool {
        matches!(self, Self::L2Bridge | Self::L2Tunnel)
    }
}
