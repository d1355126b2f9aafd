//! `spec`: what flags of `run` come to, without making or running anything.

use anyhow::{Context, Result};

use super::create;
use crate::cli::run::Create;
use crate::host::Host;
use crate::monitor::bundle_spec;

/// `spec`
pub(super) async fn command(host: &Host, flags: Create) -> Result<()> {
    let found = Box::pin(create::imagine(host, &flags)).await?;
    let mode = &found.record.host_config.network_mode;
    // The name of the container's own namespace is its id; another's is known when it runs.
    let namespace = match mode.container() {
        None => Some(found.record.id.clone()),
        Some(other) => host.find(other).await?.state.namespace,
    };
    let spec = bundle_spec(host, &found, namespace.as_deref())?;
    println!("{}", serde_json::to_string_pretty(&spec).context("writing the runtime spec")?);
    Ok(())
}
