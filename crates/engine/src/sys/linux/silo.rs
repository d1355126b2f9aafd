//! The silo host: the small process behind one compute system.
//!
//! ```text
//! boot --> Created --start--> Running <--pause/resume--> Paused
//!             |                  |                          |
//!             +------------------+--- shutdown -> Ending ---+--> gone
//! ```
//!
//! It holds the namespaces' pid 1, the control groups and the control socket, relays requests to
//! the guests inside, and keeps exit codes until asked. It is synchronous and has one thread: one
//! `poll` over every descriptor ([`host`]). Nothing that comes from inside is trusted.

mod boot;
mod clients;
mod ending;
mod guests;
mod host;
mod modify;
mod pipes;
mod processes;
mod query;
mod reached;
mod requests;
mod spawn;

use std::process::ExitCode;

use super::disk;
use super::init::heed_children;
use super::protocol::{Boot, Refusal, Taken};
use super::wire::{Conn, Descriptors};

/// The whole life of a silo host: reads what to build from standard input, answers there once it is
/// built, and lives on when it hears there that it has been taken.
pub fn silo_main() -> ExitCode {
    // How pid 1 ended is known by waiting for it; pid 1 and Wine inherit this.
    heed_children();
    if std::env::args_os().nth(1).is_some_and(|role| role == disk::ROLE) {
        return disk::helper_main();
    }
    // What is meant for the creator's terminal or process group is not meant for this.
    if rustix::process::setsid().is_err() {
        return ExitCode::FAILURE;
    }
    // A program that is started from here must not keep the asker waiting.
    let stdin = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3);
    let Ok(stdin) = stdin else { return ExitCode::FAILURE };
    let Ok(mut creator) = Conn::new(stdin, Descriptors::Dropped) else { return ExitCode::FAILURE };
    let Ok(order) = creator.wait_next::<Boot>() else { return ExitCode::FAILURE };
    match boot::boot(order, &mut creator) {
        Ok(host) => {
            let done: Result<(), Refusal> = Ok(());
            let told = creator.send(&done, vec![]);
            if told.and_then(|()| creator.wait_next::<Taken>()).is_err() {
                // The creator went away: nobody knows of this system.
                host.abandon();
                return ExitCode::FAILURE;
            }
            drop(creator);
            host.run();
            ExitCode::SUCCESS
        }
        Err(kind) => {
            let refused: Result<(), Refusal> = Err(kind.into());
            let _ = creator.send(&refused, vec![]);
            ExitCode::FAILURE
        }
    }
}
