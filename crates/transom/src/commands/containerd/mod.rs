//! `containerd`: what makes a containerd on Linux run Windows images through the shim.

mod adopt;
mod convert;
mod setup;

use anyhow::Result;

use crate::cli::containerd::ContainerdGroup;
use crate::host::Host;

pub(super) async fn command(group: ContainerdGroup) -> Result<()> {
    match group {
        ContainerdGroup::Setup(args) => setup::command(&args),
        ContainerdGroup::Convert(args) => convert::command(&Host::open()?, &args).await,
        ContainerdGroup::AdoptLayers(args) => adopt::command(&Host::open()?, &args).await,
    }
}
