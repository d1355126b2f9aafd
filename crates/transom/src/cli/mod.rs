//! The command line, in docker's spelling.
//!
//! Flags are kept as they were typed; what they mean is decided in [`settings`](crate::settings),
//! and what is done with them stands in [`commands`](crate::commands).

pub mod build;
pub mod container;
pub mod containerd;
pub mod diag;
pub mod image;
pub mod refused;
pub mod run;
pub mod settings;
pub mod system;

use clap::{Parser, Subcommand};

/// Runs Windows containers.
#[derive(Debug, Parser)]
#[command(name = "transom", version, about, propagate_version = false)]
#[command(disable_help_subcommand = true, max_term_width = 100, args_override_self = true)]
pub struct Cli {
    /// Tell on stderr what is being done (`TRANSOM_LOG` takes filters)
    #[arg(short = 'D', long, global = true)]
    pub debug: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create and run a new container from an image
    Run(Box<run::Run>),
    /// Create a new container
    Create(Box<run::Create>),
    /// Start one or more stopped containers
    Start(container::Start),
    /// Attach standard streams to a running container
    Attach(container::Attach),
    /// Stop one or more running containers
    Stop(container::Stop),
    /// Kill one or more running containers
    Kill(container::Kill),
    /// Restart one or more containers
    Restart(container::Stop),
    /// Execute a command in a running container
    Exec(container::Exec),
    /// Fetch the logs of a container
    Logs(container::Logs),
    /// List port mappings of a container
    Port(container::Port),
    /// List containers
    #[command(visible_alias = "ls")]
    Ps(container::Ps),
    /// Return low-level information on containers, images and volumes
    Inspect(container::Inspect),
    /// Block until containers stop, then print their exit codes
    Wait(container::Many),
    /// Remove one or more containers
    Rm(container::Rm),
    /// Display a live stream of containers' resource usage
    Stats(container::Stats),
    /// Display the running processes of a container
    Top(container::Top),
    /// Copy files between a container and the local filesystem
    Cp(container::Cp),
    /// Pause all processes within one or more containers
    Pause(container::Many),
    /// Unpause all processes within one or more containers
    Unpause(container::Many),
    /// Update the configuration of one or more containers
    Update(container::Update),
    /// Rename a container
    Rename(container::Rename),
    /// Build an image from a Dockerfile
    Build(Box<build::Build>),
    /// Manage builds
    #[command(subcommand, visible_alias = "buildx")]
    Builder(build::BuilderGroup),
    /// Create a new image from a container's changes
    Commit(build::Commit),
    /// Inspect changes to files on a container's filesystem
    Diff(build::Diff),
    /// Export a container's filesystem as a tar archive
    Export(build::Export),
    /// Import the contents from a tarball to create a filesystem image
    Import(build::Import),
    /// Show the history of an image
    History(build::History),
    /// List images
    Images(image::Images),
    /// Load an image from a tar archive or stdin
    Load(image::Load),
    /// Save one or more images to a tar archive
    Save(image::Save),
    /// Download an image from a registry
    Pull(image::Pull),
    /// Upload an image to a registry
    Push(image::Push),
    /// Create a tag that refers to an image
    Tag(image::Tag),
    /// Authenticate to a registry, and keep the credentials where docker does
    Login(image::Login),
    /// Forget the credentials for a registry
    Logout(image::Logout),
    /// Remove one or more images
    Rmi(image::Rmi),
    /// Remove stopped containers, unused networks, dangling images and unused layers of builds
    Prune(system::Prune),
    /// Manage containers
    #[command(subcommand)]
    Container(ContainerGroup),
    /// Manage images
    #[command(subcommand)]
    Image(ImageGroup),
    /// Manage volumes
    #[command(subcommand)]
    Volume(system::VolumeGroup),
    /// Manage networks
    #[command(subcommand)]
    Network(settings::NetworkGroup),
    /// Print the runtime spec that flags of `run` come to, and run nothing
    Spec(Box<run::Create>),
    /// Print what a bundle would become: what is acquired for it and given back, and its document
    Plan(system::Plan),
    /// Look into a running shim: of a container, or of a pod under containerd
    #[command(subcommand)]
    Diag(diag::DiagGroup),
    /// Manage Transom
    #[command(subcommand)]
    System(SystemGroup),
    /// Run Windows images with containerd and Kubernetes
    #[command(subcommand)]
    Containerd(containerd::ContainerdGroup),
    /// Get real time events
    Events(system::Events),
    /// Display system-wide information
    Info(system::Formatted),
    /// Show disk usage: `system df`
    #[command(hide = true, name = "df")]
    DiskUsage(system::Df),
    /// Show the version
    Version(system::Formatted),
    /// Check this host and say how to mend what is missing
    Doctor(system::Formatted),
    /// Containers that restart by themselves come up with the host
    Service {
        /// What to do
        #[command(subcommand)]
        group: system::ServiceGroup,
    },
    /// Print a completion script for a shell
    Completion(system::Completion),
    /// The process that stands beside a running container
    #[command(hide = true)]
    Monitor(system::Monitor),
}

/// `transom container ...`
#[derive(Debug, Subcommand)]
pub enum ContainerGroup {
    /// Create and run a new container from an image
    Run(Box<run::Run>),
    /// Create a new container
    Create(Box<run::Create>),
    /// Start one or more stopped containers
    Start(container::Start),
    /// Attach standard streams to a running container
    Attach(container::Attach),
    /// Stop one or more running containers
    Stop(container::Stop),
    /// Kill one or more running containers
    Kill(container::Kill),
    /// Restart one or more containers
    Restart(container::Stop),
    /// Execute a command in a running container
    Exec(container::Exec),
    /// Fetch the logs of a container
    Logs(container::Logs),
    /// List port mappings of a container
    Port(container::Port),
    /// List containers
    #[command(visible_alias = "ps", visible_alias = "list")]
    Ls(container::Ps),
    /// Display detailed information on containers
    Inspect(container::Inspect),
    /// Block until containers stop, then print their exit codes
    Wait(container::Many),
    /// Remove one or more containers
    #[command(visible_alias = "remove")]
    Rm(container::Rm),
    /// Display a live stream of containers' resource usage
    Stats(container::Stats),
    /// Display the running processes of a container
    Top(container::Top),
    /// Copy files between a container and the local filesystem
    Cp(container::Cp),
    /// Pause all processes within one or more containers
    Pause(container::Many),
    /// Unpause all processes within one or more containers
    Unpause(container::Many),
    /// Update the configuration of one or more containers
    Update(container::Update),
    /// Rename a container
    Rename(container::Rename),
    /// Create a new image from a container's changes
    Commit(build::Commit),
    /// Inspect changes to files on a container's filesystem
    Diff(build::Diff),
    /// Export a container's filesystem as a tar archive
    Export(build::Export),
    /// Remove all stopped containers
    Prune(settings::PruneFlags),
}

/// `transom image ...`
#[derive(Debug, Subcommand)]
pub enum ImageGroup {
    /// List images
    #[command(visible_alias = "list")]
    Ls(image::Images),
    /// Build an image from a Dockerfile
    Build(Box<build::Build>),
    /// Import the contents from a tarball to create a filesystem image
    Import(build::Import),
    /// Show the history of an image
    History(build::History),
    /// Load an image from a tar archive or stdin
    Load(image::Load),
    /// Save one or more images to a tar archive
    Save(image::Save),
    /// Download an image from a registry
    Pull(image::Pull),
    /// Upload an image to a registry
    Push(image::Push),
    /// Create a tag that refers to an image
    Tag(image::Tag),
    /// Remove one or more images
    #[command(visible_alias = "remove")]
    Rm(image::Rmi),
    /// Display detailed information on images
    Inspect(container::Inspect),
    /// Remove unused images
    Prune(system::PruneImages),
}

/// `transom system ...`
#[derive(Debug, Subcommand)]
pub enum SystemGroup {
    /// Remove stopped containers, unused networks, dangling images and unused layers of builds
    Prune(system::Prune),
    /// Get real time events
    Events(system::Events),
    /// Display system-wide information
    Info(system::Formatted),
    /// Show disk usage
    Df(system::Df),
}

impl From<ContainerGroup> for Command {
    fn from(group: ContainerGroup) -> Self {
        match group {
            ContainerGroup::Run(args) => Self::Run(args),
            ContainerGroup::Create(args) => Self::Create(args),
            ContainerGroup::Start(args) => Self::Start(args),
            ContainerGroup::Attach(args) => Self::Attach(args),
            ContainerGroup::Stop(args) => Self::Stop(args),
            ContainerGroup::Kill(args) => Self::Kill(args),
            ContainerGroup::Restart(args) => Self::Restart(args),
            ContainerGroup::Exec(args) => Self::Exec(args),
            ContainerGroup::Logs(args) => Self::Logs(args),
            ContainerGroup::Port(args) => Self::Port(args),
            ContainerGroup::Ls(args) => Self::Ps(args),
            ContainerGroup::Inspect(args) => Self::Inspect(args.only("container")),
            ContainerGroup::Wait(args) => Self::Wait(args),
            ContainerGroup::Rm(args) => Self::Rm(args),
            ContainerGroup::Stats(args) => Self::Stats(args),
            ContainerGroup::Top(args) => Self::Top(args),
            ContainerGroup::Cp(args) => Self::Cp(args),
            ContainerGroup::Pause(args) => Self::Pause(args),
            ContainerGroup::Unpause(args) => Self::Unpause(args),
            ContainerGroup::Update(args) => Self::Update(args),
            ContainerGroup::Rename(args) => Self::Rename(args),
            ContainerGroup::Commit(args) => Self::Commit(args),
            ContainerGroup::Diff(args) => Self::Diff(args),
            ContainerGroup::Export(args) => Self::Export(args),
            ContainerGroup::Prune(args) => Self::Prune(system::Prune::containers(args)),
        }
    }
}

impl From<ImageGroup> for Command {
    fn from(group: ImageGroup) -> Self {
        match group {
            ImageGroup::Ls(args) => Self::Images(args),
            ImageGroup::Build(args) => Self::Build(args),
            ImageGroup::Import(args) => Self::Import(args),
            ImageGroup::History(args) => Self::History(args),
            ImageGroup::Load(args) => Self::Load(args),
            ImageGroup::Save(args) => Self::Save(args),
            ImageGroup::Pull(args) => Self::Pull(args),
            ImageGroup::Push(args) => Self::Push(args),
            ImageGroup::Tag(args) => Self::Tag(args),
            ImageGroup::Rm(args) => Self::Rmi(args),
            ImageGroup::Inspect(args) => Self::Inspect(args.only("image")),
            ImageGroup::Prune(args) => Self::Prune(system::Prune::images(args)),
        }
    }
}

impl From<SystemGroup> for Command {
    fn from(group: SystemGroup) -> Self {
        match group {
            SystemGroup::Prune(args) => Self::Prune(args),
            SystemGroup::Events(args) => Self::Events(args),
            SystemGroup::Info(args) => Self::Info(args),
            SystemGroup::Df(args) => Self::DiskUsage(args),
        }
    }
}
