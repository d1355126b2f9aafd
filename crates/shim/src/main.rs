//! `containerd-shim-runhcs-v1`: the shim on this host's engine.

use std::process::ExitCode;

fn main() -> ExitCode {
    match shim::main(std::env::args().skip(1), || Ok(shim::this_host())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
