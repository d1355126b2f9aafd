//! `BuildKit`'s `WorkerExecFailures`.

use build::executor::{RunError, RunId, Started};
use tokio::sync::watch;
use tokio::time::timeout;

use super::subject::{Subject, block_on, process, told};
use crate::support::host;
use crate::support::wait::LONG;

#[test]
fn a_run_that_fails_says_so_to_everybody_and_its_id_can_be_used_again() {
    let host = host::shared();
    let subject = Subject::new(&host);
    block_on(async {
        let id = RunId::new("again").expect("letters");
        let never = watch::Sender::new(false);
        for (line, wanted) in [(r"C:\p\probe.exe exit 1", "exit code: 1"), ("bogus", "bogus")] {
            // Neither has a working directory of its own.
            let (mut run, _) = subject.run(line);
            let (started, is_started) = Started::new();
            (run.id, run.started) = (id.clone(), started);
            let running = subject.begin(run, &never);
            timeout(LONG, is_started).await.expect("it is told").expect("whatever comes of it");
            let (beside, _) = process(r"C:\p\probe.exe nap");
            let error = subject.exec(&id, beside).await.expect_err("there is nothing beside it");
            assert!(!matches!(error, RunError::NotStarted), "{error}");
            let error = running.end().await.expect_err("it failed");
            assert!(told(&error).contains(wanted), "{line}: {}", told(&error));
            subject.expect_gone(&id);
        }
        let (mut run, said) = subject.run("cmd /c echo at last");
        run.id = id.clone();
        let finished = subject.begin(run, &never).end().await.expect("the id is free");
        assert_eq!(said.text(), "at last\r\n");
        subject.discard(&id, finished).await;
    });
}
