//! Flags of `run` and `create`.

use clap::Args;

use super::refused::{OfRun, Refused};
use super::settings::{HealthFlags, SecretFlags};

/// `run`
#[derive(Debug, Args)]
pub struct Run {
    /// Run the container in the background and print its id
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub detach: bool,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "KEYS")]
    pub detach_keys: Option<String>,
    /// Proxy received signals to the process
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    pub sig_proxy: bool,
    /// What to create.
    #[command(flatten)]
    pub create: Create,
}

/// `create`
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Create {
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    pub help: Option<bool>,
    /// Assign a name to the container
    #[arg(long)]
    pub name: Option<String>,
    /// Write the container's id to a file
    #[arg(long, value_name = "FILE")]
    pub cidfile: Option<std::path::PathBuf>,
    /// Pull the image before running: `always`, `missing` or `never`
    #[arg(long, default_value = "missing")]
    pub pull: String,
    /// Suppress the pull output
    #[arg(short, long)]
    pub quiet: bool,
    /// The platform, if the image has several; `windows/amd64`
    #[arg(long)]
    pub platform: Option<String>,
    /// How the process runs.
    #[command(flatten)]
    pub process: ProcessFlags,
    /// What of the host it gets.
    #[command(flatten)]
    pub host: HostFlags,
    /// How it is told whether it is healthy.
    #[command(flatten)]
    pub health: HealthFlags,
    /// Secrets and configs.
    #[command(flatten)]
    pub secrets: SecretFlags,
    /// Flags that docker knows and Transom refuses.
    #[command(flatten)]
    pub refused: Refused<OfRun>,
    /// The image, then the command and its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["IMAGE", "COMMAND"])]
    pub line: Vec<String>,
}

/// How the process runs: docker's `Config`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Process")]
pub struct ProcessFlags {
    /// Keep STDIN open even if not attached
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub interactive: bool,
    /// Allocate a terminal
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub tty: bool,
    /// Attach to STDIN, STDOUT or STDERR
    #[arg(short, long, value_name = "STREAM")]
    pub attach: Vec<String>,
    /// Set environment variables
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Read in a file of environment variables
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// User name, for example `ContainerUser`
    #[arg(short, long)]
    pub user: Option<String>,
    /// Overwrite the default entry point of the image
    #[arg(long, value_name = "COMMAND")]
    pub entrypoint: Option<String>,
    /// Container host name
    #[arg(short = 'h', long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Container domain name
    #[arg(long, value_name = "NAME")]
    pub domainname: Option<String>,
    /// Set metadata on the container
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub label: Vec<String>,
    /// Read in a file of labels
    #[arg(long, value_name = "FILE")]
    pub label_file: Vec<String>,
    /// Signal to stop the container
    #[arg(long, value_name = "SIGNAL")]
    pub stop_signal: Option<String>,
    /// Seconds to wait before killing the container; -1 waits for ever
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub stop_timeout: Option<i64>,
    /// Expose a port or a range of ports
    #[arg(long, value_name = "PORT[/PROTO]")]
    pub expose: Vec<String>,
}

/// What of the host it gets: docker's `HostConfig`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Host")]
pub struct HostFlags {
    /// Remove the container and its anonymous volumes when it exits
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    pub rm: bool,
    /// Restart policy: `no`, `always`, `unless-stopped` or `on-failure[:N]`
    #[arg(long, value_name = "POLICY", default_value = "no")]
    pub restart: String,
    /// Bind mount a host directory, a socket as a pipe, or a volume: `[SOURCE:]C:\TARGET[:ro]`
    #[arg(short, long, value_name = "SPEC")]
    pub volume: Vec<String>,
    /// Attach a mount: `type=bind,source=/srv,target=C:\srv,readonly`
    #[arg(long, value_name = "SPEC")]
    pub mount: Vec<String>,
    /// Mount volumes from other containers
    #[arg(long, value_name = "CONTAINER[:ro]")]
    pub volumes_from: Vec<String>,
    /// Publish a port: `[IP:][HOST:]CONTAINER[/PROTO]`
    #[arg(short, long, value_name = "SPEC")]
    pub publish: Vec<String>,
    /// Publish all exposed ports to ports that the host picks
    #[arg(short = 'P', long)]
    pub publish_all: bool,
    /// Connect to a network: `nat`, `none`, `container:NAME`, or one of `network create`
    #[arg(long, visible_alias = "net", value_name = "NETWORK")]
    pub network: Vec<String>,
    /// Add a name for the container on its network
    #[arg(long, alias = "net-alias", value_name = "NAME")]
    pub network_alias: Vec<String>,
    /// A fixed IPv4 address
    #[arg(long)]
    pub ip: Option<std::net::Ipv4Addr>,
    /// A fixed MAC address
    #[arg(long, value_name = "MAC")]
    pub mac_address: Option<String>,
    /// Set DNS servers
    #[arg(long)]
    pub dns: Vec<std::net::IpAddr>,
    /// Set DNS search domains
    #[arg(long, value_name = "DOMAIN")]
    pub dns_search: Vec<String>,
    /// Add an entry to the hosts file: `HOST:IP`
    #[arg(long, value_name = "HOST:IP")]
    pub add_host: Vec<String>,
    /// Number of CPUs
    #[arg(long)]
    pub cpus: Option<String>,
    /// CPU shares (relative weight), up to 10000
    #[arg(short, long)]
    pub cpu_shares: Option<i64>,
    /// CPU percent of the whole host
    #[arg(long)]
    pub cpu_percent: Option<i64>,
    /// CPU count
    #[arg(long)]
    pub cpu_count: Option<i64>,
    /// Memory limit: `512m`, `2g`
    #[arg(short, long)]
    pub memory: Option<String>,
    /// Maximum IO bandwidth of the C: drive, in bytes a second
    #[arg(long, value_name = "BYTES")]
    pub io_maxbandwidth: Option<String>,
    /// Maximum IO operations a second of the C: drive
    #[arg(long, value_name = "N")]
    pub io_maxiops: Option<u64>,
    /// Storage options: `size=20G`
    #[arg(long, value_name = "NAME=VALUE")]
    pub storage_opt: Vec<String>,
    /// Isolation: `process` or `hyperv`
    #[arg(long)]
    pub isolation: Option<String>,
    /// Security options: `credentialspec=file://spec.json`
    #[arg(long, value_name = "OPTION")]
    pub security_opt: Vec<String>,
    /// Add a host device: `class/GUID`
    #[arg(long)]
    pub device: Vec<String>,
    /// Add an annotation
    #[arg(long, value_name = "NAME=VALUE")]
    pub annotation: Vec<String>,
    /// Logging driver: `json-file` or `none`
    #[arg(long, value_name = "DRIVER")]
    pub log_driver: Option<String>,
    /// Log driver options: `max-size=10m`, `max-file=3`
    #[arg(long, value_name = "NAME=VALUE")]
    pub log_opt: Vec<String>,
}
