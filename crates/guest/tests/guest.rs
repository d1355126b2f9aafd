//! The guest, driven as a silo host drives it, with Wine's own programs.

#![cfg(target_os = "linux")]

mod support;

use schema::guest::{Answer, Call, Event, Spawn};
use support::{Guest, command, pipe, read_all};

#[test]
fn a_process_gets_its_raw_command_line_and_reports_all_32_bits() {
    let mut guest = Guest::start("exit");
    let output = guest.run(command(r#"cmd /c "echo a "b c" d& exit 305419896""#), b"");
    assert_eq!(output.stdout.trim_end(), r#"a "b c" d"#);
    assert_eq!(output.code, 305_419_896);
}

#[test]
fn a_missing_program_is_named_with_windows_error_2() {
    let mut guest = Guest::start("missing");
    let failure = guest.spawn(command("nosuch.exe --flag"), &[]).unwrap_err();
    assert!(matches!(failure.code, 2 | 3), "{failure}");
    assert!(failure.message.contains("`nosuch.exe`"), "{failure}");
}

#[test]
fn a_bad_directory_is_named_with_windows_error_267() {
    let mut guest = Guest::start("directory");
    let spawn = Spawn { working_directory: r"C:\nowhere".into(), ..command("cmd /c exit") };
    let failure = guest.spawn(spawn, &[]).unwrap_err();
    assert_eq!(failure.code, 267);
    assert!(failure.message.contains(r"C:\nowhere"), "{failure}");
}

#[test]
fn standard_streams_are_apart_and_end() {
    let mut guest = Guest::start("streams");
    let output = guest.run(command("cmd /c find \"x\"& echo oops 1>&2"), b"ax\r\nb\r\ncx\r\n");
    assert_eq!(output.stdout.replace('\r', ""), "ax\ncx\n");
    assert_eq!(output.stderr.trim_end(), "oops");
}

#[test]
fn a_child_does_not_hold_another_ones_pipe() {
    let mut guest = Guest::start("leak");
    let (sleeper_in, keep) = pipe();
    let sleeper = Spawn { stdin: true, ..command("cmd /c pause") };
    let (out_read, out_write) = pipe();
    let one = Spawn { stdout: true, ..command("cmd /c echo one") };
    let one = guest.spawn(one, &[out_write]).unwrap();
    let sleeper = guest.spawn(sleeper, &[sleeper_in]).unwrap();
    assert_eq!(read_all(out_read).trim_end(), "one");
    assert_eq!(guest.exit_of(one), 0);
    drop(keep);
    guest.exit_of(sleeper);
}

#[test]
fn shutdown_ends_what_runs_and_then_the_session() {
    let mut guest = Guest::start("shutdown");
    let (stdin, _keep) = pipe();
    let pid = guest.spawn(Spawn { stdin: true, ..command("cmd /c pause") }, &[stdin]).unwrap();
    let answer = guest.call(Call::Shutdown { grace_ms: 2000 }, &[]).unwrap();
    assert_eq!(answer, Answer::Done);
    assert!(matches!(guest.event(), Event::Exited { pid: of, .. } if of == pid));
    assert!(guest.ended());
}
