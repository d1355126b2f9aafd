//! Carrying out what the command line asked for.

use std::process::ExitCode;

use schema::guest::Spawn;
use windows_sys::Win32::System::Environment::GetCommandLineW;
use windows_sys::Win32::System::Threading::ExitProcess;

use super::text::narrow_ptr;
use super::{account, boot, dump, processes, serve, spawn};
use crate::cli::{self, Mode};

const USAGE: &str =
    "usage: transom-guest [serve | resolve-user NAME | ps | run -- COMMAND LINE | --version]";

/// The program.
pub(crate) fn main() -> ExitCode {
    // SAFETY: the system keeps this text for as long as the process.
    let raw = unsafe { narrow_ptr(GetCommandLineW()) };
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let mode = cli::decide(&raw, &arguments);
    let is_setx = matches!(mode, Mode::Setx(_));
    let name = if matches!(mode, Mode::Absent(_)) { "transom" } else { "transom-guest" };
    match carry_out(mode) {
        Ok(()) => ExitCode::SUCCESS,
        // In the words of the program that it stands for.
        Err(text) if is_setx => {
            eprintln!("ERROR: {text}");
            ExitCode::FAILURE
        }
        Err(text) => {
            eprintln!("{name}: {text}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(mode: Mode) -> Result<(), String> {
    match mode {
        Mode::Serve => serve::serve().map_err(|error| error.to_string()),
        Mode::Boot => boot::boot().map(drop).map_err(|failure| failure.to_string()),
        Mode::ResolveUser(name) => {
            print(&account::resolve(&name).map_err(|failure| failure.to_string())?)
        }
        Mode::Processes => print(&processes::list().map_err(|failure| failure.to_string())?),
        Mode::Run(command_line) => run(command_line),
        Mode::Dump(pid) => dump::write(pid).map_err(|error| format!("writing a dump: {error}")),
        Mode::Version => {
            println!("transom-guest {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Mode::Setx(words) => super::setx::carry_out(&words),
        Mode::Absent(program) => Err(format!(
            "there is no {program} here, of which Wine has only an empty one: use cmd, or put \
             another shell into the image"
        )),
        Mode::Usage(wrong) if wrong.is_empty() => {
            println!("{USAGE}");
            Ok(())
        }
        Mode::Usage(wrong) => Err(format!("{wrong}\n{USAGE}")),
    }
}

fn print(value: &impl serde::Serialize) -> Result<(), String> {
    println!("{}", serde_json::to_string(value).map_err(|error| error.to_string())?);
    Ok(())
}

/// Runs a command line on this program's own standard handles and ends with its code.
fn run(command_line: String) -> Result<(), String> {
    let asked = Spawn { command_line, console: true, ..Spawn::default() };
    let child = spawn::spawn(&asked, Vec::new()).map_err(|failure| failure.to_string())?;
    let code = child.wait();
    // SAFETY: nothing of this process is needed any more. `ExitCode` holds 8 bits only.
    unsafe { ExitProcess(code) }
}
