//! Flags of `build` and `history`.

use std::path::PathBuf;

use clap::Args;

/// `build`
#[derive(Debug, Args)]
pub struct Build {
    /// Name of the Dockerfile (default: PATH/Dockerfile)
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Name of the image, with its tag
    #[arg(short, long, value_name = "NAME")]
    pub tag: Vec<String>,
    /// Set a build-time variable; without a value, this environment's
    #[arg(long, value_name = "NAME=VALUE")]
    pub build_arg: Vec<String>,
    /// Set the target build stage to build
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Do not use what was built before
    #[arg(long)]
    pub no_cache: bool,
    /// Always pull the images that are built on
    #[arg(long)]
    pub pull: bool,
    /// How progress is shown: `auto`, `plain`, `tty`, `rawjson` or `quiet`
    #[arg(long, default_value = "auto", value_name = "TYPE")]
    pub progress: String,
    /// Write the image's id to a file
    #[arg(long, value_name = "FILE")]
    pub iidfile: Option<PathBuf>,
    /// Set a label of the image
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,
    /// The network of RUN: `default` or `none`
    #[arg(long, default_value = "default", value_name = "MODE")]
    pub network: String,
    /// The platform; `windows/amd64`
    #[arg(long)]
    pub platform: Option<String>,
    /// Print the image's id only
    #[arg(short, long)]
    pub quiet: bool,
    /// The folder that COPY copies from
    pub path: PathBuf,
}

/// `history`
#[derive(Debug, Args)]
pub struct History {
    /// Don't truncate output
    #[arg(long)]
    pub no_trunc: bool,
    /// Only show image ids
    #[arg(short, long)]
    pub quiet: bool,
    /// The image
    pub image: String,
}
