//! What creates a process: command lines and process parameters.

use schema::container::Environment;
use schema::process::ProcessParameters;

use crate::annotations::names;
use crate::oci::{Annotations, Process};
use crate::paths;
use crate::request::Streams;

/// Where a process is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessHost {
    /// In a Windows container, or in a Windows VM beside its containers.
    Windows,
    /// In a Linux VM beside its containers.
    LinuxVm,
    /// In a Linux container. The first process was in the container's own document.
    LinuxContainer,
}

/// The parameters that create `process`, or the first process of a Linux container.
pub fn parameters(
    process: Option<&Process>,
    streams: Streams,
    host: ProcessHost,
) -> ProcessParameters {
    let base = ProcessParameters {
        create_std_in_pipe: streams.stdin,
        create_std_out_pipe: streams.stdout,
        create_std_err_pipe: streams.stderr,
        ..ProcessParameters::default()
    };
    match (host, process) {
        (_, None) => base,
        (ProcessHost::LinuxContainer, Some(process)) => ProcessParameters {
            oci_process: Some(
                serde_json::to_value(process).expect("a process has only JSON's own types"),
            ),
            ..base
        },
        (ProcessHost::LinuxVm, Some(process)) => {
            ProcessParameters { command_args: process.args.clone(), ..described(process, base) }
        }
        (ProcessHost::Windows, Some(process)) => ProcessParameters {
            command_line: windows_command_line(process),
            ..described(process, base)
        },
    }
}

/// The parameters that create `process` in a Windows container.
pub fn process_parameters(process: &Process, streams: Streams) -> ProcessParameters {
    parameters(Some(process), streams, ProcessHost::Windows)
}

fn described(process: &Process, base: ProcessParameters) -> ProcessParameters {
    ProcessParameters {
        user: process.user.username.clone(),
        working_directory: process.cwd.clone(),
        environment: environment(&process.env),
        emulate_console: process.terminal,
        console_size: process.console_size.map(|size| [narrow(size.height), narrow(size.width)]),
        ..base
    }
}

/// Drops the upper half, as the originals do.
#[expect(clippy::cast_possible_truncation, reason = "documents hold what the originals send")]
fn narrow(value: u64) -> i32 {
    value as i32
}

fn windows_command_line(process: &Process) -> String {
    if process.command_line.is_empty() {
        command_line(&process.args)
    } else {
        process.command_line.clone()
    }
}

/// Variables by name. Those without a value do not exist on Windows and are dropped.
fn environment(entries: &[String]) -> Environment {
    entries
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Joins arguments to a command line that a Windows program splits into the same arguments.
pub fn command_line<S: AsRef<str>>(args: &[S]) -> String {
    let mut line = String::new();
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            line.push(' ');
        }
        append_argument(&mut line, arg.as_ref());
    }
    line
}

fn append_argument(line: &mut String, arg: &str) {
    let quoted = arg.is_empty() || arg.contains([' ', '\t']);
    if quoted {
        line.push('"');
    }
    let mut backslashes = 0;
    for character in arg.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                // Backslashes count double before a quote, and the quote needs one of its own.
                line.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        line.push(character);
    }
    if quoted {
        line.extend(std::iter::repeat_n('\\', backslashes));
        line.push('"');
    }
}

/// Wraps the process of a host process container in a VM: the guest looks for the program outside
/// of the container, so it is always `cmd` that is started.
pub fn adjust_isolated_host_process(process: &mut Process, annotations: &Annotations) {
    if !process.command_line.is_empty() {
        let first = process.command_line.split_whitespace().next().unwrap_or_default();
        if !is_cmd(first) {
            process.command_line.insert_str(0, "cmd /c ");
        }
    } else if process.args.first().is_some_and(|first| !is_cmd(first.trim())) {
        process.args.splice(0..0, ["cmd".to_owned(), "/c".to_owned()]);
    }
    let inherit = annotations.get(names::HOST_PROCESS_INHERIT_USER);
    if inherit.is_some_and(|value| value == "true") {
        process.user.username = r"NT AUTHORITY\SYSTEM".into();
    }
}

fn is_cmd(program: &str) -> bool {
    matches!(paths::name(&program.to_lowercase()).as_str(), "cmd" | "cmd.exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_the_way_through_a_command_line() {
        let cases: &[(&[&str], &str)] = &[
            (&["a b", "c"], r#""a b" c"#),
            (&[r#"say "hi""#], r#""say \"hi\"""#),
            (&[r"C:\dir with space\"], r#""C:\dir with space\\""#),
            (&["", "x"], r#""" x"#),
        ];
        for (args, line) in cases {
            assert_eq!(command_line(args), *line);
        }
    }

    /// hcsshim's `task_hcs_test.go`: the table of an isolated host process container's arguments,
    /// the command line's half.
    #[test]
    fn a_host_process_runs_in_cmd_unless_it_is_cmd_wherever_that_is() {
        for (line, wrapped) in [
            ("cmd /c dir", false),
            ("CMD /C whoami", false),
            ("CmD /c dir", false),
            ("cmd.exe /c dir", false),
            ("  cmd /c dir", false),
            ("   CMD /C whoami", false),
            (r"C:\Windows\System32\cmd.exe /c dir", false),
            (r"C:\Windows\System32\CMD.exe /c x", false),
            (r"c:cmd /c x", false),
            (r"bin/cmd\ x", false),
            ("echo hello", true),
            ("cmdkey /list", true),
            ("cmdtool foo", true),
            ("    ", true),
        ] {
            let mut process = Process { command_line: line.to_owned(), ..Process::default() };
            adjust_isolated_host_process(&mut process, &Annotations::new());
            let expected = if wrapped { format!("cmd /c {line}") } else { line.to_owned() };
            assert_eq!(process.command_line, expected);
        }
    }

    /// The same table: the half with arguments.
    #[test]
    fn a_host_process_arguments_begin_with_cmd_unless_they_do_already() {
        let unchanged = ["CMD", "cmd", "Cmd", "  CMD  ", "cmd.exe", r"C:\Windows\System32\cmd.exe"];
        let rows = unchanged.map(|first| (vec![first, "/c", "x"], false));
        let wrapped =
            [(vec!["echo", "hello"], true), (vec!["cmdkey", "/list"], true), (vec![], false)];
        for (args, wrapped) in rows.into_iter().chain(wrapped) {
            let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
            let mut process = Process { args: args.clone(), ..Process::default() };
            adjust_isolated_host_process(&mut process, &Annotations::new());
            let own = ["cmd".to_owned(), "/c".to_owned()];
            let expected = if wrapped { [&own[..], &args].concat() } else { args };
            assert_eq!((process.args, process.command_line.as_str()), (expected, ""));
        }
    }

    /// The same table: "same, user part".
    #[test]
    fn a_host_process_runs_as_the_system_only_where_it_is_to_inherit() {
        for (asked, user, expected) in [
            (Some("true"), "", r"NT AUTHORITY\SYSTEM"),
            (Some("true"), "somebody", r"NT AUTHORITY\SYSTEM"),
            (Some("false"), "somebody", "somebody"),
            (None, "somebody", "somebody"),
        ] {
            let asked = asked.map(|value| (names::HOST_PROCESS_INHERIT_USER.into(), value.into()));
            let annotations = Annotations::from_iter(asked);
            let mut process = Process::default();
            process.user.username = user.to_owned();
            adjust_isolated_host_process(&mut process, &annotations);
            assert_eq!(process.user.username, expected);
        }
    }

    #[test]
    fn a_variable_without_a_value_is_dropped() {
        let entries = ["A=1".to_owned(), "B=".to_owned(), "C".to_owned(), "A=2=3".to_owned()];
        assert_eq!(environment(&entries), Environment::from([("A".into(), "2=3".into())]));
    }
}
