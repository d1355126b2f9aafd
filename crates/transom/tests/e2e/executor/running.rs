//! A first process, and others beside it.

use std::sync::Arc;
use std::time::Duration;

use build::executor::{Output, Process, RunError, RunId, Signal, Started};
use schema::ConsoleSize;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::subject::{Said, Subject, block_on, process};
use crate::support::host;
use crate::support::wait::LONG;

/// `BuildKit`'s `WorkerExec` and `ContainerExecPipe`.
#[test]
fn a_first_process_lives_as_long_as_its_stdin_and_others_run_beside_it() {
    let host = host::shared();
    let subject = Subject::new(&host);
    block_on(async {
        let (mut first, said) = subject.run(r"C:\p\probe.exe echo");
        let (mut stdin, reader) = tokio::io::duplex(64);
        let (started, is_started) = Started::new();
        first.process.stdin = Some(Box::pin(reader));
        first.started = started;
        let id = first.id.clone();
        let never = watch::Sender::new(false);
        let running = subject.begin(first, &never);
        // Before anything is fed.
        timeout(LONG, is_started).await.expect("it starts").expect("it says so");
        let (mut writing, _) = process(r"cmd /c C:\p\probe.exe echo> C:\out.txt");
        writing.stdin = Some(Box::pin(&b"into a file"[..]));
        subject.exec(&id, writing).await.expect("it writes");
        assert_eq!(subject.ask(&id, r"cmd /c type C:\out.txt").await, "into a file");
        let seen = subject.ask(&id, "transom-guest.exe ps").await.to_lowercase();
        assert!(seen.contains("probe.exe"), "the first one is seen: {seen}");
        Box::pin(piped(&subject, &id)).await;

        stdin.write_all(b"through, and back").await.expect("it reads");
        drop(stdin);
        let finished = running.end().await.expect("its stdin's end is its own");
        assert_eq!((said.text().as_str(), said.errors().as_str()), ("through, and back", ""));
        let written = std::fs::read_to_string(finished.upper().join("out.txt"));
        assert_eq!(written.expect("the scratch is there"), "into a file");
        assert!(finished.usage().memory_peak > 0, "{:?}", finished.usage());
        subject.discard(&id, finished).await;
    });
}

/// `RunValidExitCodes`, what an exec takes over, `ContainerSignal`, `ContainerExecTty` and
/// `ContainerPID1Exit`, in one container.
#[test]
fn execs_have_their_own_codes_places_signals_and_consoles_and_end_with_the_first() {
    let host = host::shared();
    let subject = Subject::new(&host);
    block_on(async {
        let (mut first, _) = subject.run(r"C:\p\probe.exe echo");
        let (stdin, reader) = tokio::io::duplex(64);
        first.process.stdin = Some(Box::pin(reader));
        first.process.meta.cwd = r"C:\made\for it".to_owned();
        first.process.meta.env = vec!["OWN=first".to_owned()];
        let id = first.id.clone();
        let never = watch::Sender::new(false);
        let running = subject.begin(first, &never);
        // An exec may come before the container is up, but not before its run.
        let early = wait_for_run(&subject, &id).await;
        assert_eq!(early.to_lowercase(), "first c:\\made\\for it");

        for (code, valid, wanted) in [
            (0_u32, &[][..], None),
            (1, &[1][..], None),
            (2, &[2, 3], None),
            (3, &[2, 3], None),
            (0, &[1], Some("exit code: 0")),
            (7, &[], Some("exit code: 7")),
            (0xC000_0005, &[], Some("exit code: 3221225477")),
        ] {
            let (mut exec, _) = process(&format!(r"C:\p\probe.exe exit {code}"));
            exec.meta.valid_exit_codes = valid.to_vec();
            let error = subject.exec(&id, exec).await.err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), wanted, "{code} with {valid:?}");
        }

        let (mut moved, said) = process("cmd /c echo %OWN% %NEW%& cd");
        moved.meta.cwd = r"C:\p".to_owned();
        moved.meta.env = vec!["NEW=second".to_owned()];
        subject.exec(&id, moved).await.expect("it runs");
        assert_eq!(said.text().to_lowercase(), "%own% second\r\nc:\\p\r\n");

        told_to_end(&subject, &id).await;
        resized(&subject, &id).await;

        let (endless, asleep) = process(r"C:\p\probe.exe nap");
        let end = async {
            until_said(&asleep, "asleep").await;
            drop(stdin);
        };
        let (outlived, ()) = tokio::join!(subject.exec(&id, endless), end);
        let error = outlived.expect_err("it ends with its container").to_string();
        assert!(error.contains("exit code: 137"), "{error}");
        let finished = running.end().await.expect("the first ended well");
        subject.discard(&id, finished).await;
    });
}

/// What one says another reads, to its end.
async fn piped(subject: &Subject, id: &RunId) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Vec<u8>>();
    let (mut writer, reader) = tokio::io::duplex(64);
    let pump = async move {
        while let Some(bytes) = receiver.recv().await {
            writer.write_all(&bytes).await.expect("it reads");
        }
    };
    let (speaking, _) = process(r"cmd /c type C:\out.txt");
    let speaking = Process { output: Arc::new(Pipe(sender)), ..speaking };
    let (mut listening, said) = process(r"C:\p\probe.exe echo");
    listening.stdin = Some(Box::pin(reader));
    let (spoke, listened, ()) =
        tokio::join!(subject.exec(id, speaking), subject.exec(id, listening), pump);
    assert!(spoke.is_ok() && listened.is_ok(), "{spoke:?} {listened:?}");
    assert_eq!(said.text(), "into a file");
}

/// Passes on what a process says, until it has ended.
struct Pipe(mpsc::UnboundedSender<Vec<u8>>);

impl Output for Pipe {
    fn write(&self, _stderr: bool, bytes: &[u8]) {
        // Who reads may have ended.
        let _ = self.0.send(bytes.to_vec());
    }
}

async fn wait_for_run(subject: &Subject, id: &RunId) -> String {
    let deadline = tokio::time::Instant::now() + LONG;
    loop {
        let (asked, said) = process("cmd /c echo %OWN%& cd");
        match subject.exec(id, asked).await {
            Ok(()) => return said.text().trim_end().replace("\r\n", " "),
            Err(RunError::NotFound(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "the run never began");
    }
}

/// A control event reaches the program; what Windows has nothing for is no signal.
async fn told_to_end(subject: &Subject, id: &RunId) {
    let (mut listening, said) = process(r"C:\p\probe.exe control");
    let (tell, signals) = mpsc::channel(1);
    listening.signals = Some(signals);
    let told = async {
        until_said(&said, "ready").await;
        tell.send(Signal::parse("CTRLBREAK").expect("it is one")).await.expect("it is heard");
    };
    let (ended, ()) = tokio::join!(subject.exec(id, listening), told);
    assert_eq!(ended.expect_err("41 is no success").to_string(), "exit code: 41");
    assert!(said.text().contains("event 1"), "{}", said.text());
}

async fn resized(subject: &Subject, id: &RunId) {
    let (mut console, said) = process(r"C:\p\probe.exe console");
    let (mut keys, reader) = tokio::io::duplex(64);
    let (size, sizes) = mpsc::channel(1);
    console.meta.console = Some(ConsoleSize { width: 80, height: 25 });
    console.stdin = Some(Box::pin(reader));
    console.resize = Some(sizes);
    let cancel = watch::Sender::new(false);
    let used = async {
        until_shown(&said, "size 80x25").await;
        size.send(ConsoleSize { width: 100, height: 40 }).await.expect("it listens");
        // A size is a message of its own, so it may be looked for too early.
        let asking = async {
            loop {
                keys.write_all(b"\r").await.expect("it reads");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            () = until_shown(&said, "size 100x40") => {}
            () = asking => {}
        }
        cancel.send_replace(true);
    };
    let (ended, ()) = tokio::join!(subject.exec_until(id, console, &cancel), used);
    assert!(ended.is_err(), "it was cancelled");
}

/// Waits until a process says something.
pub(super) async fn until_said(said: &Said, text: &str) {
    until(said, text, Said::text).await;
}

/// Waits until something is to be seen on the terminal of a process.
pub(super) async fn until_shown(said: &Said, text: &str) {
    until(said, text, |said| {
        let mut screen = vt100::Parser::new(40, 100, 0);
        screen.process(said.text().as_bytes());
        screen.screen().contents()
    })
    .await;
}

async fn until(said: &Said, text: &str, seen: impl Fn(&Said) -> String) {
    let says = async {
        while !seen(said).contains(text) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let said_it = timeout(LONG, says).await;
    said_it.unwrap_or_else(|_| panic!("it did not say {text}: {:?}", said.text()));
}
