//! Flags of the commands that work on everything, or on nothing.

use clap::{Args, Subcommand};

use super::settings::{ListFlags, PruneFlags};

/// Commands that only take a format.
#[derive(Debug, Args)]
pub struct Formatted {
    /// `json`, or a template
    #[arg(short, long)]
    pub format: Option<String>,
}

/// `system df`
#[derive(Debug, Args)]
pub struct Df {
    /// Show each image, container, volume and layer of a build
    #[arg(short, long)]
    pub verbose: bool,
    /// `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
}

/// `events`
#[derive(Debug, Args)]
pub struct Events {
    /// Show events since a time or for a while
    #[arg(long)]
    pub since: Option<String>,
    /// Show events until a time, then end
    #[arg(long)]
    pub until: Option<String>,
    /// Filter by `type`, `event`, `container`, `image`, `label`, `network` or `volume`
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
    /// `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
}

/// `prune` and `system prune`
#[derive(Debug, Args)]
pub struct Prune {
    /// Remove all images that no container uses, not just those without a name
    #[arg(short, long)]
    pub all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// Remove anonymous volumes that no container uses
    #[arg(long)]
    pub volumes: bool,
    /// Provide filter values: `label=NAME[=VALUE]`, `label!=NAME[=VALUE]`, `until=TIME`
    #[arg(long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
    /// Which kind, of those that have a `prune` of their own.
    #[arg(skip)]
    pub only: Option<PruneKind>,
}

/// A kind of object to prune.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneKind {
    /// Stopped containers.
    Containers,
    /// Images.
    Images,
    /// Volumes.
    Volumes,
    /// Networks.
    Networks,
}

impl Prune {
    /// `container prune`
    pub fn containers(flags: PruneFlags) -> Self {
        Self::one(PruneKind::Containers, false, flags)
    }

    /// `image prune`
    pub fn images(args: PruneImages) -> Self {
        Self::one(PruneKind::Images, args.all, args.flags)
    }

    /// `volume prune`
    pub fn volumes(all: bool, flags: PruneFlags) -> Self {
        Self::one(PruneKind::Volumes, all, flags)
    }

    /// `network prune`
    pub fn networks(flags: PruneFlags) -> Self {
        Self::one(PruneKind::Networks, false, flags)
    }

    fn one(kind: PruneKind, all: bool, PruneFlags { force, filter }: PruneFlags) -> Self {
        Self { all, force, volumes: false, filter, only: Some(kind) }
    }
}

/// `image prune`
#[derive(Debug, Args)]
pub struct PruneImages {
    /// Remove all that no container uses, not just those without a name
    #[arg(short, long)]
    pub all: bool,
    /// Force and filter.
    #[command(flatten)]
    pub flags: PruneFlags,
}

/// `volume ...`
#[derive(Debug, Subcommand)]
pub enum VolumeGroup {
    /// List volumes
    #[command(visible_alias = "list")]
    Ls(ListFlags),
    /// Create a volume
    Create {
        /// Set metadata for the volume
        #[arg(long, value_name = "NAME[=VALUE]")]
        label: Vec<String>,
        /// Volume driver: `local`
        #[arg(short, long, default_value = "local")]
        driver: String,
        /// Driver specific options: the driver `local` has none here
        #[arg(short, long, value_name = "NAME=VALUE")]
        opt: Vec<String>,
        /// The same as the name itself
        #[arg(id = "named", long = "name", hide = true)]
        named: Option<String>,
        /// Its name; one is made up when absent
        name: Option<String>,
    },
    /// Display detailed information on volumes
    Inspect {
        /// `json`, or a template
        #[arg(short, long)]
        format: Option<String>,
        /// Volumes
        #[arg(required = true, value_name = "VOLUME")]
        names: Vec<String>,
    },
    /// Remove one or more volumes
    #[command(visible_alias = "remove")]
    Rm {
        /// No error for one that does not exist
        #[arg(short, long)]
        force: bool,
        /// Volumes
        #[arg(required = true, value_name = "VOLUME")]
        names: Vec<String>,
    },
    /// Remove anonymous volumes that no container uses
    Prune {
        /// Remove all that no container uses, not just those without a name
        #[arg(short, long)]
        all: bool,
        /// Force and filter.
        #[command(flatten)]
        flags: PruneFlags,
    },
}

/// `service`
#[derive(Debug, Subcommand)]
pub enum ServiceGroup {
    /// Register a Windows service that starts containers with `--restart always` or
    /// `unless-stopped` after a boot
    Install,
    /// Take the registration back; containers stay as they are
    Uninstall,
    /// What the service does: give back what a crash left, and start what is to run
    Run,
}

/// `completion`
#[derive(Debug, Args)]
pub struct Completion {
    /// For which shell
    pub shell: clap_complete::Shell,
}

/// `plan`
#[derive(Debug, Args)]
pub struct Plan {
    /// The folder with the bundle's `config.json`
    pub bundle: std::path::PathBuf,
    /// The task's id; that of the folder when absent
    #[arg(long)]
    pub id: Option<String>,
    /// `table` or `json`
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    pub format: String,
}

/// `monitor`
#[derive(Debug, Args)]
pub struct Monitor {
    /// The container's full id
    pub id: String,
}
