//! Streams, through the whole of the service.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::OpenOptions;

use super::{Shim, fifo, process, within};
use crate::client::Stdio;

/// hcsshim's `internal/cmd`, "stdin"; and `CloseIO`.
#[tokio::test]
async fn stdin_reaches_the_process_and_stdout_comes_back() {
    let shim = Shim::standalone("c1").await;
    let bundle = shim.bundle("c1", "cat");
    let ends = Stdio {
        stdin: fifo(&shim.path("stdin")),
        stdout: fifo(&shim.path("stdout")),
        ..Stdio::default()
    };
    let mut stdout = OpenOptions::new().open_receiver(&ends.stdout).unwrap();
    within(shim.client.create("c1", &bundle, &ends)).await.unwrap();
    let mut stdin = OpenOptions::new().open_sender(&ends.stdin).unwrap();
    within(shim.client.start_process("c1", None)).await.unwrap();
    let text = vec![b'x'; 1 << 20];
    let typing = tokio::spawn({
        let text = text.clone();
        async move {
            stdin.write_all(&text).await.unwrap();
            stdin
        }
    });
    let mut heard = vec![0; text.len()];
    within(stdout.read_exact(&mut heard)).await.unwrap();
    assert_eq!(heard, text);
    let held_open = typing.await.unwrap();
    shim.client.close_io("c1", None).await.unwrap();
    assert_eq!(within(shim.client.wait("c1", None)).await.unwrap().code.0, 0);
    let rest = within(stdout.read(&mut [0])).await.unwrap();
    assert_eq!(rest, 0, "stdout is closed before the exit is told");
    drop(held_open);
}

/// hcsshim's `internal/cmd`, "blocked stdin": who types keeps its end open, and the end is told.
#[tokio::test]
async fn a_stdin_that_never_ends_does_not_keep_an_end_from_being_told() {
    let shim = Shim::standalone("c1").await;
    let bundle = shim.bundle("c1", "exit 5");
    let ends = Stdio { stdin: fifo(&shim.path("stdin")), ..Stdio::default() };
    let holds = tokio::spawn({
        let (client, ends) = (shim.client.clone(), ends.clone());
        async move { client.create("c1", &bundle, &ends).await.map(drop) }
    });
    let stdin = loop {
        // Nobody reads from it until the shim has opened it.
        if let Ok(stdin) = OpenOptions::new().open_sender(&ends.stdin) {
            break stdin;
        }
        tokio::task::yield_now().await;
    };
    within(holds).await.unwrap().unwrap();
    within(shim.client.start_process("c1", None)).await.unwrap();
    assert_eq!(within(shim.client.wait("c1", None)).await.unwrap().code.0, 5);
    drop(stdin);
}

#[tokio::test]
async fn stderr_goes_its_own_way() {
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let (out, err) = (shim.path("out"), shim.path("err"));
    let ends = Stdio {
        stdout: format!("file://{}", out.display()),
        stderr: format!("file://{}", err.display()),
        ..Stdio::default()
    };
    shim.client.exec("c1", "e", &process("complain ouch"), &ends).await.unwrap();
    shim.client.start_process("c1", Some("e")).await.unwrap();
    within(shim.client.wait("c1", Some("e"))).await.unwrap();
    assert_eq!(std::fs::read_to_string(out).unwrap(), "");
    assert_eq!(std::fs::read_to_string(err).unwrap(), "ouch\r\n");
}

/// A logger of an exec beside the first process' own.
#[tokio::test]
async fn a_logger_takes_the_output_of_each_process() {
    let shim = Shim::standalone("c1").await;
    let script = shim.path("logger");
    std::fs::write(
        &script,
        "#!/bin/sh\nexec 5>&-\n/bin/cat <&3 >\"$1\" &\n/bin/cat <&4 >\"$1.err\"\nwait\necho $CONTAINER_NAMESPACE/$CONTAINER_ID >\"$1.id\"\n",
    )
    .unwrap();
    std::process::Command::new("chmod").args(["+x"]).arg(&script).status().unwrap();
    let log = |name: &str| Stdio {
        stdout: format!("binary://{}?{}", script.display(), shim.path(name).display()),
        ..Stdio::default()
    };
    let bundle = shim.bundle("c1", "wait");
    within(shim.client.create("c1", &bundle, &log("first"))).await.unwrap();
    within(shim.client.start_process("c1", None)).await.unwrap();
    within(shim.client.exec("c1", "e", &process("complain ouch"), &log("second"))).await.unwrap();
    shim.client.start_process("c1", Some("e")).await.unwrap();
    within(shim.client.wait("c1", Some("e"))).await.unwrap();
    let read = |name| std::fs::read_to_string(shim.path(name)).unwrap();
    assert_eq!(read("second.err"), "ouch\r\n");
    assert_eq!(read("second.id"), "test/c1\n");
}

/// `ResizePty`.
#[tokio::test]
async fn only_a_terminal_is_resized() {
    use schema::ConsoleSize;
    let shim = Shim::standalone("c1").await;
    shim.run("c1", "wait").await;
    let size = ConsoleSize { height: 40, width: 100 };
    let refused = shim.client.resize("c1", None, size).await.unwrap_err();
    assert_eq!(refused.code(), Some(ttrpc::Code::FAILED_PRECONDITION));
    let ends = Stdio { terminal: true, ..Stdio::default() };
    shim.client.exec("c1", "e", &process("wait"), &ends).await.unwrap();
    shim.client.resize("c1", Some("e"), size).await.expect("not running is silently fine");
    shim.client.start_process("c1", Some("e")).await.unwrap();
    shim.client.resize("c1", Some("e"), size).await.unwrap();
}
