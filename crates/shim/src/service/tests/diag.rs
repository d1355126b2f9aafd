//! The diagnostics service.

use ttrpc::context::Context;

use super::{Shim, process};
use crate::client::{Client, Stdio};
use crate::proto::extended::ComputeProcessorInfoRequest;
use crate::proto::extended_ttrpc::ExtendedTaskClient;

#[tokio::test]
async fn before_there_is_a_task_only_the_pid_and_the_stacks_are_told() {
    let shim = Shim::standalone("c1").await;
    let client = &shim.client;
    assert!(client.tasks(true).await.unwrap_err().is_not_found());
    assert!(client.share("/etc", "C:\\etc", true).await.unwrap_err().is_not_found());
    assert!(client.exec_in_host(&["cmd".into()], "").await.unwrap_err().is_not_found());
    assert_eq!(client.diag_pid().await.unwrap(), i32::try_from(std::process::id()).unwrap());
    assert_eq!(client.stacks().await.unwrap().guest, "");
}

/// A real task lists its other processes, the first is left out.
#[tokio::test]
async fn tasks_are_listed_with_their_execs_and_where_those_are() {
    let shim = Shim::running_pod(&["a"]).await;
    shim.run_exec("a", "runs", "wait").await;
    shim.client.exec("a", "waits", &process("wait"), &Stdio::default()).await.unwrap();
    let ids = |tasks: Vec<crate::client::DiagTask>| {
        tasks.into_iter().map(|task| (task.id, task.execs)).collect::<Vec<_>>()
    };
    let plain = ids(shim.client.tasks(false).await.unwrap());
    assert_eq!(plain, [("pod".to_owned(), vec![]), ("a".to_owned(), vec![])]);
    let execs = [("runs", "running"), ("waits", "created")];
    let execs = execs.map(|(id, state)| (id.to_owned(), state.to_owned())).to_vec();
    let full = ids(shim.client.tasks(true).await.unwrap());
    assert_eq!(full, [("pod".to_owned(), vec![]), ("a".to_owned(), execs)]);
}

#[tokio::test]
async fn stacks_tell_where_each_process_stands_and_who_waits() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let (client, ask) = (shim.client.clone(), || shim.client.stacks());
    let waits = tokio::spawn(async move { client.wait("c1", None).await });
    let told = loop {
        let told = ask().await.unwrap().shim;
        if told.contains("1 for an end") {
            break told;
        }
    };
    assert!(told.contains("task c1\n  first process: Ok(Running(Pid(4)))"), "{told}");
    assert!(told.contains("threads\n"), "{told}");
    waits.abort();
}

/// What belongs to a utility VM says that there is none.
#[tokio::test]
async fn nothing_can_be_done_in_a_vm_that_is_not_there() {
    let shim = Shim::standalone("c1").await;
    shim.create("c1", "wait").await;
    let not_hosted = |error: crate::client::ClientError| {
        let text = format!("{:#}", anyhow::Error::from(error));
        assert!(text.contains("task is not isolated"), "{text}");
    };
    not_hosted(shim.client.share("/etc", "C:\\etc", true).await.unwrap_err());
    not_hosted(shim.client.exec_in_host(&["cmd".into()], "").await.unwrap_err());
    let empty = shim.client.exec_in_host(&[], "").await.unwrap_err();
    assert!(format!("{:#}", anyhow::Error::from(empty)).contains("missing command"));

    let connection = ttrpc::r#async::Client::connect(Client::address(&shim.client)).await.unwrap();
    let extended = ExtendedTaskClient::new(connection);
    let ask = |id: &str| ComputeProcessorInfoRequest { id: id.to_owned(), ..Default::default() };
    let none = extended.compute_processor_info(Context::default(), &ask("nosuch")).await;
    assert!(none.unwrap_err().to_string().contains("not found"));
    let none = extended.compute_processor_info(Context::default(), &ask("c1")).await;
    assert!(none.unwrap_err().to_string().contains("task is not isolated"));
}
