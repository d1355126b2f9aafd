//! An executor over the shared host, one layer with the probe in it, and what its processes say.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use build::executor::{Executor, Finished, Meta, NetMode, Output, Process, Run, RunError, RunId};
use engine::platform::Platform;
use engine::{HostConfig, HostEngine};
use shim::ThisHost;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::host::{self, Host};
use crate::support::probe;
use crate::support::wait::{self, LONG};

/// An executor, and the layer that its containers stand on.
pub(super) struct Subject {
    executor: Executor<HostEngine, ThisHost>,
    layer: PathBuf,
    state: PathBuf,
    _folder: tempfile::TempDir,
}

/// What a process said, on both streams.
#[derive(Default)]
pub(super) struct Said([Mutex<Vec<u8>>; 2]);

impl Output for Said {
    fn write(&self, stderr: bool, bytes: &[u8]) {
        let stream = &self.0[usize::from(stderr)];
        stream.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    }
}

impl Said {
    fn stream(&self, at: usize) -> String {
        let bytes = self.0[at].lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn text(&self) -> String {
        self.stream(0)
    }

    pub(super) fn errors(&self) -> String {
        self.stream(1)
    }
}

impl Subject {
    pub(super) fn new(host: &Host) -> Self {
        let folder = host.scratch();
        let layer = folder.path().join("layer");
        let programs = layer.join("fs/p");
        fs::create_dir_all(&programs).expect("a folder can be made");
        fs::copy(probe::folder().join("probe.exe"), programs.join("probe.exe")).expect("a copy");
        let (root, state) = (host.root(), host.state());
        let libexec = host::dist().join("libexec");
        let platform = Platform::ensure(&root, &libexec.join("transom-guest.exe"));
        let drive = platform.expect("there is a platform").drive_c;
        let engine = HostEngine::new(HostConfig { root, state: state.clone(), libexec });
        let things = ThisHost::of(engine.clone());
        let executor = Executor::new(engine, things, folder.path().join("runs"), drive);
        Self { executor, layer, state, _folder: folder }
    }

    /// A process of this command line, that is the first of a container.
    pub(super) fn run(&self, line: &str) -> (Run, Arc<Said>) {
        let (mut process, said) = process(line);
        process.meta.network = NetMode::None;
        (Run::new(vec![self.layer.clone()], process), said)
    }

    /// Runs it beside the caller.
    pub(super) fn begin(&self, run: Run, cancel: &watch::Sender<bool>) -> Running {
        let (executor, cancel) = (self.executor.clone(), cancel.subscribe());
        Running(tokio::spawn(async move { Box::pin(executor.run(run, cancel)).await }))
    }

    pub(super) async fn exec(&self, id: &RunId, process: Process) -> Result<(), RunError> {
        let never = watch::Sender::new(false);
        self.exec_until(id, process, &never).await
    }

    /// The same, until it is cancelled.
    pub(super) async fn exec_until(
        &self,
        id: &RunId,
        process: Process,
        cancel: &watch::Sender<bool>,
    ) -> Result<(), RunError> {
        let exec = self.executor.exec(id, process, cancel.subscribe());
        timeout(LONG * 2, exec).await.expect("an exec ends")
    }

    /// What a command says in a container that runs.
    pub(super) async fn ask(&self, id: &RunId, line: &str) -> String {
        let (process, said) = process(line);
        let done = self.exec(id, process).await;
        done.unwrap_or_else(|error| panic!("{line}: {error}: {}", said.errors()));
        said.text().trim_end().to_owned()
    }

    /// Gives up the scratch of a run; then nothing of it is left.
    pub(super) async fn discard(&self, id: &RunId, finished: Finished) {
        self.executor.discard(finished).await.expect("a scratch can be removed");
        self.expect_gone(id);
    }

    /// Neither a folder nor a silo nor a namespace has the name of a run that is over. What ran in
    /// a silo has gone by then; its host may still be putting its own folder away.
    pub(super) fn expect_gone(&self, id: &RunId) {
        let named = |folder: &Path| {
            let names = fs::read_dir(folder).into_iter().flatten().flatten();
            let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| name.contains(id.as_str())).collect::<Vec<_>>()
        };
        let silos = self.state.join("silos");
        wait::until("the silo's folder to go", || named(&silos).is_empty().then_some(()));
        for folder in [self.executor.folder(), &self.state.join("netns")] {
            assert_eq!(named(folder), Vec::<String>::new(), "in {}", folder.display());
        }
    }
}

/// A run that goes on beside the test.
pub(super) struct Running(tokio::task::JoinHandle<Result<Finished, RunError>>);

impl Running {
    pub(super) async fn end(self) -> Result<Finished, RunError> {
        timeout(LONG, self.0).await.expect("a run ends").expect("a run does not panic")
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}

/// A process of this command line, and what it says.
pub(super) fn process(line: &str) -> (Process, Arc<Said>) {
    let said = Arc::<Said>::default();
    let meta = Meta { command_line: line.to_owned(), ..Meta::default() };
    (Process::new(meta, Arc::<Said>::clone(&said)), said)
}

/// The texts of an error and its causes.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Does a test's work.
pub(super) fn block_on(work: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads can be started").block_on(work);
}
