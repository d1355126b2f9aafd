//! Promises about processes.

use schema::process::{ControlEvent, ProcessParameters};
use schema::{ConsoleSize, ExitCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Fixture, Subject, code_of, within};
use crate::{Engine, ErrorKind, Process, System};

pub(super) async fn all_32_bits_of_an_exit_code_arrive<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "codes").await;
    for code in [0, 1, 255, 256, 305_419_896, 0xC000_0005] {
        let process = subject.spawn(fixture.exits(code)).await;
        assert_eq!(code_of(&process).await, code);
    }
    subject.end().await;
}

pub(super) async fn an_exit_code_is_told_every_time<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "again").await;
    let process = subject.spawn(fixture.exits(7)).await;
    let other = process.clone();
    let both = tokio::join!(code_of(&process), code_of(&other));
    assert_eq!(both, (7, 7));
    assert_eq!(code_of(&process).await, 7, "also long after");
    subject.end().await;
}

pub(super) async fn stdin_goes_to_stdout_until_its_end<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "echo").await;
    let parameters = ProcessParameters {
        command_line: fixture.echoes(),
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let (process, streams) = within(subject.system.spawn(&parameters)).await.expect("spawn");
    let mut stdin = streams.stdin.expect("asked for");
    let mut stdout = streams.stdout.expect("asked for");
    assert!(streams.stderr.is_none(), "not asked for");
    stdin.write_all(b"first\r\nsecond\r\n").await.expect("a pipe has room");
    stdin.shutdown().await.expect("nothing is lost");
    drop(stdin);
    let mut heard = String::new();
    within(stdout.read_to_string(&mut heard)).await.expect("read");
    assert_eq!(heard.lines().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(code_of(&process).await, 0);
    subject.end().await;
}

pub(super) async fn stderr_is_a_stream_of_its_own<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "stderr").await;
    let parameters = ProcessParameters {
        command_line: fixture.complains("ouch"),
        create_std_out_pipe: true,
        create_std_err_pipe: true,
        ..ProcessParameters::default()
    };
    let (process, streams) = within(subject.system.spawn(&parameters)).await.expect("spawn");
    let (mut out, mut err) = (String::new(), String::new());
    let mut stdout = streams.stdout.expect("asked for");
    let mut stderr = streams.stderr.expect("asked for");
    within(stderr.read_to_string(&mut err)).await.expect("read");
    within(stdout.read_to_string(&mut out)).await.expect("read");
    assert_eq!((out.trim(), err.trim()), ("", "ouch"));
    code_of(&process).await;
    subject.end().await;
}

pub(super) async fn streams_that_nobody_asked_for_are_not_there<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "silent").await;
    let parameters =
        ProcessParameters { command_line: fixture.exits(3), ..ProcessParameters::default() };
    let (process, streams) = within(subject.system.spawn(&parameters)).await.expect("spawn");
    assert!(streams.stdin.is_none() && streams.stdout.is_none() && streams.stderr.is_none());
    assert_eq!(code_of(&process).await, 3);
    subject.end().await;
}

pub(super) async fn a_missing_program_is_windows_error_2<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "missing").await;
    let parameters =
        ProcessParameters { command_line: fixture.missing(), ..ProcessParameters::default() };
    let refused = within(subject.system.spawn(&parameters)).await.err().expect("no such program");
    assert!(matches!(&refused.kind, ErrorKind::Guest(failure) if failure.code == 2), "{refused:?}");
    let process = subject.spawn(fixture.exits(0)).await;
    assert_eq!(code_of(&process).await, 0, "the system is unharmed");
    subject.end().await;
}

pub(super) async fn no_process_starts_before_the_system<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::created(engine, fixture, "early").await;
    let parameters =
        ProcessParameters { command_line: fixture.exits(0), ..ProcessParameters::default() };
    let refused = within(subject.system.spawn(&parameters)).await.err().expect("not started");
    assert!(matches!(refused.kind, ErrorKind::InvalidState { .. }), "{refused:?}");
    subject.end().await;
}

pub(super) async fn a_process_can_be_ended_with_any_code<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "kill").await;
    let process = subject.spawn(fixture.lasts()).await;
    assert!(within(process.terminate(ExitCode(1067))).await.expect("terminate"));
    assert_eq!(code_of(&process).await, 1067);
    subject.end().await;
}

pub(super) async fn an_ended_process_cannot_be_ended_or_signalled<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "late").await;
    let process = subject.spawn(fixture.exits(5)).await;
    assert_eq!(code_of(&process).await, 5);
    assert!(!within(process.terminate(ExitCode(1))).await.expect("told, not failed"));
    assert!(!within(process.signal(ControlEvent::CtrlC)).await.expect("told, not failed"));
    assert_eq!(code_of(&process).await, 5, "the code stays");
    subject.end().await;
}

pub(super) async fn only_a_console_can_be_resized<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "resize").await;
    let size = ConsoleSize { height: 40, width: 100 };
    let plain = subject.spawn(fixture.lasts()).await;
    within(plain.resize(size)).await.expect_err("it has no console");
    let parameters = ProcessParameters {
        command_line: fixture.lasts(),
        emulate_console: true,
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        console_size: Some([25, 80]),
        ..ProcessParameters::default()
    };
    let (process, streams) = within(subject.system.spawn(&parameters)).await.expect("spawn");
    assert!(streams.stdin.is_some() && streams.stdout.is_some() && streams.stderr.is_none());
    let resized = within(process.resize(size)).await;
    if fixture.consoles_keep_their_size() {
        let refused = resized.expect_err("it has the size that it was made with");
        assert!(matches!(refused.kind, ErrorKind::Unsupported { .. }), "{refused:?}");
    } else {
        resized.expect("resize");
    }
    subject.end().await;
}

pub(super) async fn processes_are_listed_while_they_run<E: Engine, F: Fixture>(
    engine: &E,
    fixture: &F,
) {
    let subject = Subject::started(engine, fixture, "list").await;
    let process = subject.spawn(fixture.lasts()).await;
    assert!(subject.listed_pids().await.contains(&process.pid().0));
    within(process.terminate(ExitCode(1))).await.expect("terminate");
    code_of(&process).await;
    assert!(!subject.listed_pids().await.contains(&process.pid().0));
    subject.end().await;
}

pub(super) async fn a_process_ends_with_its_system<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "with").await;
    let process = subject.spawn(fixture.lasts()).await;
    subject.end().await;
    code_of(&process).await;
}
