//! `transom`: parse, do, exit with the right status.

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use transom::cli::{Cli, Command};
use transom::commands;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    start_log(cli.debug);
    engine::os::process::open_many();
    let result = match cli.command {
        // It must leave the terminal's session before anything has a thread.
        Command::Monitor(args) => transom::monitor::main(&args.id).map(|()| 0),
        command => commands::main(command),
    };
    match result {
        Ok(status) => end(status),
        Err(error) => {
            transom::output::stderr(format_args!("transom: {error:#}\n"));
            end(commands::status_of(&error))
        }
    }
}

/// A thread may still be waiting for stdin, which nobody needs any more.
fn end(status: u8) -> ExitCode {
    std::process::exit(status.into())
}

/// Docker's status for a command line that makes no sense is 125; help is a success.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody to tell when the terminal is gone.
    error.print().ok();
    if error.use_stderr() { ExitCode::from(125) } else { ExitCode::SUCCESS }
}

fn start_log(debug: bool) {
    let default = if debug { "debug" } else { "error" };
    let filter = EnvFilter::try_from_env("TRANSOM_LOG").unwrap_or_else(|_| default.into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
}
