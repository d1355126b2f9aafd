//! `port`

use anyhow::{Context, Result, bail};
use spec::ports::ContainerPort;

use crate::cli::container::Port;
use crate::host::Host;

/// `port`
pub(super) async fn command(host: &Host, args: Port) -> Result<()> {
    let found = host.find(&args.container).await?;
    let wanted = match &args.port {
        Some(text) => {
            Some(ContainerPort::parse(text).with_context(|| format!("invalid port \"{text}\""))?)
        }
        None => None,
    };
    let mut lines = Vec::new();
    for port in found.state.endpoints.iter().flat_map(|endpoint| &endpoint.ports) {
        let ip = port.host_ip.map_or_else(|| "0.0.0.0".to_owned(), |ip| ip.to_string());
        let inside = format!("{}/{}", port.container_port, port.protocol);
        match wanted {
            None => lines.push(format!("{inside} -> {ip}:{}", port.host_port)),
            Some(wanted) if wanted.key() == inside => {
                lines.push(format!("{ip}:{}", port.host_port));
            }
            Some(_) => {}
        }
    }
    if let (Some(wanted), true) = (wanted, lines.is_empty()) {
        bail!("no public port '{}' published for {}", wanted.key(), args.container);
    }
    lines.sort_unstable();
    for line in &lines {
        println!("{line}");
    }
    Ok(())
}
