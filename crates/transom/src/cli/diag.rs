//! Flags of `diag`.

use clap::{Args, Subcommand};

/// `diag ...`
#[derive(Debug, Subcommand)]
pub enum DiagGroup {
    /// List the shims that run
    #[command(visible_alias = "ls")]
    List,
    /// Show what a shim is doing: its tasks, who waits for them, and its threads
    Stacks(Target),
    /// List a shim's tasks, the sandbox first
    Tasks {
        /// Also their other processes
        #[arg(long)]
        execs: bool,
        /// Which shim.
        #[command(flatten)]
        target: Target,
    },
    /// Print a shim's pid
    Pid(Target),
    /// Share a folder or file with the pod's utility VM
    Share {
        /// For reading only
        #[arg(long)]
        read_only: bool,
        /// Which shim.
        #[command(flatten)]
        target: Target,
        /// What is shared
        host_path: String,
        /// Where it appears
        uvm_path: String,
    },
    /// Run a program in the pod's utility VM
    Exec {
        /// The program's folder
        #[arg(short, long, default_value = "")]
        workdir: String,
        /// Which shim.
        #[command(flatten)]
        target: Target,
        /// The program and its arguments
        #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
        line: Vec<String>,
    },
}

/// Which shim.
#[derive(Debug, Args)]
pub struct Target {
    /// A container, or a shim's `NAMESPACE-ID` or the beginning of it
    #[arg(value_name = "SHIM")]
    pub shim: String,
}
