//! hcsshim's `service_internal_podshim_test.go` and its twin for a container: every method of a pod's shim and of a container's, against what is not
//! there, the first process, and another process.

use containerd_shim_protos::api::{
    CheckpointTaskRequest, DeleteRequest, PidsRequest, StartRequest, StateRequest,
    UpdateTaskRequest,
};
use protobuf::well_known_types::any::Any;
use protobuf::{Message as _, MessageField};
use schema::ExitCode;
use serde_json::{Value, json};
use ttrpc::Code;
use ttrpc::context::Context;

use super::{Shim, process, within};
use crate::client::Stdio;
use crate::proto::ProcessDetails;
use crate::wire::{TYPE_PROCESS, TYPE_WINDOWS_RESOURCES, json_any};

const KILL: u32 = 9;

/// A shim of each kind, with a task that runs and has an exec, created.
struct Case {
    shim: Shim,
    /// The shim's own task.
    own: &'static str,
    /// The task with the exec `e`.
    task: &'static str,
}

async fn cases() -> [Case; 2] {
    let pod = Shim::running_pod(&["b"]).await;
    let standalone = Shim::standalone("c1").await;
    standalone.run("c1", "wait").await;
    let cases = [
        Case { shim: pod, own: "pod", task: "b" },
        Case { shim: standalone, own: "c1", task: "c1" },
    ];
    for case in &cases {
        let (process, stdio) = (process("wait"), Stdio::default());
        case.shim.client.exec(case.task, "e", &process, &stdio).await.unwrap();
    }
    cases
}

fn ctx() -> Context {
    Context::default()
}

fn code<T: std::fmt::Debug>(answer: ttrpc::Result<T>) -> Code {
    match answer.unwrap_err() {
        ttrpc::Error::RpcStatus(status) => status.code(),
        other => panic!("{other}"),
    }
}

/// "getTask before create", "getTask with a foreign id", and the rows "no task" and "wrong exec" of
/// state, start, delete, pids, kill, resize, closeIO, update, wait and stats.
#[tokio::test]
async fn what_is_not_there_is_not_found_by_any_method() {
    for case in cases().await {
        let client = &case.shim.client;
        let size = schema::ConsoleSize { height: 1, width: 1 };
        let resources = oci_spec::runtime::WindowsResources::default();
        for (id, exec) in [("nosuch", None), ("nosuch", Some("e")), (case.task, Some("nosuch"))] {
            let answers = [
                client.state(id, exec).await.map(drop),
                client.start_process(id, exec).await.map(drop),
                client.delete(id, exec).await.map(drop),
                client.kill(id, exec, KILL, false).await,
                client.resize(id, exec, size).await,
                client.close_io(id, exec).await,
                client.wait(id, exec).await.map(drop),
            ];
            for answer in answers {
                let refused = answer.unwrap_err();
                assert!(refused.is_not_found(), "{id}/{exec:?}: {refused:?}");
            }
        }
        assert!(client.pids("nosuch").await.unwrap_err().is_not_found());
        assert!(client.stats("nosuch").await.unwrap_err().is_not_found());
        assert!(client.update("nosuch", &resources).await.unwrap_err().is_not_found());
        assert!(client.pause("nosuch").await.unwrap_err().is_not_found());
    }
    let empty = Shim::pod("pod").await;
    assert!(empty.client.state("pod", None).await.unwrap_err().is_not_found());
    let kill = empty.client.kill("pod", None, KILL, true).await;
    assert!(kill.unwrap_err().is_not_found(), "2.6: a sandbox service without a pod");
}

/// "state of sandbox init (exec id \"\")" and "state of 2nd task's 2nd exec".
#[tokio::test]
async fn a_state_names_the_process_that_it_is_of() {
    for case in cases().await {
        let ask = |id: &str, exec: &str| StateRequest {
            id: id.to_owned(),
            exec_id: exec.to_owned(),
            ..StateRequest::default()
        };
        let raw = case.shim.client.raw();
        let first = raw.state(ctx(), &ask(case.own, "")).await.unwrap();
        assert_eq!((first.id.as_str(), first.exec_id.as_str()), (case.own, case.own));
        assert_eq!((first.pid, first.exit_status), (4, 255));
        assert_eq!(first.exited_at.seconds, -62_135_596_800, "Go's zero time");
        case.shim.client.start_process(case.task, Some("e")).await.unwrap();
        let second = raw.state(ctx(), &ask(case.task, "e")).await.unwrap();
        assert_eq!((second.id.as_str(), second.exec_id.as_str()), (case.task, "e"));
        assert_eq!(second.pid, 8);
        assert_eq!(second.bundle, raw.state(ctx(), &ask(case.task, "")).await.unwrap().bundle);
    }
}

/// "start: init / exec of 2nd task".
#[tokio::test]
async fn a_start_tells_the_pid_and_is_granted_once() {
    for case in cases().await {
        let request = |exec: &str| StartRequest {
            id: case.task.to_owned(),
            exec_id: exec.to_owned(),
            ..StartRequest::default()
        };
        let raw = case.shim.client.raw();
        assert_eq!(raw.start(ctx(), &request("e")).await.unwrap().pid, 8);
        assert_eq!(code(raw.start(ctx(), &request("e")).await), Code::FAILED_PRECONDITION);
        assert_eq!(code(raw.start(ctx(), &request("")).await), Code::FAILED_PRECONDITION);
    }
}

/// "delete sandbox init" and "delete 2nd task's 2nd exec".
#[tokio::test]
async fn a_deletion_tells_the_pid_and_forgets_the_exec() {
    for case in cases().await {
        let client = &case.shim.client;
        client.start_process(case.task, Some("e")).await.unwrap();
        client.kill(case.task, Some("e"), KILL, false).await.unwrap();
        within(client.wait(case.task, Some("e"))).await.unwrap();
        let request = |id: &str, exec: &str| DeleteRequest {
            id: id.to_owned(),
            exec_id: exec.to_owned(),
            ..DeleteRequest::default()
        };
        let deleted = client.raw().delete(ctx(), &request(case.task, "e")).await.unwrap();
        assert_eq!((deleted.pid, deleted.exit_status), (8, 1067));
        assert!(client.state(case.task, Some("e")).await.unwrap_err().is_not_found());
        client.kill(case.own, None, KILL, true).await.unwrap();
        within(client.wait(case.own, None)).await.unwrap();
        let deleted = client.raw().delete(ctx(), &request(case.own, "")).await.unwrap();
        assert_eq!((deleted.pid, deleted.exit_status), (4, 1067));
    }
}

/// "pids of sandbox" and "pids of 2nd task".
#[tokio::test]
async fn pids_tell_whose_each_process_is() {
    for case in cases().await {
        case.shim.client.start_process(case.task, Some("e")).await.unwrap();
        let request = PidsRequest { id: case.task.to_owned(), ..PidsRequest::default() };
        let told = case.shim.client.raw().pids(ctx(), &request).await.unwrap().processes;
        let details: Vec<(u32, String, String)> = told
            .iter()
            .map(|process| {
                let info = process.info.as_ref().expect("each has details");
                assert_eq!(info.type_url, "containerd.runhcs.v1.ProcessDetails");
                let details = ProcessDetails::parse_from_bytes(&info.value).unwrap();
                assert_eq!(details.process_id, process.pid);
                (process.pid, details.exec_id, details.image_name)
            })
            .collect();
        let row = |pid, exec: &str| (pid, exec.to_owned(), "wait.exe".to_owned());
        assert_eq!(details, [row(4, case.task), row(8, "e")]);
        if case.own != case.task {
            let sandbox = case.shim.client.pids(case.own).await.unwrap();
            assert_eq!((sandbox.len(), sandbox[0].exec_id.as_str()), (1, case.own));
        }
    }
}

/// "pause / resume / checkpoint": the first two are real here (docs/differences.md).
#[tokio::test]
async fn a_checkpoint_is_not_implemented_whatever_there_is() {
    for shim in [Shim::pod("pod").await, Shim::standalone("c1").await] {
        let request = CheckpointTaskRequest::default();
        let refused = shim.client.raw().checkpoint(ctx(), &request).await;
        assert_eq!(code(refused), Code::UNIMPLEMENTED);
    }
}

/// "kill", "resize", "closeIO": init / exec of 2nd task.
#[tokio::test]
async fn what_is_there_is_signalled_and_its_stdin_closed_however_often() {
    for case in cases().await {
        let client = &case.shim.client;
        for exec in [None, Some("e")] {
            client.close_io(case.task, exec).await.unwrap();
            client.close_io(case.task, exec).await.unwrap();
        }
        client.kill(case.task, Some("e"), KILL, false).await.unwrap();
        let exit = within(client.wait(case.task, Some("e"))).await.unwrap();
        assert_eq!(exit.code, ExitCode(1), "killed before its start");
        client.kill(case.task, None, KILL, false).await.unwrap();
        assert_eq!(within(client.wait(case.task, None)).await.unwrap().code, ExitCode(1067));
        client.close_io(case.task, None).await.expect("in any state");
        let again = client.kill(case.task, None, KILL, false).await.unwrap_err();
        assert!(again.is_not_found(), "2.7: not of what has ended");
    }
}

fn update(id: &str, resources: Option<Any>) -> UpdateTaskRequest {
    UpdateTaskRequest {
        id: id.to_owned(),
        resources: MessageField::from_option(resources),
        ..UpdateTaskRequest::default()
    }
}

fn mount(host: &std::path::Path, kind: &str) -> Value {
    json!({ "HostPath": host, "ContainerPath": "C:\\later", "ReadOnly": true, "Type": kind })
}

/// The rows of update, and 2.6: missing resources are told before a missing task.
#[tokio::test]
async fn an_update_takes_resources_of_either_system_and_mounts() {
    const TYPE_LINUX: &str = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";
    const TYPE_MOUNT: &str = "github.com/Microsoft/hcsshim/pkg/ctrdtaskapi/ContainerMount";
    for case in cases().await {
        let raw = case.shim.client.raw();
        let send =
            |resources| async move { raw.update(ctx(), &update(case.task, resources)).await };
        assert_eq!(code(raw.update(ctx(), &update("nosuch", None)).await), Code::INVALID_ARGUMENT);

        let limit = |bytes: u64| json!({ "memory": { "limit": bytes } });
        send(Some(json_any(TYPE_WINDOWS_RESOURCES, &limit(100)))).await.unwrap();
        send(Some(json_any(TYPE_LINUX, &limit(512 << 20)))).await.unwrap();
        assert_eq!(case.shim.system(case.task).await.memory_limit(), Some(512));
        send(Some(json_any(TYPE_LINUX, &json!({ "memory": {} })))).await.expect("9, row 7");
        assert_eq!(case.shim.system(case.task).await.memory_limit(), Some(512));
        let shares = json!({ "cpu": { "shares": 2048 } });
        send(Some(json_any(TYPE_LINUX, &shares))).await.unwrap();
        let limits = case.shim.system(case.task).await.processor_limits().unwrap();
        assert_eq!(limits.weight, 1000);

        let folder = case.shim.path("shared");
        std::fs::create_dir_all(&folder).unwrap();
        send(Some(json_any(TYPE_MOUNT, &mount(&folder, "")))).await.unwrap();
        let mapped = case.shim.system(case.task).await.mapped_later();
        assert_eq!(mapped[0].container_path, "C:\\later");
        let refused = send(Some(json_any(TYPE_MOUNT, &mount(&folder, "virtual-disk")))).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("only directories and files"), "{refused}");

        let refused = send(Some(json_any(TYPE_PROCESS, &json!({ "cwd": "/" })))).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("must be of type *WindowsResources or *LinuxResources"));
    }
}

/// "wait: init / exec", "returns that exec's exit status".
#[tokio::test]
async fn everyone_who_waits_is_told_the_same() {
    for case in cases().await {
        let client = &case.shim.client;
        client.start_process(case.task, Some("e")).await.unwrap();
        let waits = [None, Some("e"), None, Some("e")].map(|exec| {
            let client = client.clone();
            tokio::spawn(async move { client.wait(case.task, exec).await.unwrap() })
        });
        client.kill(case.task, None, KILL, true).await.unwrap();
        for wait in waits {
            assert_eq!(within(wait).await.unwrap().code, ExitCode(1067));
        }
        let late = within(client.wait(case.task, None)).await.unwrap();
        assert_eq!(late.code, ExitCode(1067));
    }
}

/// "shutdown with now = true / false".
#[tokio::test]
async fn a_shutdown_is_told_at_once_and_its_first_word_counts() {
    use crate::service::Ending;
    for (now, ending) in [(true, Ending::Now), (false, Ending::Gracefully)] {
        for shim in [Shim::pod("s").await, Shim::standalone("s").await] {
            let early = tokio::time::timeout(std::time::Duration::ZERO, shim.service_ended());
            assert!(early.await.is_err(), "not before it is asked");
            shim.client.shutdown("s", now).await.unwrap();
            shim.client.shutdown("s", !now).await.unwrap();
            assert_eq!(within(shim.service_ended()).await, ending);
        }
    }
}
