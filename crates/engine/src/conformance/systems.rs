//! Promises about compute systems.

use schema::process::ProcessParameters;
use schema::properties::{PropertyType, State};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::{Fixture, Subject, assert_gone, id, within};
use crate::{Engine, ErrorKind, ExitKind, Process as _, System};

pub(super) async fn a_created_system_is_open_to_all_until_it_has_ended<E, F>(
    engine: &E,
    fixture: &F,
) where
    E: Engine,
    F: Fixture,
{
    let subject = Subject::created(engine, fixture, "open").await;
    assert_eq!(subject.state().await, State::Created);
    let other = within(engine.open(&subject.id)).await.expect("open");
    assert_eq!(other.id(), &subject.id);
    within(other.start()).await.expect("start through another handle");
    assert_eq!(subject.state().await, State::Running);
    let listed = within(engine.list(None)).await.expect("list");
    assert!(listed.iter().any(|found| found.id == subject.id.as_str()));
    let owned = within(engine.list(Some("nobody-owns-this"))).await.expect("list");
    assert!(owned.iter().all(|found| found.id != subject.id.as_str()));
    subject.end().await;
}

pub(super) async fn an_id_in_use_is_refused<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::created(engine, fixture, "twice").await;
    let document = fixture.document(&subject.id).await;
    let refused = within(engine.create(&subject.id, &document)).await.err().expect("refused");
    assert!(matches!(refused.kind, ErrorKind::AlreadyExists), "{refused:?}");
    assert_eq!(subject.state().await, State::Created, "the first one is untouched");
    subject.end().await;
    let again = Subject::created(engine, fixture, "twice").await;
    again.end().await;
}

pub(super) async fn a_refused_document_leaves_nothing_behind<E, F>(engine: &E, fixture: &F)
where
    E: Engine,
    F: Fixture,
{
    let id = id("empty");
    let mut document = fixture.document(&id).await;
    document.container = None;
    document.virtual_machine = None;
    assert!(within(engine.create(&id, &document)).await.is_err());
    assert_gone(engine, &id).await;
    fixture.release(&id).await;
}

pub(super) async fn start_is_granted_once<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "start").await;
    let refused = within(subject.system.start()).await.expect_err("refused");
    assert!(matches!(refused.kind, ErrorKind::InvalidState { .. }), "{refused:?}");
    subject.end().await;
}

pub(super) async fn ending_may_be_repeated<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "end").await;
    let system = subject.system.clone();
    subject.end().await;
    within(system.terminate()).await.expect("a system already gone is a success");
    within(system.shutdown()).await.expect("a system already gone is a success");
    assert_eq!(within(system.wait()).await.kind, ExitKind::Forced);
    assert_eq!(within(system.wait()).await.kind, ExitKind::Forced, "told every time");
}

pub(super) async fn a_shutdown_shows_in_wait<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "shutdown").await;
    let _process = subject.spawn(fixture.lasts()).await;
    within(subject.system.shutdown()).await.expect("shutdown");
    assert_eq!(within(subject.system.wait()).await.kind, ExitKind::Graceful);
    subject.end().await;
}

pub(super) async fn dropping_every_handle_lets_the_system_run_on<E, F>(engine: &E, fixture: &F)
where
    E: Engine,
    F: Fixture,
{
    let subject = Subject::started(engine, fixture, "drop").await;
    let pid = crate::Process::pid(&subject.spawn(fixture.lasts()).await);
    let Subject { id, system, .. } = subject;
    drop(system);
    let system = within(engine.open(&id)).await.expect("it runs on");
    let subject = Subject { engine, fixture, id, system };
    assert!(subject.listed_pids().await.contains(&pid.0));
    subject.end().await;
}

pub(super) async fn a_paused_system_stands_still_until_it_is_resumed<E, F>(engine: &E, fixture: &F)
where
    E: Engine,
    F: Fixture,
{
    let subject = Subject::started(engine, fixture, "pause").await;
    let parameters = ProcessParameters {
        command_line: fixture.echoes(),
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let (process, streams) = within(subject.system.spawn(&parameters)).await.expect("spawn");
    let mut stdin = streams.stdin.expect("asked for");
    let mut lines = BufReader::new(streams.stdout.expect("asked for")).lines();

    let refused = within(subject.system.resume()).await.expect_err("it is not paused");
    assert!(matches!(refused.kind, ErrorKind::InvalidState { .. }), "{refused:?}");
    within(subject.system.pause()).await.expect("pause");
    assert_eq!(subject.state().await, State::Paused);
    within(subject.system.pause()).await.expect_err("it is paused already");
    let told = within(subject.system.properties(&[PropertyType::ProcessList])).await;
    let list = told.expect("what stands still can be listed").process_list.unwrap_or_default();
    assert!(list.iter().any(|known| known.process_id == process.pid().0), "{list:?}");
    stdin.write_all(b"thaw\r\n").await.expect("a pipe has room");
    stdin.flush().await.expect("a pipe has room");
    within(subject.system.resume()).await.expect("resume");
    assert_eq!(subject.state().await, State::Running);
    let line = within(lines.next_line()).await.expect("read").expect("a line");
    assert!(line.contains("thaw"), "{line:?}");

    drop(stdin);
    assert_eq!(super::code_of(&process).await, 0);
    subject.end().await;
}

pub(super) async fn events_end_with_the_system<E: Engine, F: Fixture>(engine: &E, fixture: &F) {
    let subject = Subject::started(engine, fixture, "events").await;
    let mut events = within(subject.system.events()).await.expect("events");
    subject.end().await;
    assert_eq!(within(events.recv()).await, None);
}
