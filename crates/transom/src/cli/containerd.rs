//! Flags of `transom containerd`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `transom containerd ...`
#[derive(Debug, Subcommand)]
pub enum ContainerdGroup {
    /// Give containerd a runtime handler that runs Windows images
    Setup(Setup),
    /// Hand containerd one Windows image, also out of an index that it cannot use
    Convert(Convert),
    /// Make layers of ours of layers that containerd unpacked, and print their folders
    #[command(hide = true)]
    AdoptLayers(AdoptLayers),
}

/// `transom containerd setup`
#[derive(Debug, Args)]
pub struct Setup {
    /// Containerd's configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/containerd/config.toml")]
    pub config: PathBuf,
    /// The handler's name, for a `RuntimeClass` of Kubernetes
    #[arg(long, value_name = "NAME", default_value = "runhcs")]
    pub handler: String,
    /// Where the shim is linked from, unless containerd finds it already
    #[arg(long, value_name = "FOLDER", default_value = "/usr/local/bin")]
    pub bin_dir: PathBuf,
    /// Tell what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take back what was set up
    #[arg(long)]
    pub undo: bool,
}

/// `transom containerd convert`
#[derive(Debug, Args)]
pub struct Convert {
    /// Write an archive for `ctr images import`, instead of importing the image
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Containerd's namespace to import it into
    #[arg(short, long, value_name = "NAME", default_value = "k8s.io")]
    pub namespace: String,
    /// Containerd's socket
    #[arg(long, value_name = "SOCKET", default_value = "/run/containerd/containerd.sock")]
    pub address: PathBuf,
    /// Leave out the image's user, which `ctr run` looks for in an `/etc/passwd`
    #[arg(long)]
    pub drop_user: bool,
    /// Suppress the progress
    #[arg(short, long)]
    pub quiet: bool,
    /// The image: one that is here, or one of a registry
    pub image: String,
}

/// `transom containerd adopt-layers`
#[derive(Debug, Args)]
pub struct AdoptLayers {
    /// Folders of unpacked layers, the nearest parent first
    #[arg(required = true)]
    pub layers: Vec<PathBuf>,
}
