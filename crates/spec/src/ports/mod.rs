//! Ports: the keys and values of port bindings, and `-p` strings.

mod publish;

pub use publish::{PortError, parse, parse_one};

/// A transport protocol that a port can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP, the default.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP; Windows cannot publish it.
    Sctp,
}

impl Protocol {
    /// Reads its name, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// Ports from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The first.
    pub first: u16,
    /// The last; not less than the first.
    pub last: u16,
}

impl PortRange {
    /// Reads `80` or `80-90`.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: port(first)?, last: port(last)? };
        (range.first <= range.last).then_some(range)
    }

    /// How many ports there are, less one.
    pub fn span(self) -> u16 {
        self.last - self.first
    }
}

/// Digits only: the number parser of the standard library takes a sign as well.
fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A container's port, `80` or `80/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerPort {
    /// Its number.
    pub number: u16,
    /// Its protocol.
    pub protocol: Protocol,
}

impl ContainerPort {
    /// Reads a key of a port map.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        Some(Self { number: port(number)?, protocol: Protocol::parse(protocol)? })
    }

    /// The key for it.
    pub fn key(self) -> String {
        format!("{}/{}", self.number, self.protocol.as_str())
    }
}
