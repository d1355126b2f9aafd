//! One run of a container, from its namespace to the end of its shim.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::network::Endpoint;
use engine::os::process::Watched;
use engine::{Engine, HostEngine, System};
use schema::{ExitCode, Pid, SystemId};
use shim::client::{Client, Launch};
use tokio::task::{JoinHandle, JoinSet};

use super::driver::Driver;
use super::log::{LogWriter, Stream, check_driver};
use super::names::Names;
use super::pump::{self, SharedLog};
use super::{bundle, network};
use crate::attach::wire::Exit;
use crate::host::failure::ProgramFailed;
use crate::host::sweep::SHIM;
use crate::host::{Host, NAMESPACE, given, process};
use crate::paths::Dirs;
use crate::stdio::{Streams, Wanted};

/// After its process has ended, a task has this long to be ended: the shim gives back what it held.
const TASK_LIMIT: Duration = Duration::from_secs(45);
/// After its task has ended, a shim has this long to end too.
const SHIM_LIMIT: Duration = Duration::from_secs(10);
/// What is recorded when the shim was killed and nobody can tell how the process ended.
const LOST: u32 = 255;

/// A run that has been started.
pub(super) struct Run {
    pub(super) client: Client,
    pub(super) pid: u32,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) namespace: Option<String>,
    id: String,
    _streams: Streams,
    pumps: JoinSet<()>,
    out_of_memory: JoinHandle<bool>,
    _names: Option<Names>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// What is told and recorded.
    pub exit: Exit,
    /// The shim was lost, and what it held must be given back for it.
    pub lost: bool,
}

impl Run {
    /// Starts the container. After an error the caller gives everything back by the container's id.
    ///
    /// The network's plugins and the compute system take about as long as each other, so they run
    /// side by side: a system needs its namespace when it is created, and what is in it only when
    /// it starts. Whichever fails, the other is waited for: a shim that is given up half way would
    /// be nobody's, and go on.
    pub(super) async fn start(driver: &Driver) -> Result<Self> {
        let (host, record) = (&driver.host, &driver.found.record);
        let id = &record.id;
        let mut input = driver.stdin.hold().await;
        let namespace = network::namespace(host, record).await?;
        given::write(host, &driver.found)?;
        let spec = bundle::spec(host, &driver.found, namespace.as_deref())?;
        let folder = bundle::write(host, id, &spec)?;
        let config = &record.config;
        let wanted = Wanted { stdin: config.open_stdin, output: true, terminal: config.tty };
        let mut streams = Streams::create(&folder.join("io"), wanted)?;
        let system = create(host, id, &folder, &streams);
        let network = network::connect(host, record, namespace.as_deref());
        let (system, network) = tokio::join!(system, network);
        let connected = network?;
        let (client, out_of_memory) = system?;
        let log = open_log(driver)?;
        let pumps = start_pumps(&mut streams, &log, driver);
        let started = client.start_process(id, None).await;
        let pid = started.with_context(|| ProgramFailed { program: record.path.clone() })?.0;
        streams.hand_over().context("handing over the streams")?;
        *input = streams.stdin.as_mut().and_then(crate::stdio::Input::take);
        let id = id.clone();
        Ok(Self {
            client,
            pid,
            endpoints: connected.endpoints,
            namespace,
            id,
            _streams: streams,
            pumps,
            out_of_memory,
            _names: connected.names,
        })
    }

    /// Waits for the end of its process and of all that the shim held for it; with an engine, for
    /// that of the process alone.
    pub(super) fn watch(&self, engine: Option<HostEngine>) -> impl Future<Output = Ended> + use<> {
        let (client, id, pid) = (self.client.clone(), self.id.clone(), Pid(self.pid));
        async move {
            let process = async { process::end(&engine?, &id, pid).await };
            tokio::select! {
                Some(code) = process => Ended::with(code),
                ended = client.wait(&id, None) => match ended {
                    Ok(exit) => Ended::with(exit.code),
                    Err(error) => Ended::lost(&anyhow::Error::from(error)),
                }
            }
        }
    }

    /// All that the process wrote is in its log and with those who look.
    pub(super) async fn drained(&mut self) {
        while self.pumps.join_next().await.is_some() {}
    }

    /// The memory limit was hit.
    pub(super) async fn was_out_of_memory(&mut self) -> bool {
        let told = tokio::time::timeout(Duration::from_secs(1), &mut self.out_of_memory).await;
        matches!(told, Ok(Ok(true)))
    }

    /// Ends the shim. After an error it must be ended from outside.
    pub(super) async fn finish(self, ended: &Ended) -> Result<()> {
        if ended.lost {
            bail!("the shim was lost");
        }
        let shim = end_task(&self.client, &self.id, TASK_LIMIT).await?;
        match shim {
            Some(shim) => {
                // It holds nothing any more, and would only wait whether somebody else asks.
                shim.kill();
                shim.ended(SHIM_LIMIT).await.context("waiting for the shim")
            }
            None => Ok(()),
        }
    }
}

impl Ended {
    fn with(code: ExitCode) -> Self {
        Self { exit: Exit { code: code.0, ..Exit::default() }, lost: false }
    }

    fn lost(error: &anyhow::Error) -> Self {
        let error = Some(format!("{error:#}"));
        Self { exit: Exit { code: LOST, error, ..Exit::default() }, lost: true }
    }
}

/// Lets the shim end its task, and itself next; gives its process. A shim that does not answer is
/// not waited for any longer than `limit`.
async fn end_task(client: &Client, id: &str, limit: Duration) -> Result<Option<Watched>> {
    let ending = async {
        // The end of the process may have been told here before it was told to the shim.
        client.wait(id, None).await.context("waiting for the task")?;
        let shim = client.shim_pid().await.ok().and_then(Watched::open);
        client.delete(id, None).await.context("deleting the task")?;
        client.shutdown(id, true).await.context("ending the shim")?;
        Ok(shim)
    };
    tokio::time::timeout(limit, ending).await.context("the shim does not end its task")?
}

/// Starts the shim and makes the compute system, not yet started.
async fn create(
    host: &Host,
    id: &str,
    bundle: &std::path::Path,
    streams: &Streams,
) -> Result<(Client, JoinHandle<bool>)> {
    let launch = Launch {
        program: Dirs::helper(SHIM)?,
        bundle: bundle.to_owned(),
        namespace: NAMESPACE.to_owned(),
        id: id.to_owned(),
        ..Launch::default()
    };
    let client = Client::start(&launch).await?;
    client.create(id, bundle, &streams.names).await?;
    let out_of_memory = watch_memory(host, id)?;
    Ok((client, out_of_memory))
}

/// The Task API has no word for a memory limit that was hit; the compute system tells at its end.
fn watch_memory(host: &Host, id: &str) -> Result<JoinHandle<bool>> {
    let engine = host.engine.clone();
    let id = SystemId::new(id)?;
    Ok(tokio::spawn(async move {
        match engine.open(&id).await {
            Ok(system) => system.wait().await.out_of_memory,
            Err(_) => false,
        }
    }))
}

fn open_log(driver: &Driver) -> Result<SharedLog> {
    let Some(options) = check_driver(&driver.found.record.host_config.log_config)? else {
        return Ok(None);
    };
    let log = LogWriter::open(&driver.found.folder.log(), options).context("opening the log")?;
    Ok(Some(std::sync::Arc::new(std::sync::Mutex::new(log))))
}

fn start_pumps(streams: &mut Streams, log: &SharedLog, driver: &Driver) -> JoinSet<()> {
    let mut pumps = JoinSet::new();
    let outputs = [(&mut streams.stdout, Stream::Stdout), (&mut streams.stderr, Stream::Stderr)];
    for (output, stream) in outputs {
        if let Some(receiver) = output.as_mut().and_then(crate::stdio::Output::take) {
            pumps.spawn(pump::output(receiver, stream, log.clone(), driver.audience.clone()));
        }
    }
    pumps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shim_that_does_not_answer_is_not_waited_for_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("shim");
        let _mute = engine::os::streams::Listener::bind(&socket).unwrap();
        let client = Client::connect(&format!("unix://{}", socket.display())).await.unwrap();
        let error = end_task(&client, "one", Duration::from_millis(20)).await.unwrap_err();
        assert!(error.to_string().contains("does not end"), "{error:#}");
    }
}
