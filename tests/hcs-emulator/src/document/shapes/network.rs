//! What `computenetwork.dll` takes.

use super::super::Shape::{self, Any, Flag, List, Number, Object, Text, Word};

const VERSION: Shape = Object(&[("Major", Number), ("Minor", Number)]);
const POLICY: Shape = Object(&[("Type", Text), ("Settings", Any)]);
const HEALTH: Shape = Object(&[("Data", Any), ("Extra", Any)]);
const ROUTE: Shape = Object(&[("NextHop", Text), ("DestinationPrefix", Text), ("Metric", Number)]);
const DNS: Shape = Object(&[
    ("Domain", Text),
    ("Search", List(&Text)),
    ("ServerList", List(&Text)),
    ("Options", List(&Text)),
]);
const SUBNET: Shape =
    Object(&[("IpAddressPrefix", Text), ("Policies", List(&Any)), ("Routes", List(&ROUTE))]);
const NETWORK_TYPES: &[&str] =
    &["NAT", "Transparent", "L2Bridge", "L2Tunnel", "ICS", "Private", "Internal", "Overlay"];

/// `HostComputeNetwork`.
pub static NETWORK: Shape = Object(&[
    ("ID", Text),
    ("Name", Text),
    ("Type", Word(NETWORK_TYPES)),
    ("Policies", List(&POLICY)),
    (
        "MacPool",
        Object(&[("Ranges", List(&Object(&[("StartMacAddress", Text), ("EndMacAddress", Text)])))]),
    ),
    ("Dns", DNS),
    ("Ipams", List(&Object(&[("Type", Text), ("Subnets", List(&SUBNET))]))),
    ("Flags", Number),
    ("Health", HEALTH),
    ("SchemaVersion", VERSION),
]);

/// `HostComputeEndpoint`.
pub static ENDPOINT: Shape = Object(&[
    ("ID", Text),
    ("Name", Text),
    ("HostComputeNetwork", Text),
    ("HostComputeNamespace", Text),
    ("Policies", List(&POLICY)),
    ("IpConfigurations", List(&Object(&[("IpAddress", Text), ("PrefixLength", Number)]))),
    ("Dns", DNS),
    ("Routes", List(&ROUTE)),
    ("MacAddress", Text),
    ("Flags", Number),
    ("Health", HEALTH),
    ("SchemaVersion", VERSION),
]);

/// `HostComputeNamespace`.
pub static NAMESPACE: Shape = Object(&[
    ("ID", Text),
    ("NamespaceId", Number),
    ("Type", Word(&["", "Host", "HostDefault", "Guest", "GuestDefault"])),
    ("Resources", List(&Object(&[("Type", Word(&["Container", "Endpoint"])), ("Data", Any)]))),
    ("SchemaVersion", VERSION),
]);

/// `HostComputeLoadBalancer`.
pub static LOAD_BALANCER: Shape = Object(&[
    ("ID", Text),
    ("HostComputeEndpoints", List(&Text)),
    ("SourceVIP", Text),
    ("FrontendVIPs", List(&Text)),
    (
        "PortMappings",
        List(&Object(&[
            ("Protocol", Number),
            ("InternalPort", Number),
            ("ExternalPort", Number),
            ("DistributionType", Number),
            ("Flags", Number),
        ])),
    ),
    ("SchemaVersion", VERSION),
    ("Flags", Number),
]);

/// `HostComputeRoute`.
pub static ROUTE_SETTINGS: Shape = Object(&[
    ("ID", Text),
    ("HostComputeEndpoints", List(&Text)),
    (
        "Setting",
        List(&Object(&[("DestinationPrefix", Text), ("NextHop", Text), ("NeedEncap", Flag)])),
    ),
    ("SchemaVersion", VERSION),
]);

/// A query of any of them.
pub static NETWORK_QUERY: Shape =
    Object(&[("SchemaVersion", VERSION), ("Flags", Number), ("Filter", Text)]);

/// A change to any of them.
pub static NETWORK_MODIFY: Shape = Object(&[
    ("ResourceType", Text),
    ("RequestType", Word(&["Add", "Remove", "Update", "Refresh"])),
    ("Settings", Any),
]);

/// What is put into a namespace, or taken out of it.
pub static NAMESPACE_RESOURCE: Shape = Object(&[("EndpointId", Text), ("ContainerId", Text)]);
