//! Port bindings: the container's port, and the host's port or range.

use super::Invalid;
use crate::api::PortMap;
use crate::ports::{ContainerPort, PortRange};

/// A host port may be empty: then the host chooses.
pub(super) fn check(bindings: &PortMap) -> Result<(), Invalid> {
    for (port, hosts) in bindings {
        // An odd protocol is refused when the port is published.
        let (number, _) = port.split_once('/').unwrap_or((port, ""));
        if ContainerPort::parse(number).is_none() {
            return Err(Invalid::Port(port.clone()));
        }
        let bad = |text: &&str| !text.is_empty() && PortRange::parse(text).is_none();
        if let Some(text) = hosts.iter().map(|host| host.host_port.as_str()).find(bad) {
            return Err(Invalid::Port(text.to_owned()));
        }
    }
    Ok(())
}
