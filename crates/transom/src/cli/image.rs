//! Flags of the commands that work on images.

use std::path::PathBuf;

use clap::Args;

/// `images`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of docker's")]
pub struct Images {
    /// Show all images: there are none that only stand between others
    #[arg(short, long)]
    pub all: bool,
    /// Only show image ids
    #[arg(short, long)]
    pub quiet: bool,
    /// Don't truncate output
    #[arg(long)]
    pub no_trunc: bool,
    /// Show digests
    #[arg(long)]
    pub digests: bool,
    /// Filter by `reference`, `dangling`, `label`, `before`, `since` or `until`
    #[arg(short, long, value_name = "KEY=VALUE")]
    pub filter: Vec<String>,
    /// `table TEMPLATE`, `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
    /// Only this repository, or repository and tag
    pub repository: Option<String>,
}

/// `load`
#[derive(Debug, Args)]
pub struct Load {
    /// Read from a tar archive file, instead of STDIN
    #[arg(short, long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Suppress the load output
    #[arg(short, long)]
    pub quiet: bool,
    /// The platform: `windows/amd64`, there is no other
    #[arg(long)]
    pub platform: Option<String>,
}

/// `save`
#[derive(Debug, Args)]
pub struct Save {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The platform: `windows/amd64`, there is no other
    #[arg(long)]
    pub platform: Option<String>,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<String>,
}

/// `pull`
#[derive(Debug, Args)]
pub struct Pull {
    /// Suppress verbose output
    #[arg(short, long)]
    pub quiet: bool,
    /// The platform, if the image has several; `windows/amd64`
    #[arg(long)]
    pub platform: Option<String>,
    /// Download all tagged images in the repository
    #[arg(short, long)]
    pub all_tags: bool,
    /// The image
    pub image: String,
}

/// `push`
#[derive(Debug, Args)]
pub struct Push {
    /// Suppress verbose output
    #[arg(short, long)]
    pub quiet: bool,
    /// Push all tags of an image to the repository
    #[arg(short, long)]
    pub all_tags: bool,
    /// The platform: `windows/amd64`, there is no other
    #[arg(long)]
    pub platform: Option<String>,
    /// The image
    pub image: String,
}

/// `tag`
#[derive(Debug, Args)]
pub struct Tag {
    /// An image that is here
    pub source: String,
    /// Its new name
    pub target: String,
}

/// `rmi`
#[derive(Debug, Args)]
pub struct Rmi {
    /// Remove the image although stopped containers use it
    #[arg(short, long)]
    pub force: bool,
    /// Images
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<String>,
}

/// `login`
#[derive(Debug, Args)]
pub struct Login {
    /// Username
    #[arg(short, long)]
    pub username: Option<String>,
    /// Password: everybody on this host can read it meanwhile; use --password-stdin
    #[arg(short, long)]
    pub password: Option<String>,
    /// Take the password from stdin
    #[arg(long)]
    pub password_stdin: bool,
    /// The registry; Docker's own when none is named
    pub server: Option<String>,
}

/// `logout`
#[derive(Debug, Args)]
pub struct Logout {
    /// The registry; Docker's own when none is named
    pub server: Option<String>,
}
