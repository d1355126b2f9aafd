//! Flags of the commands that work on containers that exist.

use clap::Args;

/// `start`
#[derive(Debug, Args)]
pub struct Start {
    /// Attach STDOUT/STDERR and forward signals
    #[arg(short, long)]
    pub attach: bool,
    /// Attach the container's STDIN
    #[arg(short, long)]
    pub interactive: bool,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "KEYS")]
    pub detach_keys: Option<String>,
    /// Containers
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `attach`
#[derive(Debug, Args)]
pub struct Attach {
    /// Do not attach STDIN
    #[arg(long)]
    pub no_stdin: bool,
    /// Proxy all received signals to the process
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true")]
    pub sig_proxy: bool,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "KEYS")]
    pub detach_keys: Option<String>,
    /// The container
    pub container: String,
}

/// `stop` and `restart`
#[derive(Debug, Args)]
pub struct Stop {
    /// Signal to send to the container
    #[arg(short, long)]
    pub signal: Option<String>,
    /// Seconds to wait before killing the container; -1 waits for ever
    #[arg(short, long, visible_alias = "timeout", allow_negative_numbers = true)]
    pub time: Option<i64>,
    /// Containers
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `kill`
#[derive(Debug, Args)]
pub struct Kill {
    /// Signal to send to the container
    #[arg(short, long, default_value = "KILL")]
    pub signal: String,
    /// Containers
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `exec`
#[derive(Debug, Args)]
pub struct Exec {
    /// Run the command in the background
    #[arg(short, long)]
    pub detach: bool,
    /// Keep STDIN open even if not attached
    #[arg(short, long)]
    pub interactive: bool,
    /// Allocate a terminal
    #[arg(short, long)]
    pub tty: bool,
    /// Set environment variables
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub env: Vec<String>,
    /// Read in a file of environment variables
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// User name
    #[arg(short, long)]
    pub user: Option<String>,
    /// Override the key sequence for detaching a container
    #[arg(long, value_name = "KEYS")]
    pub detach_keys: Option<String>,
    /// The container, the command and its arguments
    #[arg(required = true, num_args = 2.., trailing_var_arg = true, value_names = ["CONTAINER", "COMMAND"])]
    pub line: Vec<String>,
}

/// `logs`
#[derive(Debug, Args)]
pub struct Logs {
    /// Follow log output
    #[arg(short, long)]
    pub follow: bool,
    /// Number of lines to show from the end of the logs
    #[arg(short = 'n', long, default_value = "all")]
    pub tail: String,
    /// Show logs since a time (`2026-01-02T13:23:37Z`) or for a while (`42m`)
    #[arg(long)]
    pub since: Option<String>,
    /// Show logs before a time or a while ago
    #[arg(long)]
    pub until: Option<String>,
    /// Show timestamps
    #[arg(short, long)]
    pub timestamps: bool,
    /// The container
    pub container: String,
}

/// `port`
#[derive(Debug, Args)]
pub struct Port {
    /// The container
    pub container: String,
    /// Only this one: `80` or `80/udp`
    #[arg(value_name = "PRIVATE_PORT[/PROTO]")]
    pub port: Option<String>,
}

/// `ps`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of docker's")]
pub struct Ps {
    /// Show all containers, not just those that run
    #[arg(short, long)]
    pub all: bool,
    /// Only display container ids
    #[arg(short, long)]
    pub quiet: bool,
    /// Filter by `id`, `name`, `label`, `status`, `ancestor`, `exited`, `before`, `since`, `volume`, `network`
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
    /// `table TEMPLATE`, `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
    /// Don't truncate output
    #[arg(long)]
    pub no_trunc: bool,
    /// Show this many last created containers, in any state
    #[arg(short = 'n', long)]
    pub last: Option<usize>,
    /// Show the latest created container, in any state
    #[arg(short, long)]
    pub latest: bool,
    /// Display total file sizes
    #[arg(short, long)]
    pub size: bool,
}

/// `inspect`
#[derive(Debug, Args)]
pub struct Inspect {
    /// `json`, or a template
    #[arg(short, long)]
    pub format: Option<String>,
    /// Display total file sizes of containers
    #[arg(short, long)]
    pub size: bool,
    /// Only this kind: `container`, `image` or `volume`
    #[arg(long = "type")]
    pub kind: Option<String>,
    /// What to inspect
    #[arg(required = true, value_name = "NAME|ID")]
    pub names: Vec<String>,
}

impl Inspect {
    /// The same, of one kind of object.
    #[must_use]
    pub fn only(self, kind: &str) -> Self {
        Self { kind: Some(kind.to_owned()), ..self }
    }
}

/// Commands that only take containers.
#[derive(Debug, Args)]
pub struct Many {
    /// Containers
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `rm`
#[derive(Debug, Args)]
pub struct Rm {
    /// Force the removal of a running container
    #[arg(short, long)]
    pub force: bool,
    /// Remove anonymous volumes associated with the container
    #[arg(short, long)]
    pub volumes: bool,
    /// Containers
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `stats`
#[derive(Debug, Args)]
pub struct Stats {
    /// Show all containers, not just those that run
    #[arg(short, long)]
    pub all: bool,
    /// Only print the first result
    #[arg(long)]
    pub no_stream: bool,
    /// Do not truncate output
    #[arg(long)]
    pub no_trunc: bool,
    /// `table TEMPLATE`, `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
    /// Containers; all that run when none is named
    #[arg(value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `top`
#[derive(Debug, Args)]
pub struct Top {
    /// The container
    pub container: String,
    /// Options of `ps`: Windows has none
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub options: Vec<String>,
}

/// `cp`
#[derive(Debug, Args)]
pub struct Cp {
    /// Keep modification times and modes
    #[arg(short, long)]
    pub archive: bool,
    /// Always follow a symbolic link that the source path is
    #[arg(short = 'L', long)]
    pub follow_link: bool,
    /// Say nothing of what was copied
    #[arg(short, long)]
    pub quiet: bool,
    /// `CONTAINER:PATH`, a local path, or `-` for a tar stream
    pub source: String,
    /// `CONTAINER:PATH`, a local path, or `-` for a tar stream
    pub destination: String,
}

/// `update`
#[derive(Debug, Args)]
pub struct Update {
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
    /// Memory limit
    #[arg(short, long)]
    pub memory: Option<String>,
    /// Flags that docker knows and Transom refuses.
    #[command(flatten)]
    pub refused: super::refused::Refused<super::refused::OfRun>,
    /// Restart policy to apply when a container exits
    #[arg(long)]
    pub restart: Option<String>,
    /// Containers
    #[arg(required = true, value_name = "CONTAINER")]
    pub containers: Vec<String>,
}

/// `rename`
#[derive(Debug, Args)]
pub struct Rename {
    /// The container
    pub container: String,
    /// Its new name
    pub name: String,
}
