//! The documents of processes.

use std::collections::BTreeMap;

use oci_spec::runtime::Process;

use super::documents::ProcessConfig;
use crate::escape;

/// The container's first process.
pub fn init(process: &Process) -> ProcessConfig {
    let size = process.console_size();
    ProcessConfig {
        console_size: size.map(|size| [size.height(), size.width()]).unwrap_or_default(),
        ..common(process)
    }
}

/// Another process. It starts where the first one did unless it says where, and a size is a
/// terminal's.
pub fn exec(process: &Process, first: &Process) -> ProcessConfig {
    let size = process.console_size().filter(|_| process.terminal() == Some(true));
    let mut document = ProcessConfig {
        console_size: size.map(|size| [size.height(), size.width()]).unwrap_or_default(),
        ..common(process)
    };
    if document.working_directory.is_empty() {
        document.working_directory = cwd(first);
    }
    document
}

fn common(process: &Process) -> ProcessConfig {
    let terminal = process.terminal().unwrap_or_default();
    ProcessConfig {
        command_line: command_line(process),
        user: process.user().username().clone().unwrap_or_default(),
        working_directory: cwd(process),
        environment: environment(process.env().as_deref().unwrap_or_default()),
        emulate_console: terminal,
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        create_std_err_pipe: !terminal,
        console_size: [0, 0],
    }
}

fn command_line(process: &Process) -> String {
    match process.command_line().as_ref().filter(|line| !line.is_empty()) {
        Some(line) => line.clone(),
        None => escape::join(process.args().as_deref().unwrap_or_default()),
    }
}

fn cwd(process: &Process) -> String {
    process.cwd().to_string_lossy().into_owned()
}

/// The last value of a variable counts; bare names vanish; names that differ in case both stay.
fn environment(entries: &[String]) -> BTreeMap<String, String> {
    let pairs = entries.iter().filter_map(|entry| entry.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
