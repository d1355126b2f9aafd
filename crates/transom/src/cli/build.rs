//! Flags of `build`, `builder`, `history`, and of what makes images of containers and archives.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::refused::{OfBuild, Refused};

/// `build`
#[derive(Debug, Args)]
pub struct Build {
    /// Name of the Dockerfile (default: PATH/Dockerfile); `-` is stdin
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<String>,
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
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false")]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub no_cache: bool,
    /// Do not use what was built before of these stages
    #[arg(long, value_name = "STAGE", value_delimiter = ',')]
    pub no_cache_filter: Vec<String>,
    /// Always pull the images that are built on
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false")]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub pull: bool,
    /// What is done
    #[command(flatten)]
    pub call: Call,
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
    /// A name that RUN resolves without a server: `NAME:ADDRESS`, or `NAME:host-gateway`
    #[arg(long, value_name = "NAME:ADDRESS")]
    pub add_host: Vec<String>,
    /// A secret for RUN --mount=type=secret: `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`
    #[arg(long, value_name = "SECRET")]
    pub secret: Vec<String>,
    /// An agent for RUN --mount=type=ssh: `default` or `ID=SOCKET`
    #[arg(long, value_name = "AGENT")]
    pub ssh: Vec<String>,
    /// Another context, for COPY --from=NAME and the like: `NAME=FOLDER`,
    /// `NAME=docker-image://IMAGE`, `NAME=oci-layout://FOLDER[:TAG][@DIGEST]`, or something to fetch
    #[arg(long, value_name = "NAME=VALUE")]
    pub build_context: Vec<String>,
    /// The platform; `windows/amd64`
    #[arg(long)]
    pub platform: Option<String>,
    /// Print the image's id only
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_value = "false")]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub quiet: bool,
    /// Docker's flags about what steps ran in.
    #[command(flatten)]
    pub cleaning: Cleaning,
    /// Flags that nothing here can do.
    #[command(flatten)]
    pub refused: Refused<OfBuild>,
    /// Where the result goes
    #[command(flatten)]
    pub results: Results,
    /// What COPY copies from: a folder, `-` (an archive or a Dockerfile on stdin), a web address or
    /// a git repository
    pub path: String,
}

/// What is done with a Dockerfile.
#[derive(Debug, Args)]
pub struct Call {
    /// What to do: `build`, `check` the Dockerfile, or list the `targets` that can be named
    #[arg(long, default_value = "build", value_name = "METHOD")]
    pub call: String,
    /// Check the Dockerfile and build nothing: `--call=check`
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false")]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub check: bool,
}

/// What becomes of what steps ran in: it is always removed.
#[derive(Debug, Args)]
pub struct Cleaning {
    /// Remove what steps ran in, which is always done
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", hide = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub rm: bool,
    /// The same after a failure
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "true", hide = true)]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub force_rm: bool,
}

/// Where the result of a build goes, and what goes with it.
#[derive(Debug, Args)]
pub struct Results {
    /// Output destination: `type=image|registry|oci|docker|tar|local[,dest=…]`, a folder, or `-`
    #[arg(short, long, value_name = "OUTPUT")]
    pub output: Vec<String>,
    /// Push the image: `--output=type=registry`, and keep it here
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false")]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub push: bool,
    /// Keep the image here, beside other outputs: `--output=type=docker`
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false")]
    #[arg(default_missing_value = "true", hide_possible_values = true, hide_default_value = true)]
    #[arg(value_name = "BOOL", action = clap::ArgAction::Set)]
    pub load: bool,
    /// Write what came of the build to a file
    #[arg(long, value_name = "FILE")]
    pub metadata_file: Option<PathBuf>,
    /// Caches to look into: `type=local,src=DIR`, `type=registry,ref=NAME`, or a name
    #[arg(long, value_name = "CACHE")]
    pub cache_from: Vec<String>,
    /// Caches to write: `type=local,dest=DIR`, `type=registry,ref=NAME`, `type=inline`; `mode=max`
    #[arg(long, value_name = "CACHE")]
    pub cache_to: Vec<String>,
    /// Attest how the image was built: `mode=min|max`, `version=v0.2|v1`, `builder-id=URL`
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    pub provenance: Option<String>,
    /// Attest what is in the image, as SPDX
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    pub sbom: Option<String>,
    /// The same: `type=provenance,mode=max`, `type=sbom`
    #[arg(long, value_name = "ATTESTATION")]
    pub attest: Vec<String>,
    /// Add an annotation to the image
    #[arg(long, value_name = "[TYPE:]NAME=VALUE")]
    pub annotation: Vec<String>,
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
    /// Print sizes and dates in human readable format
    #[arg(short = 'H', long, value_name = "BOOL", default_value_t = true, num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub human: bool,
    /// `table TEMPLATE`, `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
    /// The image
    pub image: String,
}

/// `commit`
#[derive(Debug, Args)]
pub struct Commit {
    /// Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")
    #[arg(short, long, value_name = "TEXT")]
    pub author: Option<String>,
    /// Apply a Dockerfile instruction to the image
    #[arg(short, long, value_name = "INSTRUCTION")]
    pub change: Vec<String>,
    /// Commit message
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Pause the container meanwhile; without it, the registry may be half a minute old
    #[arg(short, long, value_name = "BOOL", default_value_t = true, num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub pause: bool,
    /// How the layer is stored: `gzip`, `zstd` or `uncompressed`
    #[arg(long, default_value = "gzip", value_name = "TYPE")]
    pub compression: String,
    /// The container
    pub container: String,
    /// The image's name
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub name: Option<String>,
}

/// `diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The container
    pub container: String,
}

/// `export`
#[derive(Debug, Args)]
pub struct Export {
    /// Write to a file, instead of STDOUT
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The container
    pub container: String,
}

/// `import`
#[derive(Debug, Args)]
pub struct Import {
    /// Apply a Dockerfile instruction to the image
    #[arg(short, long, value_name = "INSTRUCTION")]
    pub change: Vec<String>,
    /// Set a commit message for the image
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    /// The platform; `windows/amd64`
    #[arg(long)]
    pub platform: Option<String>,
    /// A tar archive, compressed with gzip or zstd or not: a file, a web address, or `-` for STDIN
    #[arg(value_name = "FILE|URL|-")]
    pub source: String,
    /// The image's name
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub name: Option<String>,
}

/// `transom builder ...`
#[derive(Debug, Subcommand)]
pub enum BuilderGroup {
    /// Build an image from a Dockerfile
    #[command(args_override_self = true)]
    Build(Box<Build>),
    /// Show what builds keep: layers, caches of steps, downloads
    Du(BuilderDu),
    /// Remove what builds keep
    Prune(BuilderPrune),
}

/// `builder du`
#[derive(Debug, Args)]
pub struct BuilderDu {
    /// Filter by `type`, `id`, `description`, `until`, `inuse`, `mutable`, `shared`, `private`
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub filter: Vec<String>,
    /// Tell all that is known of each
    #[arg(long)]
    pub verbose: bool,
    /// `json`, or a template
    #[arg(long)]
    pub format: Option<String>,
}

/// `builder prune`
#[derive(Debug, Args)]
pub struct BuilderPrune {
    /// Also layers that images hold
    #[arg(short, long)]
    pub all: bool,
    /// Filter by `type`, `id`, `description`, `until`, `inuse`, `mutable`, `shared`, `private`
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    pub force: bool,
    /// How much may always be kept, of what was used last
    #[arg(long, visible_alias = "reserved-space", value_name = "BYTES")]
    pub keep_storage: Option<String>,
    /// How much all of it may take
    #[arg(long, value_name = "BYTES")]
    pub max_used_space: Option<String>,
    /// How much of the disk is to be free
    #[arg(long, value_name = "BYTES")]
    pub min_free_space: Option<String>,
    /// Tell all that is known of each
    #[arg(long)]
    pub verbose: bool,
}
