//! `containerd adopt-layers`: what the shim asks when containerd hands it an image's layers.

use anyhow::{Context, Result};

use crate::cli::containerd::AdoptLayers;
use crate::host::Host;

pub(super) async fn command(host: &Host, args: &AdoptLayers) -> Result<()> {
    let platform = host.platform().await?;
    // Nothing else runs in this process: it may as well wait here, where the stack is deep.
    let folders = image::adopt(&host.dirs.root, &args.layers, &platform.drive_c)?;
    image::hive::chain::compose(&folders, &platform.registry, &platform.key)
        .context("laying the image's registry")?;
    println!("{}", serde_json::to_string(&folders).context("printing the folders")?);
    Ok(())
}
