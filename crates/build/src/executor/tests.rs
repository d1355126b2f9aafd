//! The contract of `run` and `exec`, on the engine in memory, whose programs are five words long.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::memory::{Holding, MemoryEngine, MemoryHost};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::*;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

type TestExecutor = Executor<MemoryEngine, MemoryHost>;

#[derive(Default)]
struct Said(Mutex<Vec<u8>>);

impl Output for Said {
    fn write(&self, _stderr: bool, bytes: &[u8]) {
        self.0.lock().unwrap().extend(bytes);
    }
}

impl Said {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn executor(folder: &Path, host: &MemoryHost) -> TestExecutor {
    for part in ["layer/fs", "drive", "runs"] {
        std::fs::create_dir_all(folder.join(part)).unwrap();
    }
    Executor::new(MemoryEngine::new(), host.clone(), folder.join("runs"), folder.join("drive"))
}

fn process(line: &str, said: &Arc<Said>) -> Process {
    let meta = Meta { command_line: line.to_owned(), ..Meta::default() };
    Process::new(meta, Arc::<Said>::clone(said))
}

fn run(folder: &Path, line: &str, said: &Arc<Said>) -> Run {
    Run::new(vec![folder.join("layer")], process(line, said))
}

fn never() -> (watch::Sender<bool>, watch::Receiver<bool>) {
    watch::channel(false)
}

/// Nothing is held, and no folder is left, but those of successes not yet discarded.
fn nothing_left(host: &MemoryHost, folder: &Path) {
    assert_eq!(host.held(), Vec::<Holding>::new());
    let left: Vec<_> = std::fs::read_dir(folder.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != ".lock")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_first_process_ends_with_its_stdin_and_more_can_be_run_beside_it() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let (said, other) = (Arc::<Said>::default(), Arc::<Said>::default());
    let (mut stdin, reader) = tokio::io::duplex(64);
    let (started, is_started) = Started::new();
    let mut first = run(dir.path(), "cat", &said);
    first.process.stdin = Some(Box::pin(reader));
    first.started = started;
    let id = first.id.clone();
    let (_keep, cancel) = never();
    // Asked for before the run has begun: an id that nobody runs is an error.
    let early = executor.exec(&id, process("exit 0", &other), cancel.clone()).await;
    assert_eq!(early.unwrap_err().to_string(), format!("container {id} not found"));
    let running = {
        let (executor, cancel) = (executor.clone(), cancel.clone());
        tokio::spawn(async move { executor.run(first, cancel).await })
    };
    timeout(LONG, is_started).await.unwrap().unwrap();
    executor.exec(&id, process("complain beside", &other), cancel.clone()).await.unwrap();
    assert_eq!(other.text().trim_end(), "beside");
    let failed = executor.exec(&id, process("exit 5", &other), cancel.clone()).await;
    assert_eq!(failed.unwrap_err().to_string(), "exit code: 5");
    stdin.write_all(b"through").await.unwrap();
    drop(stdin);
    let finished = timeout(LONG, running).await.unwrap().unwrap().unwrap();
    assert_eq!(said.text(), "through");
    executor.discard(finished).await.unwrap();
    nothing_left(&host, dir.path());
}

#[tokio::test]
async fn an_exec_may_come_before_the_container_is_up() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let entry = executor.running.begin(&RunId::new("early").unwrap()).unwrap();
    let id = RunId::new("early").unwrap();
    let (_keep, cancel) = never();
    let waiting = {
        let (executor, id, said) = (executor.clone(), id.clone(), Arc::clone(&said));
        let cancel = cancel.clone();
        tokio::spawn(async move { executor.exec(&id, process("exit 0", &said), cancel).await })
    };
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    entry.over(Some("no room".to_owned()));
    let error = timeout(LONG, waiting).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "container early has exited with error: no room");

    let (keep, cancel) = never();
    let _entry = executor.running.begin(&id).unwrap();
    keep.send_replace(true);
    let error = executor.exec(&id, process("exit 0", &said), cancel).await.unwrap_err();
    assert!(matches!(error, RunError::NotStarted), "{error}");
}

#[tokio::test]
async fn failures_fire_started_give_everything_back_and_free_the_id() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let id = RunId::new("again").unwrap();
    let (_keep, cancel) = never();
    for (line, wanted) in [("exit 1", "exit code: 1"), ("bogus.exe", "bogus.exe")] {
        let (started, is_started) = Started::new();
        let asked = Run { id: id.clone(), started, ..run(dir.path(), line, &said) };
        let error = executor.run(asked, cancel.clone()).await.unwrap_err();
        let told = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
        let told: Vec<String> = told.map(ToString::to_string).collect();
        assert!(told.iter().any(|text| text.contains(wanted)), "{told:?}");
        timeout(LONG, is_started).await.unwrap().unwrap();
        let late = executor.exec(&id, process("exit 0", &said), cancel.clone()).await;
        assert!(matches!(late.unwrap_err(), RunError::NotFound(_)));
        nothing_left(&host, dir.path());
    }
    let asked = Run { id, ..run(dir.path(), "exit 0", &said) };
    let finished = executor.run(asked, cancel).await.unwrap();
    executor.discard(finished).await.unwrap();
    nothing_left(&host, dir.path());
}

#[tokio::test]
async fn whatever_cannot_be_acquired_nothing_is_left_and_started_fires() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let (_keep, cancel) = never();
    let name = "build-f1".to_owned();
    let scratch = dir.path().join("runs").join(&name).join("scratch");
    for failing in [
        Holding::Scratch(scratch.clone()),
        Holding::Namespace(name.clone()),
        Holding::Endpoint(name, "nat".to_owned()),
        Holding::Mount(scratch),
    ] {
        host.fail_on(failing.clone());
        let (started, is_started) = Started::new();
        let id = RunId::new("f1").unwrap();
        let asked = Run { id, started, ..run(dir.path(), "exit 0", &said) };
        assert!(executor.run(asked, cancel.clone()).await.is_err(), "{failing:?}");
        timeout(LONG, is_started).await.unwrap().unwrap();
        nothing_left(&host, dir.path());
    }
}

#[tokio::test]
async fn a_cancel_kills_once_and_only_what_was_cancelled() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let (started, is_started) = Started::new();
    let first = Run { started, ..run(dir.path(), "stubborn", &said) };
    let id = first.id.clone();
    let (stop_run, cancel) = never();
    let running = {
        let executor = executor.clone();
        tokio::spawn(async move { executor.run(first, cancel).await })
    };
    timeout(LONG, is_started).await.unwrap().unwrap();
    let (stop_exec, cancel) = never();
    stop_exec.send_replace(true);
    let error = executor.exec(&id, process("wait", &said), cancel).await.unwrap_err();
    assert!(matches!(error, RunError::NotStarted | RunError::Cancelled(137)), "{error}");
    assert!(!running.is_finished());

    let (stop_exec, cancel) = never();
    let beside = {
        let (executor, id, said) = (executor.clone(), id.clone(), Arc::clone(&said));
        tokio::spawn(async move { executor.exec(&id, process("stubborn", &said), cancel).await })
    };
    tokio::task::yield_now().await;
    stop_exec.send_replace(true);
    let error = timeout(LONG, beside).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, RunError::NotStarted | RunError::Cancelled(137)), "{error}");
    assert!(!running.is_finished());

    stop_run.send_replace(true);
    let error = timeout(LONG, running).await.unwrap().unwrap().unwrap_err();
    assert!(error.to_string().contains("exit code: 137"), "{error}");
    nothing_left(&host, dir.path());
}

#[tokio::test]
async fn an_accepted_code_is_a_success_also_when_cancelled_and_an_exec_ends_with_its_run() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let (started, is_started) = Started::new();
    let mut first = Run { started, ..run(dir.path(), "stubborn", &said) };
    first.process.meta.valid_exit_codes = vec![137];
    let id = first.id.clone();
    let (stop, cancel) = never();
    let running = {
        let executor = executor.clone();
        tokio::spawn(async move { executor.run(first, cancel).await })
    };
    timeout(LONG, is_started).await.unwrap().unwrap();
    let (beside_started, (_keep, cancel)) = (Arc::<Said>::default(), never());
    let beside = {
        let (executor, id) = (executor.clone(), id.clone());
        let line = process("stubborn", &beside_started);
        tokio::spawn(async move { executor.exec(&id, line, cancel).await })
    };
    tokio::task::yield_now().await;
    stop.send_replace(true);
    let finished = timeout(LONG, running).await.unwrap().unwrap().unwrap();
    assert!(timeout(LONG, beside).await.unwrap().unwrap().is_err());
    executor.discard(finished).await.unwrap();
    nothing_left(&host, dir.path());
}

#[tokio::test]
async fn an_id_is_used_by_one_at_a_time() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let (started, is_started) = Started::new();
    let first = Run { started, ..run(dir.path(), "wait", &said) };
    let id = first.id.clone();
    let (stop, cancel) = never();
    let running = {
        let (executor, cancel) = (executor.clone(), cancel.clone());
        tokio::spawn(async move { executor.run(first, cancel).await })
    };
    timeout(LONG, is_started).await.unwrap().unwrap();
    let twin = Run { id: id.clone(), ..run(dir.path(), "exit 0", &said) };
    let error = executor.run(twin, cancel.clone()).await.unwrap_err();
    assert!(matches!(error, RunError::InUse(_)), "{error}");
    // Another process' executor finds the folder.
    let elsewhere = Executor::new(
        MemoryEngine::new(),
        MemoryHost::new(),
        dir.path().join("runs"),
        dir.path().join("drive"),
    );
    assert!(elsewhere.sweep().await.is_empty());
    let twin = Run { id, ..run(dir.path(), "exit 0", &said) };
    let error = elsewhere.run(twin, cancel).await.unwrap_err();
    assert!(matches!(error, RunError::InUse(_)), "{error}");
    stop.send_replace(true);
    assert!(timeout(LONG, running).await.unwrap().unwrap().is_err());
    nothing_left(&host, dir.path());
}

#[tokio::test]
async fn what_is_stuck_keeps_nobody_from_what_else_was_left() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let runs = dir.path().join("runs");
    for name in ["files-a", "files-z"] {
        std::fs::create_dir_all(runs.join(name)).unwrap();
        std::fs::write(runs.join(name).join("lock"), "").unwrap();
    }
    // Its lock is no file, so that removing it fails.
    std::fs::create_dir_all(runs.join("files-stuck/lock")).unwrap();
    let failed = executor(dir.path(), &host).sweep().await;
    assert!(matches!(&failed[..], [RunError::Io { path, .. }] if path.ends_with("files-stuck")));
    assert!(!runs.join("files-a").exists() && !runs.join("files-z").exists());
}

#[tokio::test]
async fn signals_and_sizes_reach_the_process_and_their_failures_do_not_end_it() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let said = Arc::<Said>::default();
    let (sizes, resize) = tokio::sync::mpsc::channel(1);
    let (tell, signals) = tokio::sync::mpsc::channel(1);
    let mut asked = run(dir.path(), "wait", &said);
    asked.process.resize = Some(resize);
    asked.process.signals = Some(signals);
    let (_keep, cancel) = never();
    let running = {
        let executor = executor.clone();
        tokio::spawn(async move { executor.run(asked, cancel).await })
    };
    // It has no console, so that this is refused.
    sizes.send(schema::ConsoleSize { height: 1, width: 1 }).await.unwrap();
    tell.send(Signal::parse("TERM").unwrap()).await.unwrap();
    let error = timeout(LONG, running).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.to_string(), format!("exit code: {}", 0xC000_013A_u32));
    nothing_left(&host, dir.path());
}

#[tokio::test]
async fn the_hosts_network_is_refused() {
    let (dir, host) = (tempfile::tempdir().unwrap(), MemoryHost::new());
    let executor = executor(dir.path(), &host);
    let mut asked = run(dir.path(), "exit 0", &Arc::default());
    asked.process.meta.network = NetMode::Host;
    let (_keep, cancel) = never();
    let error = executor.run(asked, cancel).await.unwrap_err();
    assert!(error.to_string().starts_with("unknown network mode HOST"), "{error}");
    nothing_left(&host, dir.path());
}
