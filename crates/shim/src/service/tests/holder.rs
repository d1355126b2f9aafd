//! hcsshim's `exec_wcow_podsandbox_test.go`: the fake sandbox, a row each.

use std::time::SystemTime;

use containerd_shim_protos::api::StateRequest;
use schema::{ConsoleSize, ExitCode};
use ttrpc::Code;
use ttrpc::context::Context;

use super::{Shim, within};
use crate::client::TaskStatus;

const KILL: u32 = 9;

async fn created() -> Shim {
    let shim = Shim::pod("pod").await;
    shim.create_holder("pod").await;
    shim
}

async fn running() -> Shim {
    let shim = created().await;
    shim.client.start_process("pod", None).await.unwrap();
    shim
}

async fn exited() -> Shim {
    let shim = running().await;
    shim.client.kill("pod", None, 0, false).await.unwrap();
    shim
}

/// "initial status", "id".
#[tokio::test]
async fn a_created_one_is_told_in_full() {
    let shim = created().await;
    let request = StateRequest { id: "pod".to_owned(), ..StateRequest::default() };
    let state = shim.client.raw().state(Context::default(), &request).await.unwrap();
    assert_eq!((state.id.as_str(), state.exec_id.as_str()), ("pod", "pod"));
    assert_eq!((state.pid, state.exit_status), (0, 255));
    assert_eq!(state.exited_at.seconds, -62_135_596_800);
    assert_eq!(state.bundle, shim.path("bundle-pod").display().to_string());
    assert!(!state.terminal);
    assert_eq!([state.stdin, state.stdout, state.stderr], [""; 3]);
}

/// "pid", "state", "status".
#[tokio::test]
async fn its_pid_is_1_from_the_start_on_and_its_status_that_of_its_end() {
    let shim = created().await;
    let state = || async { shim.client.state("pod", None).await.unwrap() };
    assert_eq!((state().await.status, state().await.pid.0), (TaskStatus::Created, 0));
    shim.client.start_process("pod", None).await.unwrap();
    assert_eq!((state().await.status, state().await.pid.0), (TaskStatus::Running, 1));
    shim.client.kill("pod", None, 0, false).await.unwrap();
    let told = state().await;
    assert_eq!((told.status, told.pid.0), (TaskStatus::Stopped, 1));
    assert_eq!(told.exit.unwrap().code, ExitCode(0));
}

/// "start twice".
#[tokio::test]
async fn it_starts_once() {
    for shim in [running().await, exited().await] {
        let refused = shim.client.start_process("pod", None).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    }
}

/// "kill created / kill running, then again".
#[tokio::test]
async fn it_is_killed_once_by_any_number() {
    for (shim, code) in [(created().await, 1), (running().await, 0)] {
        shim.client.kill("pod", None, 4711, false).await.unwrap();
        assert_eq!(within(shim.client.wait("pod", None)).await.unwrap().code, ExitCode(code));
        let again = shim.client.kill("pod", None, KILL, false).await.unwrap_err();
        assert!(again.is_not_found());
    }
}

/// "resize" and "closeIO in created/running/exited".
#[tokio::test]
async fn it_has_no_terminal_and_no_stdin_to_close_in_any_state() {
    for shim in [created().await, running().await, exited().await] {
        let size = ConsoleSize { height: 3, width: 3 };
        let refused = shim.client.resize("pod", None, size).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
        shim.client.close_io("pod", None).await.unwrap();
    }
}

/// "wait issued before kill (created or running)".
#[tokio::test]
async fn who_waits_is_told_after_the_kill() {
    for shim in [created().await, running().await] {
        let client = shim.client.clone();
        let waits = tokio::spawn(async move { client.wait("pod", None).await.unwrap() });
        shim.client.state("pod", None).await.unwrap();
        assert!(!waits.is_finished());
        let before = SystemTime::now();
        shim.client.kill("pod", None, KILL, false).await.unwrap();
        let exit = within(waits).await.unwrap();
        assert!(exit.at >= before, "{:?} is before {before:?}", exit.at);
        let late = within(shim.client.wait("pod", None)).await.unwrap();
        assert_eq!((late.code, late.at), (exit.code, exit.at));
    }
}

/// What is told of its deletion.
#[tokio::test]
async fn its_events_are_those_of_any_task() {
    let mut shim = exited().await;
    within(shim.client.wait("pod", None)).await.unwrap();
    shim.client.delete("pod", None).await.unwrap();
    assert_eq!(
        shim.events(4).await,
        ["create pod", "start pod", "exit pod/pod 0", "delete pod/ 0"]
    );
    let mut shim = created().await;
    let deleted = within(shim.client.delete("pod", None)).await.unwrap();
    assert_eq!(deleted.code, ExitCode(1), "a forced exit's");
    assert_eq!(shim.events(3).await, ["create pod", "exit pod/pod 1", "delete pod/ 1"]);
    let running = running().await;
    let refused = running.client.delete("pod", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
}

/// It answers as a task does.
#[tokio::test]
async fn nothing_of_a_container_can_be_asked_of_it() {
    let shim = running().await;
    let pids = shim.client.pids("pod").await.unwrap();
    assert_eq!((pids.len(), pids[0].pid, pids[0].exec_id.as_str()), (1, 1, "pod"));
    let resources = oci_spec::runtime::WindowsResources::default();
    let refused = shim.client.update("pod", &resources).await.unwrap_err();
    assert!(format!("{:#}", anyhow::Error::from(refused)).contains("task is not isolated"));
    let listed = shim.client.tasks(true).await.unwrap();
    assert_eq!(listed[0].execs, [("pod".to_owned(), "running".to_owned())]);
}
