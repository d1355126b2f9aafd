//! Why HNS is not asked.

use thiserror::Error;

/// Why HNS is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HnsError {
    /// No IPv4 pool.
    #[error("network {0} requires ipv4 configuration")]
    NoIpv4(String),
    /// An IPv6 pool.
    #[error("windowsshim driver doesn't support v6 subnets")]
    Ipv6,
    /// An option that is no number, or too large a one.
    #[error("network option {option}: {value:?} is not an unsigned 32-bit number")]
    Number {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// An option that is neither true nor false.
    #[error("network option {option}: {value:?} is not a boolean")]
    Bool {
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
    },
    /// A pool of MAC addresses that ends without an end.
    #[error("invalid mac pool. You must specify both a start range and an end range")]
    MacPool,
    /// Only TCP and UDP can be published.
    #[error("invalid protocol {0}")]
    Protocol(String),
    /// A range of host ports.
    #[error("Windows does not support more than one host port in NAT settings")]
    PortRange,
    /// A host address.
    #[error("Windows does not support host IP addresses in NAT settings")]
    HostAddress,
}
