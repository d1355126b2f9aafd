//! One container's life, through every method.

use oci_spec::runtime::WindowsResourcesBuilder;
use schema::{ExitCode, Pid, SystemId};
use ttrpc::Code;

use super::{Shim, within};
use crate::client::{Stdio, TaskStatus};
use engine::Engine as _;

const KILL: u32 = 9;
const TERM: u32 = 15;

/// Order of events, "normal run".
#[tokio::test]
async fn a_normal_run_is_told_in_order_and_gives_everything_back() {
    let mut shim = Shim::standalone("c1").await;
    shim.run("c1", "exit 305419896").await;
    let exit = within(shim.client.wait("c1", None)).await.unwrap();
    assert_eq!(exit.code, ExitCode(305_419_896));
    assert_eq!(shim.held(), [], "given back before the wait returns");
    let deleted = within(shim.client.delete("c1", None)).await.unwrap();
    assert_eq!((deleted.code, deleted.pid), (exit.code, Pid(4)));
    assert_eq!(
        shim.events(4).await,
        ["create c1", "start c1", "exit c1/c1 305419896", "delete c1/ 305419896"]
    );
    assert!(shim.engine.list(None).await.unwrap().is_empty());
    assert!(!shim.path("ledgers/test-c1.jsonl").exists());
    // The slot is kept.
    let state = shim.client.state("c1", None).await.unwrap();
    assert_eq!(state.status, TaskStatus::Stopped);
}

/// hcsshim's `service_internal_taskshim_test.go`: state, wrong task and wrong exec id.
#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let shim = Shim::standalone("c1").await;
    assert!(shim.client.state("c1", None).await.unwrap_err().is_not_found(), "before create");
    shim.create("c1", "wait").await;
    assert!(shim.client.state("other", None).await.unwrap_err().is_not_found());
    let client = &shim.client;
    // The task's own id is no exec id, which hcsshim takes it for.
    for exec in ["c1", "nosuch", "../x"] {
        assert!(client.state("c1", Some(exec)).await.unwrap_err().is_not_found());
        assert!(client.start_process("c1", Some(exec)).await.unwrap_err().is_not_found());
        assert!(client.kill("c1", Some(exec), KILL, false).await.unwrap_err().is_not_found());
        assert!(client.delete("c1", Some(exec)).await.unwrap_err().is_not_found());
        assert!(client.close_io("c1", Some(exec)).await.unwrap_err().is_not_found());
        assert!(client.wait("c1", Some(exec)).await.unwrap_err().is_not_found());
    }
}

#[tokio::test]
async fn a_state_follows_the_life() {
    let shim = Shim::standalone("c1").await;
    shim.create("c1", "wait").await;
    let state = shim.client.state("c1", None).await.unwrap();
    assert_eq!((state.status, state.pid, state.exit), (TaskStatus::Created, Pid(0), None));
    shim.client.start_process("c1", None).await.unwrap();
    let state = shim.client.state("c1", None).await.unwrap();
    assert_eq!((state.status, state.pid), (TaskStatus::Running, Pid(4)));
    shim.client.pause("c1").await.unwrap();
    assert_eq!(shim.client.state("c1", None).await.unwrap().status, TaskStatus::Paused);
    let refused = shim.client.pause("c1").await.unwrap_err();
    assert!(refused.to_string().contains("pause"), "{refused}");
    shim.client.resume("c1").await.unwrap();
    assert_eq!(shim.client.state("c1", None).await.unwrap().status, TaskStatus::Running);
    let refused = shim.client.resume("c1").await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
}

#[tokio::test]
async fn a_paused_container_can_be_killed() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    shim.client.pause("c1").await.unwrap();
    shim.client.kill("c1", None, KILL, false).await.unwrap();
    assert_eq!(within(shim.client.wait("c1", None)).await.unwrap().code, ExitCode(1067));
}

#[tokio::test]
async fn start_is_granted_once() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let refused = shim.client.start_process("c1", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
}

/// Order of events, "init start fails".
#[tokio::test]
async fn a_missing_program_is_named_and_gives_everything_back() {
    let mut shim = Shim::standalone("c1").await;
    shim.create("c1", "nosuch.exe").await;
    let refused = within(shim.client.start_process("c1", None)).await.unwrap_err();
    let text = format!("{:#}", anyhow::Error::from(refused));
    assert!(text.contains("nosuch.exe") && text.contains("Windows error 2"), "{text}");
    let exit = within(shim.client.wait("c1", None)).await.unwrap();
    assert_eq!(exit.code, ExitCode(1));
    shim.client.delete("c1", None).await.unwrap();
    assert_eq!(shim.events(3).await, ["create c1", "exit c1/c1 1", "delete c1/ 1"]);
    assert_eq!(shim.held(), []);
}

/// Order of events, "init killed before start" and "init deleted before start".
#[tokio::test]
async fn a_container_that_never_started_ends_by_kill_or_delete() {
    let mut shim = Shim::standalone("c1").await;
    shim.create("c1", "wait").await;
    shim.client.kill("c1", None, 77, false).await.unwrap();
    assert_eq!(within(shim.client.wait("c1", None)).await.unwrap().code, ExitCode(1));
    let late = shim.client.kill("c1", None, KILL, false).await.unwrap_err();
    assert!(late.is_not_found(), "{late}");
    assert_eq!(shim.events(2).await, ["create c1", "exit c1/c1 1"]);

    let mut shim = Shim::standalone("c2").await;
    shim.create("c2", "wait").await;
    let exit = within(shim.client.delete("c2", None)).await.unwrap();
    assert_eq!(exit.code, ExitCode(0));
    assert_eq!(shim.events(3).await, ["create c2", "exit c2/c2 0", "delete c2/ 0"]);
}

#[tokio::test]
async fn signals_follow_the_table() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "stubborn").await;
    let refused = shim.client.kill("c1", None, 77, false).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    shim.client.kill("c1", None, TERM, false).await.unwrap();
    assert_eq!(shim.client.state("c1", None).await.unwrap().status, TaskStatus::Running);
    let refused = shim.client.delete("c1", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    shim.client.kill("c1", None, KILL, false).await.unwrap();
    assert_eq!(within(shim.client.wait("c1", None)).await.unwrap().code, ExitCode(1067));
}

#[tokio::test]
async fn limits_can_change_while_it_runs() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let memory = oci_spec::runtime::WindowsMemoryResourcesBuilder::default();
    let memory = memory.limit(256_u64 << 20).build().unwrap();
    let resources = WindowsResourcesBuilder::default().memory(memory).build().unwrap();
    shim.client.update("c1", &resources).await.unwrap();
    let system = shim.engine.open(&SystemId::new("c1").unwrap()).await.unwrap();
    assert_eq!(system.memory_limit(), Some(256));
    // hcsshim's `service_internal_podshim_test.go`: pids of a task, and stats.
    let pids = shim.client.pids("c1").await.unwrap();
    assert_eq!((pids.len(), pids[0].pid, pids[0].exec_id.as_str()), (1, 4, "c1"));
    assert!(shim.client.stats("c1").await.unwrap().has_windows());
}

#[tokio::test]
async fn a_standalone_shim_has_one_task_of_its_own_id() {
    let shim = Shim::standalone("c1").await;
    let bundle = shim.bundle("other", "wait");
    let refused = shim.client.create("other", &bundle, &Stdio::default()).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::INVALID_ARGUMENT));
    shim.create("c1", "wait").await;
    let bundle = shim.bundle("c1", "wait");
    let refused = shim.client.create("c1", &bundle, &Stdio::default()).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::ALREADY_EXISTS));
}

#[tokio::test]
async fn a_create_that_fails_leaves_nothing_and_can_be_repeated() {
    let shim = Shim::standalone("c1").await;
    let bundle = shim.bundle("c1", "wait");
    let scratch = shim.path("scratch-c1");
    shim.host.fail_on(engine::memory::Holding::Mount(scratch));
    shim.client.create("c1", &bundle, &Stdio::default()).await.unwrap_err();
    assert_eq!(shim.held(), []);
    shim.client.create("c1", &bundle, &Stdio::default()).await.unwrap();
}

/// A silo host killed under a shim.
#[tokio::test]
async fn a_container_that_crashes_is_an_exit() {
    let mut shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let system = shim.engine.open(&SystemId::new("c1").unwrap()).await.unwrap();
    system.run_out_of_memory();
    assert_eq!(shim.events(3).await, ["create c1", "start c1", "oom"]);
    system.crash();
    let exit = within(shim.client.wait("c1", None)).await.unwrap();
    assert_eq!(exit.code, ExitCode::UNKNOWN);
    assert_eq!(shim.held(), []);
}

/// Untested in hcsshim: shutdown of an id that is not the shim's own.
#[tokio::test]
async fn only_the_shims_own_id_shuts_it_down() {
    let shim = Shim::standalone("c1").await;
    shim.client.shutdown("other", true).await.unwrap();
    assert!(shim.client.shim_pid().await.unwrap() > 0);
}

#[tokio::test]
async fn a_shim_that_nobody_asks_for_a_task_ends_and_one_with_a_task_stays() {
    let shim = Shim::standalone("c1").await;
    tokio::time::pause();
    shim.service.end_if_unused().await;
    assert_eq!(shim.service_ended().await, crate::service::Ending::Now);

    tokio::time::resume();
    let shim = Shim::standalone("c2").await;
    shim.client.create("c2", &shim.path("nosuch"), &Stdio::default()).await.unwrap_err();
    shim.create("c2", "wait").await;
    within(shim.service.end_if_unused()).await;
    let early = tokio::time::timeout(std::time::Duration::ZERO, shim.service_ended());
    assert!(early.await.is_err(), "it has a task");
}
