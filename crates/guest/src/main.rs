//! The Windows helper inside a silo: `transom-guest.exe`.
//!
//! Resident in every silo as the first Windows process and its session manager. Takes
//! [`schema::guest`] requests over a Unix socket, starts programs from raw command lines with the
//! descriptors that came along, and reports their full exit codes. By hand it also answers
//! `resolve-user`, `ps`, `run` and `--version` (see [`cli`]).
//!
//! What decides is here and compiles everywhere; what calls Windows is behind the door `win`. The
//! other half, which keeps the socket's far end, is `engine`'s silo host.

#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only tests call it off Windows"))]
mod account;
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only tests call it off Windows"))]
mod cli;
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only tests call it off Windows"))]
mod environment;
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only tests call it off Windows"))]
mod setx;
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only tests call it off Windows"))]
mod stillborn;
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "only tests call it off Windows"))]
mod timestamp;

#[cfg(windows)]
mod win;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    win::main()
}

#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    eprintln!("transom-guest is a Windows program: build it for x86_64-pc-windows-gnu");
    std::process::ExitCode::from(2)
}
