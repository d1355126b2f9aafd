//! `containerd`: what makes a containerd on Linux run Windows images through the shim.

mod adopt;

use anyhow::Result;

use crate::cli::containerd::ContainerdGroup;
use crate::host::Host;

pub(super) async fn command(group: ContainerdGroup) -> Result<()> {
    match group {
        ContainerdGroup::AdoptLayers(args) => adopt::command(&Host::open()?, &args).await,
    }
}
