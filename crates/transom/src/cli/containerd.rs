//! Flags of `transom containerd`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `transom containerd ...`
#[derive(Debug, Subcommand)]
pub enum ContainerdGroup {
    /// Make layers of ours of layers that containerd unpacked, and print their folders
    #[command(hide = true)]
    AdoptLayers(AdoptLayers),
}

/// `transom containerd adopt-layers`
#[derive(Debug, Args)]
pub struct AdoptLayers {
    /// Folders of unpacked layers, the nearest parent first
    #[arg(required = true)]
    pub layers: Vec<PathBuf>,
}
