//! `BuildKit`'s `WorkerCancel`.

use tokio::sync::watch;

use super::running::until_said;
use super::subject::{Subject, block_on, process};
use crate::support::host;

#[test]
fn a_cancel_ends_what_was_cancelled_and_no_more() {
    let host = host::shared();
    let subject = Subject::new(&host);
    block_on(async {
        let (first, said) = subject.run(r"C:\p\probe.exe stubborn");
        let id = first.id.clone();
        let (stop_run, stop_exec) = (watch::Sender::new(false), watch::Sender::new(false));
        let running = subject.begin(first, &stop_run);
        until_said(&said, "ready").await;

        let (beside, said) = process(r"C:\p\probe.exe stubborn");
        let cancel = async {
            until_said(&said, "ready").await;
            stop_exec.send_replace(true);
        };
        let (ended, ()) = tokio::join!(subject.exec_until(&id, beside, &stop_exec), cancel);
        let error = ended.expect_err("it was cancelled").to_string();
        assert!(error.contains("exit code: 137"), "{error}");
        assert!(!running.is_over());
        assert_eq!(subject.ask(&id, "cmd /c echo alive").await, "alive");

        stop_run.send_replace(true);
        let error = running.end().await.expect_err("it was cancelled").to_string();
        assert!(error.contains("exit code: 137"), "{error}");
        subject.expect_gone(&id);
    });
}
