//! More flags of `run` and `create`: health checks, secrets, configs; and the groups `network` and
//! `volume`.

use clap::{Args, Subcommand};

use super::refused::{OfNetworkConnect, OfNetworkCreate, Refused};

/// How it is told whether the container is healthy.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Health")]
pub struct HealthFlags {
    /// Command to run to check health, in the image's shell
    #[arg(long, value_name = "COMMAND")]
    pub health_cmd: Option<String>,
    /// Time between running the check (`1m30s`; default 30s)
    #[arg(long, value_name = "DURATION")]
    pub health_interval: Option<String>,
    /// Maximum time to allow one check to run (default 30s)
    #[arg(long, value_name = "DURATION")]
    pub health_timeout: Option<String>,
    /// Consecutive failures needed to report unhealthy (default 3)
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub health_retries: Option<i64>,
    /// Time for the container to start up, in which failures do not count
    #[arg(long, value_name = "DURATION")]
    pub health_start_period: Option<String>,
    /// Time between running the check during the start period (default 5s)
    #[arg(long, value_name = "DURATION")]
    pub health_start_interval: Option<String>,
    /// Disable any health check of the image
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub no_healthcheck: bool,
}

/// Files that a container is given beside its mounts.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Secrets")]
pub struct SecretFlags {
    /// Give it a secret: `id=NAME,src=/FILE[,target=NAME or C:\PATH]`; kept in memory only
    #[arg(long, value_name = "SPEC")]
    pub secret: Vec<String>,
    /// Give it a config: `id=NAME,src=/FILE[,target=NAME or C:\PATH]`
    #[arg(long, value_name = "SPEC")]
    pub config: Vec<String>,
}

/// `network ...`
#[derive(Debug, Subcommand)]
pub enum NetworkGroup {
    /// Connect a container to a network
    Connect(NetworkConnect),
    /// Create a network
    Create(NetworkCreate),
    /// Disconnect a container from a network
    Disconnect {
        /// Force the container to disconnect from a network
        #[arg(short, long)]
        force: bool,
        /// The network
        network: String,
        /// The container
        container: String,
    },
    /// Display detailed information on one or more networks
    Inspect {
        /// `json`, or a template
        #[arg(short, long)]
        format: Option<String>,
        /// More on networks of a swarm: on those here there is no more
        #[arg(short, long)]
        verbose: bool,
        /// Networks
        #[arg(required = true, value_name = "NETWORK")]
        names: Vec<String>,
    },
    /// List networks
    #[command(visible_alias = "list")]
    Ls(ListFlags),
    /// Remove all unused networks
    Prune(PruneFlags),
    /// Remove one or more networks
    #[command(visible_alias = "remove")]
    Rm {
        /// No error for one that does not exist
        #[arg(short, long)]
        force: bool,
        /// Networks
        #[arg(required = true, value_name = "NETWORK")]
        names: Vec<String>,
    },
}

/// `network connect`
#[derive(Debug, Args)]
pub struct NetworkConnect {
    /// Add a name for the container on this network
    #[arg(long, value_name = "NAME")]
    pub alias: Vec<String>,
    /// A fixed IPv4 address
    #[arg(long)]
    pub ip: Option<std::net::Ipv4Addr>,
    /// Flags that docker knows and Transom refuses.
    #[command(flatten)]
    pub refused: Refused<OfNetworkConnect>,
    /// The network
    pub network: String,
    /// The container
    pub container: String,
}

/// `network create`
#[derive(Debug, Args)]
pub struct NetworkCreate {
    /// Driver to manage the network: `nat`
    #[arg(short, long, default_value = "nat")]
    pub driver: String,
    /// Subnet in CIDR format; one that is free is chosen when absent
    #[arg(long)]
    pub subnet: Option<String>,
    /// IPv4 gateway of the subnet
    #[arg(long)]
    pub gateway: Option<String>,
    /// Restrict external access to the network
    #[arg(long)]
    pub internal: bool,
    /// Set metadata on the network
    #[arg(long, value_name = "NAME[=VALUE]")]
    pub label: Vec<String>,
    /// IP address management driver: `default`
    #[arg(long, default_value = "default")]
    pub ipam_driver: String,
    /// Scope of the network: `local`
    #[arg(long, default_value = "local", value_parser = scope)]
    pub scope: String,
    /// Flags that docker knows and Transom refuses.
    #[command(flatten)]
    pub refused: Refused<OfNetworkCreate>,
    /// Manual container attachment: every container may attach in any case
    #[arg(long)]
    pub attachable: bool,
    /// Its name
    pub name: String,
}

fn scope(text: &str) -> Result<String, &'static str> {
    match text {
        "local" => Ok(text.to_owned()),
        _ => Err("another one than local is refused: it is for swarms, and there is none"),
    }
}

/// Flags of `ls` of networks and volumes.
#[derive(Debug, Args)]
pub struct ListFlags {
    /// Only display names or ids
    #[arg(short, long)]
    pub quiet: bool,
    /// `table TEMPLATE`, `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
    /// Do not truncate the output
    #[arg(long)]
    pub no_trunc: bool,
    /// Provide filter values: `name`, `label`, `dangling`, `driver`; of networks also `id`, `scope`
    /// and `type`
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
}

/// Flags of `prune` of one kind.
#[derive(Debug, Args)]
pub struct PruneFlags {
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// Provide filter values: `label`, `label!`; `until` but for volumes; `all` of volumes;
    /// `dangling` of images
    #[arg(long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
}
