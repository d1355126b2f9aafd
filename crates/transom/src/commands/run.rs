//! `run`, `create`, and how a container in the foreground ends.

use anyhow::{Context, Result};

use super::{Failed, create};
use crate::attach::client::{Connection, Outcome};
use crate::attach::foreground::{Foreground, Left};
use crate::attach::keys::DetachKeys;
use crate::attach::terminal;
use crate::attach::wire::{Exit, Failure, Hello};
use crate::cli::run::{Create, Run};
use crate::host::{Host, failure, remove};
use crate::monitor::spawn::spawn;
use crate::store::Found;

/// `create`
pub(super) async fn create(host: &Host, flags: Create) -> Result<u8> {
    let found = Box::pin(create::create(host, &flags, false)).await?;
    println!("{}", found.record.id);
    Ok(0)
}

/// `run`
pub(super) async fn command(host: &Host, flags: Run) -> Result<u8> {
    let keys = detach_keys(flags.detach_keys.as_deref())?;
    let process = &flags.create.process;
    terminal::check(process.tty, process.interactive && !flags.detach)?;
    let found = Box::pin(create::create(host, &flags.create, flags.detach)).await?;
    let config = &found.record.config;
    let hello = Hello {
        stdin: config.attach_stdin,
        stdout: config.attach_stdout,
        stderr: config.attach_stderr,
        exit: true,
    };
    let connection = match spawn(&found, hello).await {
        Ok(connection) => connection,
        Err(error) => {
            give_up(host, found).await;
            return Err(error);
        }
    };
    if flags.detach {
        return detached(connection, host, found).await;
    }
    let foreground = Foreground {
        monitors: host.dirs.monitors(),
        id: found.record.id.clone(),
        stdin: config.attach_stdin,
        tty: config.tty,
        signals: flags.sig_proxy,
        keys,
    };
    match foreground.stay(connection).await? {
        Left::Detached => Ok(0),
        Left::Ended(outcome) => ended(host, found, outcome).await,
    }
}

/// The status of a container that has ended, or could not be started.
async fn ended(host: &Host, found: Found, outcome: Outcome) -> Result<u8> {
    let outcome = match outcome {
        Outcome::Exited(_) => return status(outcome),
        Outcome::Failed(_) => outcome,
        Outcome::Lost => {
            Outcome::Failed(Failure { status: failure::DAEMON, message: lost(&found) })
        }
    };
    give_up(host, found).await;
    status(outcome)
}

/// What a monitor that is gone said last, which is why it went unless it was killed.
fn lost(found: &Found) -> String {
    let said = std::fs::read_to_string(found.folder.monitor_log()).unwrap_or_default();
    match said.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(last) => format!("the container's monitor ended: {}", last.trim()),
        None => "the container's monitor was killed".to_owned(),
    }
}

/// A monitor that did not even begin has not removed it.
async fn give_up(host: &Host, found: Found) {
    if found.record.host_config.auto_remove {
        let options = remove::Options { force: true, volumes: true };
        if let Err(error) = Box::pin(remove::container(host, found, options)).await {
            tracing::error!(error = %format!("{error:#}"), "the container was not removed");
        }
    }
}

async fn detached(mut connection: Connection, host: &Host, found: Found) -> Result<u8> {
    match connection.started().await? {
        // One that was so quick that it has ended already was started nevertheless.
        Ok(_) | Err(Outcome::Exited(_)) => {
            println!("{}", found.record.id);
            Ok(0)
        }
        Err(outcome) => ended(host, found, outcome).await,
    }
}

/// The keys that leave a container.
pub(super) fn detach_keys(flag: Option<&str>) -> Result<DetachKeys> {
    DetachKeys::parse(flag.unwrap_or(DetachKeys::DEFAULT)).context("reading --detach-keys")
}

/// The status of a container that was in the foreground.
pub(super) fn status(outcome: Outcome) -> Result<u8> {
    match outcome {
        Outcome::Exited(exit) => Ok(exit_status(&exit)),
        Outcome::Failed(Failure { status, message }) => Err(Failed { status, message }.into()),
        Outcome::Lost => {
            let message = "the container's monitor was killed".to_owned();
            Err(Failed { status: failure::DAEMON, message }.into())
        }
    }
}

/// The 8 bits that a process of this host can exit with. Only 0 becomes 0.
pub(super) fn exit_status(exit: &Exit) -> u8 {
    if let Some(error) = &exit.error {
        eprintln!("transom: {error}");
    }
    status_byte(exit.code)
}

/// The low 8 bits of a code; a failure never looks like a success.
pub(super) fn status_byte(code: u32) -> u8 {
    let [low, ..] = code.to_le_bytes();
    if low == 0 && code != 0 {
        eprintln!(
            "transom: the exit code {code} ({code:#x}) has no low 8 bits; exiting with 255 \
             (`inspect` tells all 32)"
        );
        return u8::MAX;
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_whose_low_bits_are_zero_is_no_success() {
        assert_eq!(status_byte(0), 0);
        assert_eq!(status_byte(7), 7);
        assert_eq!(status_byte(0x1234_5678), 0x78);
        assert_eq!(status_byte(0xC000_0000), 255);
        assert_eq!(status_byte(256), 255);
    }
}
