//! `containerd-shim-runhcs-v1`: pods, tasks and execs over ttrpc, and a client of it.
//!
//! ```text
//! roles      start, serve, delete: what the program is run as
//! service    the Task API: whom a request is about, and containerd's words for the answer
//! driver     one task: lifecycle decides, this carries out on an engine
//! stdio      a process' streams, to pipes, files and loggers
//! events     what containerd is told, in order
//! client     the other end: starts a shim and speaks to it
//! ```
//!
//! All of it is generic over the engine and the host, so that it is tested without either.

pub mod address;
mod adopt;
mod cli;
pub mod client;
mod driver;
mod error;
mod events;
mod host;
mod options;
pub mod preview;
mod proto;
mod roles;
mod service;
mod stdio;
mod wire;

pub use host::{ThisHost, this_host};

use engine::Engine;
use resources::Host;

use cli::{Command, HELP, Misuse};

/// Who creates the systems of this shim.
pub(crate) const OWNER: &str = "containerd-shim-runhcs-v1";

/// Runs the program on an engine and a host, which are made when they are needed.
pub fn main<E: Engine, H: Host>(
    args: impl IntoIterator<Item = String>,
    world: impl FnOnce() -> anyhow::Result<(E, H)>,
) -> anyhow::Result<()> {
    let (flags, command) = match cli::parse(args) {
        Ok(parsed) => parsed,
        Err(misuse @ (Misuse::Missing(_) | Misuse::NoCommand(_))) => return Err(misuse.into()),
        Err(misuse @ (Misuse::Unknown(_) | Misuse::NoValue(_))) => {
            println!("Incorrect Usage. {misuse}\n\n{HELP}");
            return Err(misuse.into());
        }
    };
    match command {
        Command::Help => {
            print!("{HELP}");
            Ok(())
        }
        Command::Version => {
            println!("containerd-shim-runhcs-v1\n{}\nspec: 1.1.0", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Command::Start => roles::start(&flags),
        Command::Serve { socket, is_sandbox } => {
            let (engine, host) = world()?;
            roles::serve(&roles::Serve { flags, socket, is_sandbox }, engine, host)
        }
        Command::Delete => {
            let (engine, host) = world()?;
            roles::delete(&flags, &engine, &host)
        }
    }
}
