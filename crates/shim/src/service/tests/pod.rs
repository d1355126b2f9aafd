//! Pods: several containers behind one shim.

use engine::Storage as _;
use schema::ExitCode;
use serde_json::json;
use ttrpc::Code;

use super::{Shim, within};
use crate::client::{Stdio, TaskStatus};

const KILL: u32 = 9;

impl Shim {
    pub(super) async fn create_in_pod(
        &self,
        id: &str,
        kind: &str,
        pod: &str,
    ) -> Result<(), crate::client::ClientError> {
        let annotations = json!({
            "io.kubernetes.cri.container-type": kind,
            "io.kubernetes.cri.sandbox-id": pod,
        });
        let bundle = self.bundle_with(id, "wait", &annotations);
        within(self.client.create(id, &bundle, &Stdio::default())).await.map(drop)
    }

    /// A pod that runs, with workloads that run.
    pub(super) async fn running_pod(workloads: &[&str]) -> Self {
        let shim = Self::pod("pod").await;
        shim.create_in_pod("pod", "sandbox", "pod").await.unwrap();
        shim.client.start_process("pod", None).await.unwrap();
        for workload in workloads {
            shim.create_in_pod(workload, "container", "pod").await.unwrap();
            shim.client.start_process(workload, None).await.unwrap();
        }
        shim
    }

    /// A pod whose sandbox is a placeholder.
    pub(super) async fn create_holder(&self, id: &str) {
        let annotations = json!({
            "io.kubernetes.cri.container-type": "sandbox",
            "io.kubernetes.cri.sandbox-id": id,
        });
        let bundle = self.bundle_with(id, r"C:\Windows\System32\cmd.exe", &annotations);
        self.client.create(id, &bundle, &Stdio::default()).await.unwrap();
    }
}

/// The checks.
#[tokio::test]
async fn a_pod_takes_its_own_containers_while_it_runs() {
    let shim = Shim::pod("pod").await;
    let early = shim.create_in_pod("a", "container", "pod").await.unwrap_err();
    assert_eq!(early.code(), Some(Code::FAILED_PRECONDITION), "no pod yet");
    shim.create_in_pod("pod", "sandbox", "other").await.unwrap_err();
    shim.create_in_pod("pod", "sandbox", "pod").await.unwrap();
    let early = shim.create_in_pod("a", "container", "pod").await.unwrap_err();
    assert_eq!(early.code(), Some(Code::FAILED_PRECONDITION), "the sandbox does not run");
    shim.client.start_process("pod", None).await.unwrap();
    shim.create_in_pod("a", "container", "other").await.unwrap_err();
    shim.create_in_pod("a", "sandbox", "pod").await.unwrap_err();
    shim.create_in_pod("a", "container", "pod").await.expect("its id was given back");
    for taken in ["a", "pod"] {
        let refused = shim.create_in_pod(taken, "container", "pod").await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::ALREADY_EXISTS), "{taken}");
    }
}

/// hcsshim's `pod_test.go`: kill.
#[tokio::test]
async fn killing_all_of_the_sandbox_ends_the_pod() {
    let shim = Shim::running_pod(&["a", "b"]).await;
    shim.client.kill("pod", None, KILL, true).await.unwrap();
    for id in ["a", "b", "pod"] {
        assert_eq!(within(shim.client.wait(id, None)).await.unwrap().code, ExitCode(1067));
    }
    assert_eq!(shim.held(), []);
}

/// hcsshim's `pod_test.go`: "kill sandbox 2nd exec" and "kill workload 2nd exec", alone and with all.
#[tokio::test]
async fn a_signal_to_one_exec_of_a_pod_reaches_nobody_else_and_is_never_for_all() {
    let shim = Shim::running_pod(&["a"]).await;
    for id in ["pod", "a"] {
        shim.run_exec(id, "e", "wait").await;
        let refused = shim.client.kill(id, Some("e"), KILL, true).await.unwrap_err();
        assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION), "{id}");
        assert!(shim.client.kill(id, Some("x"), KILL, false).await.unwrap_err().is_not_found());
        shim.client.kill(id, Some("e"), KILL, false).await.unwrap();
        assert_eq!(within(shim.client.wait(id, Some("e"))).await.unwrap().code, ExitCode(1067));
    }
    for id in ["pod", "a"] {
        assert_eq!(shim.client.state(id, None).await.unwrap().status, TaskStatus::Running);
    }
    let never = shim.client.kill("never", None, KILL, true).await.unwrap_err();
    assert!(never.is_not_found(), "a never created id with all");
}

/// hcsshim's `pod_test.go`: "kill workload init", alone and with all: the pod lives on.
#[tokio::test]
async fn a_signal_to_all_of_a_workload_stays_in_it() {
    let shim = Shim::running_pod(&["a", "b"]).await;
    shim.run_exec("a", "e", "wait").await;
    shim.client.kill("a", None, KILL, true).await.unwrap();
    within(shim.client.wait("a", Some("e"))).await.unwrap();
    within(shim.client.wait("a", None)).await.unwrap();
    for id in ["pod", "b"] {
        assert_eq!(shim.client.state(id, None).await.unwrap().status, TaskStatus::Running);
    }
}

/// hcsshim's `pod_test.go`: "delete sandbox while running", here one with a container.
#[tokio::test]
async fn a_sandbox_that_runs_is_not_deleted_and_runs_on_with_its_workloads() {
    let shim = Shim::running_pod(&["a"]).await;
    let refused = shim.client.delete("pod", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    for id in ["pod", "a"] {
        let state = shim.client.state(id, None).await.unwrap();
        assert_eq!((state.status, state.pid.0), (TaskStatus::Running, 4));
    }
}

/// One exited workload makes it "not found", and all the others are told.
#[tokio::test]
async fn killing_all_tells_of_one_that_had_ended_and_ends_the_others() {
    let shim = Shim::running_pod(&["a", "b"]).await;
    shim.client.kill("a", None, KILL, false).await.unwrap();
    within(shim.client.wait("a", None)).await.unwrap();
    let refused = shim.client.kill("pod", None, KILL, true).await.unwrap_err();
    assert!(refused.is_not_found());
    within(shim.client.wait("b", None)).await.unwrap();
    within(shim.client.wait("pod", None)).await.unwrap();
}

/// hcsshim's `pod_test.go`: delete.
#[tokio::test]
async fn a_deleted_workload_is_forgotten_and_the_sandbox_is_not() {
    let shim = Shim::running_pod(&["a"]).await;
    let refused = shim.client.delete("a", None).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::FAILED_PRECONDITION));
    assert_eq!(shim.client.state("a", None).await.unwrap().status, TaskStatus::Running);
    shim.client.kill("a", None, KILL, false).await.unwrap();
    within(shim.client.wait("a", None)).await.unwrap();
    shim.client.delete("a", None).await.unwrap();
    assert!(shim.client.delete("a", None).await.unwrap_err().is_not_found());
    let scratch = shim.path("scratch-a");
    shim.host.destroy_scratch(&scratch).await.unwrap();
    shim.create_in_pod("a", "container", "pod").await.expect("the id is free again");
    shim.client.delete("a", None).await.unwrap();

    shim.client.kill("pod", None, KILL, false).await.unwrap();
    within(shim.client.wait("pod", None)).await.unwrap();
    shim.client.delete("pod", None).await.unwrap();
    shim.client.delete("pod", None).await.expect("may be repeated");
    assert_eq!(shim.client.state("pod", None).await.unwrap().status, TaskStatus::Stopped);
}

/// Untested in hcsshim: concurrent creates of one id.
#[tokio::test]
async fn of_two_creates_for_one_id_one_is_granted() {
    let shim = Shim::running_pod(&[]).await;
    let both = tokio::join!(
        shim.create_in_pod("a", "container", "pod"),
        shim.create_in_pod("a", "container", "pod"),
    );
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
}

/// A pod of host-process containers has no container of its own.
#[tokio::test]
async fn a_host_process_pod_is_held_by_a_placeholder() {
    let shim = Shim::windows_pod("pod").await;
    let annotations = json!({
        "io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-id": "pod",
        "microsoft.com/hostprocess-container": "true",
    });
    let bundle = shim.bundle_with("pod", "wait", &annotations);
    shim.client.create("pod", &bundle, &Stdio::default()).await.unwrap();
    assert_eq!(shim.client.start_process("pod", None).await.unwrap().0, 1);
    let spec = super::process("wait");
    let refused = shim.client.exec("pod", "e", &spec, &Stdio::default()).await.unwrap_err();
    assert_eq!(refused.code(), Some(Code::UNIMPLEMENTED));
    assert_eq!(shim.client.pids("pod").await.unwrap().len(), 1);
    shim.client.kill("pod", None, 0, false).await.unwrap();
    assert_eq!(within(shim.client.wait("pod", None)).await.unwrap().code, ExitCode(0));
}

/// Where a network needs nobody in it to last, a sandbox without a command needs no container.
#[tokio::test]
async fn a_sandbox_with_nothing_to_do_is_a_placeholder_and_its_workloads_are_not() {
    let shim = Shim::pod("pod").await;
    shim.create_holder("pod").await;
    assert_eq!(shim.held(), []);
    shim.client.start_process("pod", None).await.unwrap();
    shim.create_in_pod("a", "container", "pod").await.unwrap();
    shim.client.start_process("a", None).await.unwrap();
    shim.client.kill("pod", None, KILL, true).await.unwrap();
    assert_eq!(within(shim.client.wait("a", None)).await.unwrap().code, ExitCode(1067));
}

/// "anything still running dies with the process".
#[tokio::test]
async fn what_still_runs_ends_with_its_shim() {
    let mut shim = Shim::running_pod(&["a", "b"]).await;
    shim.create_in_pod("never", "container", "pod").await.unwrap();
    shim.client.kill("a", None, KILL, false).await.unwrap();
    shim.client.shutdown("pod", true).await.unwrap();
    within(shim.end_all()).await;
    assert_eq!(shim.held(), []);
    let events = shim.all_events().await;
    for told in ["exit a/a 1067", "exit b/b 1067", "exit never/never 1", "exit pod/pod 1067"] {
        assert!(events.iter().any(|event| event == told), "{told} is not in {events:?}");
    }
}
