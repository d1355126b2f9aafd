//! Other processes in a container.

use schema::ExitCode;
use ttrpc::Code;

use super::{Shim, process, within};
use crate::client::{Stdio, TaskStatus};

const KILL: u32 = 9;

/// Order of events, "exec normal".
#[tokio::test]
async fn an_exec_is_told_in_order_and_gone_when_deleted() {
    let mut shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.run_exec("c1", "e", "exit 7").await;
    assert_eq!(within(shim.client.wait("c1", Some("e"))).await.unwrap().code, ExitCode(7));
    assert_eq!(shim.client.delete("c1", Some("e")).await.unwrap().code, ExitCode(7));
    assert!(shim.client.state("c1", Some("e")).await.unwrap_err().is_not_found());
    assert_eq!(
        shim.events(6).await,
        [
            "create c1",
            "start c1",
            "exec-added c1/e",
            "exec-started c1/e",
            "exit c1/e 7",
            "delete c1/e 7"
        ]
    );
    // The id is free again.
    shim.run_exec("c1", "e", "exit 8").await;
    assert_eq!(within(shim.client.wait("c1", Some("e"))).await.unwrap().code, ExitCode(8));
}

#[tokio::test]
async fn an_exec_needs_a_free_id_and_a_running_task() {
    let shim = Shim::standalone("c1").await;
    shim.create("c1", "wait").await;
    let (spec, none) = (process("wait"), Stdio::default());
    let refused = shim.client.exec("c1", "e", &spec, &none).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION), "not running yet");
    shim.client.start_process("c1", None).await.unwrap();
    shim.client.exec("c1", "e", &spec, &none).await.unwrap();
    for taken in ["e", "c1", ""] {
        let refused = shim.client.exec("c1", taken, &spec, &none).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::ALREADY_EXISTS), "{taken:?}");
    }
    let both = Stdio { stderr: "/x".to_owned(), terminal: true, ..Stdio::default() };
    let refused = shim.client.exec("c1", "f", &spec, &both).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    let missing = Stdio { stdout: "/nowhere/pipe".to_owned(), ..Stdio::default() };
    shim.client.exec("c1", "g", &spec, &missing).await.unwrap_err();
    shim.client.exec("c1", "g", &spec, &none).await.expect("the id was given back");
}

/// Order of events, "exec start fails": the exec ends with 1.
#[tokio::test]
async fn an_exec_that_cannot_start_ends_with_1_and_harms_nobody() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.client.exec("c1", "e", &process("nosuch.exe"), &Stdio::default()).await.unwrap();
    shim.client.start_process("c1", Some("e")).await.unwrap_err();
    assert_eq!(within(shim.client.wait("c1", Some("e"))).await.unwrap().code, ExitCode(1));
    assert_eq!(shim.client.state("c1", None).await.unwrap().status, TaskStatus::Running);
}

/// hcsshim's `task_hcs_test.go`: kill and delete of a second exec.
#[tokio::test]
async fn signals_reach_the_process_that_they_are_for() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.run_exec("c1", "e", "wait").await;
    let refused = shim.client.kill("c1", Some("e"), KILL, true).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION), "all, and one exec");
    let refused = shim.client.delete("c1", Some("e")).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION), "it runs");
    shim.client.kill("c1", Some("e"), KILL, false).await.unwrap();
    assert_eq!(within(shim.client.wait("c1", Some("e"))).await.unwrap().code, ExitCode(1067));
    assert_eq!(shim.client.state("c1", None).await.unwrap().status, TaskStatus::Running);
}

/// hcsshim's `task_hcs_test.go`: "delete 2nd exec: created / exited", and "delete init: created /
/// exited", with an exec that has ended.
#[tokio::test]
async fn what_never_ran_is_deleted_with_0_and_what_has_ended_with_its_code() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let (spec, none) = (process("wait"), Stdio::default());
    shim.client.exec("c1", "never", &spec, &none).await.unwrap();
    let deleted = within(shim.client.delete("c1", Some("never"))).await.unwrap();
    assert_eq!((deleted.pid.0, deleted.code), (0, ExitCode(0)));
    assert!(shim.client.state("c1", Some("never")).await.unwrap_err().is_not_found());

    shim.run_exec("c1", "e", "exit 7").await;
    within(shim.client.wait("c1", Some("e"))).await.unwrap();
    shim.client.kill("c1", None, KILL, false).await.unwrap();
    within(shim.client.wait("c1", None)).await.unwrap();
    let deleted = within(shim.client.delete("c1", Some("e"))).await.unwrap();
    assert_eq!((deleted.pid.0, deleted.code), (8, ExitCode(7)));
    let deleted = within(shim.client.delete("c1", None)).await.unwrap();
    assert_eq!((deleted.pid.0, deleted.code), (4, ExitCode(1067)));
}

/// hcsshim's `task_hcs_test.go`: "delete init running, 2nd exec created".
#[tokio::test]
async fn a_refused_deletion_of_the_task_has_ended_an_exec_that_never_ran() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.client.exec("c1", "e", &process("wait"), &Stdio::default()).await.unwrap();
    let refused = shim.client.delete("c1", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    assert_eq!(within(shim.client.wait("c1", Some("e"))).await.unwrap().code, ExitCode(1));
    assert_eq!(shim.client.state("c1", None).await.unwrap().status, TaskStatus::Running);
}

/// hcsshim's `task_hcs_test.go`: "delete init running, 2nd exec running".
#[tokio::test]
async fn deleting_a_running_task_ends_its_execs_and_is_refused() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.run_exec("c1", "e", "wait").await;
    let refused = shim.client.delete("c1", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    within(shim.client.wait("c1", Some("e"))).await.unwrap();
}

#[tokio::test]
async fn execs_end_with_their_task() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.run_exec("c1", "e", "wait").await;
    shim.client.exec("c1", "idle", &process("wait"), &Stdio::default()).await.unwrap();
    shim.client.kill("c1", None, KILL, true).await.unwrap();
    within(shim.client.wait("c1", Some("e"))).await.unwrap();
    within(shim.client.wait("c1", Some("idle"))).await.unwrap();
    within(shim.client.wait("c1", None)).await.unwrap();
    within(shim.client.delete("c1", None)).await.unwrap();
}

/// One that ignores the shutdown does not keep a killed container.
#[tokio::test]
async fn a_stubborn_exec_ends_soon_after_a_killed_task() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.run_exec("c1", "e", "stubborn").await;
    shim.client.kill("c1", None, KILL, false).await.unwrap();
    let soon = std::time::Duration::from_secs(15);
    tokio::time::timeout(soon, shim.client.wait("c1", None)).await.unwrap().unwrap();
    within(shim.client.wait("c1", Some("e"))).await.unwrap();
}

/// Nothing of an exec stays in the shim.
#[tokio::test]
async fn many_execs_come_and_go() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    for round in 0..200 {
        shim.run_exec("c1", "e", &format!("exit {round}")).await;
        let exit = within(shim.client.wait("c1", Some("e"))).await.unwrap();
        assert_eq!(exit.code, ExitCode(round));
        shim.client.delete("c1", Some("e")).await.unwrap();
    }
    assert_eq!(shim.client.pids("c1").await.unwrap().len(), 1);
}
