//! A first process on a console.

use build::executor::{Process, Run};
use schema::ConsoleSize;
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::sync::watch;

use super::running::until_shown;
use super::subject::{Subject, block_on};
use crate::support::host;

/// Gives a run a console and somebody who types.
fn on_console(run: Run) -> (Run, DuplexStream) {
    let (keys, reader) = tokio::io::duplex(64);
    let mut process = Process { stdin: Some(Box::pin(reader)), ..run.process };
    process.meta.console = Some(ConsoleSize { width: 80, height: 25 });
    (Run { process, ..run }, keys)
}

/// `BuildKit`'s `ContainerPID1Tty` and `ContainerCancelPID1Tty`.
#[test]
fn what_is_typed_is_shown_and_done_and_a_cancel_ends_it_too() {
    let host = host::shared();
    let subject = Subject::new(&host);
    block_on(async {
        let (run, said) = subject.run("cmd");
        let id = run.id.clone();
        let (run, mut keys) = on_console(run);
        let running = subject.begin(run, &watch::Sender::new(false));
        until_shown(&said, ">").await;
        keys.write_all(b"echo a^b\r").await.expect("it reads");
        until_shown(&said, "ab").await;
        keys.write_all(b"exit 99\r").await.expect("it reads");
        let error = running.end().await.expect_err("99 is no success").to_string();
        assert_eq!(error, "exit code: 99");
        assert!(said.text().contains("exit 99"), "what is typed is shown: {}", said.text());
        subject.expect_gone(&id);

        let (run, said) = subject.run(r"C:\p\probe.exe console");
        let id = run.id.clone();
        let (run, _keys) = on_console(run);
        let cancel = watch::Sender::new(false);
        let running = subject.begin(run, &cancel);
        until_shown(&said, "size 80x25").await;
        cancel.send_replace(true);
        let error = running.end().await.expect_err("it was cancelled").to_string();
        assert!(error.contains("exit code: 137"), "{error}");
        subject.expect_gone(&id);
    });
}
