//! Running a container's health checks, one after another, beside the container.
//!
//! What the results come to is decided in [`crate::store::health`]; the driver keeps and tells it.

use std::path::PathBuf;
use std::time::Duration;

use crate::stdio::Receiver;
use anyhow::{Context, Result};
use jiff::Timestamp;
use schema::ExitCode;
use shim::client::Client;
use spec::api::{Config, HostConfig};
use spec::health::{OUTPUT_LIMIT, Probe, probe};
use spec::process::process;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::driver::Driver;
use crate::settings::{command_line, signal};
use crate::stdio::{Output, Streams, Wanted};
use crate::store::Record;
use crate::store::health::{Checked, Health, Verdict};
use crate::store::record::{new_id, short};

/// After a kill a check has this long to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The checks of a container that runs; absent when it has none. They end when dropped.
#[derive(Debug, Default)]
pub(super) struct Checks(Option<Running>);

#[derive(Debug)]
struct Running {
    probe: Probe,
    results: mpsc::Receiver<Checked>,
    /// How long to wait before the next one.
    waits: mpsc::Sender<Duration>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checks {
    /// The next result; never, when nothing is checked.
    pub(super) async fn next(&mut self) -> Checked {
        let next = match &mut self.0 {
            Some(running) => running.results.recv().await,
            None => None,
        };
        match next {
            Some(checked) => checked,
            None => std::future::pending().await,
        }
    }
}

impl Driver {
    /// Begins to check, if the container asks for it.
    pub(super) fn start_checks(&mut self, client: &Client) {
        let record = &self.found.record;
        let Some(probe) = probe(&record.config) else { return };
        let bench = Bench {
            client: client.clone(),
            id: record.id.clone(),
            config: config(record, &probe),
            folder: self.host.dirs.bundle(&record.id),
            limit: probe.timeout,
        };
        let (report, results) = mpsc::channel(1);
        let (waits, waiting) = mpsc::channel(1);
        let task = tokio::spawn(bench.run(waiting, report));
        let running = Running { probe, results, waits, task };
        let health = self.found.state.health.get_or_insert_with(Health::default);
        let started = self.found.state.started_at.unwrap_or_else(Timestamp::now);
        let first = health.wait(Timestamp::now(), &running.probe, started);
        running.waits.try_send(first).expect("the channel is new and empty");
        self.checks = Checks(Some(running));
    }

    /// Nobody checks any more.
    pub(super) fn stop_checks(&mut self) {
        self.checks = Checks::default();
    }

    /// The container has ended, and nobody knows of its health. Docker calls that unhealthy.
    pub(super) fn end_checks(&mut self) {
        self.stop_checks();
        if let Some(health) = &mut self.found.state.health {
            health.status = Verdict::Unhealthy;
        }
    }

    pub(super) fn on_checked(&mut self, checked: Checked) {
        let Checks(Some(running)) = &self.checks else { return };
        let started = self.found.state.started_at.unwrap_or_else(Timestamp::now);
        let health = self.found.state.health.get_or_insert_with(Health::default);
        let changed = health.on(checked, &running.probe, started);
        let wait = health.wait(Timestamp::now(), &running.probe, started);
        // One result is out at a time, so there is room for one wait.
        running.waits.try_send(wait).ok();
        self.save();
        if let Some(verdict) = changed {
            self.event(&format!("health_status: {}", verdict.as_str()), &[]);
        }
    }
}

/// The container's environment, user and directory, as for `exec`.
fn config(record: &Record, probe: &Probe) -> Config {
    Config {
        cmd: probe.command.clone(),
        env: spec::env::of_container(&record.config.env),
        working_dir: record.config.working_dir.clone(),
        user: record.config.user.clone(),
        ..Config::default()
    }
}

/// Where checks run.
struct Bench {
    client: Client,
    id: String,
    config: Config,
    folder: PathBuf,
    limit: Duration,
}

impl Bench {
    async fn run(self, mut waits: mpsc::Receiver<Duration>, report: mpsc::Sender<Checked>) {
        while let Some(wait) = waits.recv().await {
            tokio::time::sleep(wait).await;
            let start = Timestamp::now();
            let (exit_code, output) = match self.check().await {
                Ok(told) => told,
                Err(error) => (-1, format!("{error:#}")),
            };
            let checked = Checked { start, end: Timestamp::now(), exit_code, output };
            if report.send(checked).await.is_err() {
                return;
            }
        }
    }

    async fn check(&self) -> Result<(i64, String)> {
        let exec = new_id();
        let mut process = process(&self.config, &HostConfig::default());
        command_line::adapt(&mut process);
        let wanted = Wanted { stdin: false, output: true, terminal: false };
        let folder = self.folder.join(format!("exec-{}", short(&exec)));
        let mut streams = Streams::create(&folder, wanted)?;
        let (id, exec) = (self.id.as_str(), Some(exec.as_str()));
        let made = self.client.exec(id, exec.unwrap_or_default(), &process, &streams.names).await;
        made.context("making the health check")?;
        let told = self.finish(id, exec, &mut streams).await;
        // The container may be gone by now, and then so is this.
        self.client.delete(id, exec).await.ok();
        told
    }

    async fn finish(
        &self,
        id: &str,
        exec: Option<&str>,
        streams: &mut Streams,
    ) -> Result<(i64, String)> {
        self.client.start_process(id, exec).await.context("starting the health check")?;
        streams.hand_over().context("handing over the streams")?;
        let mut output = Vec::new();
        let outputs = [&mut streams.stdout, &mut streams.stderr];
        let [stdout, stderr] = outputs.map(|output| output.as_mut().and_then(Output::take));
        let ending = async {
            collect(stdout, stderr, &mut output).await;
            self.client.wait(id, exec).await
        };
        let Ok(ended) = tokio::time::timeout(self.limit, ending).await else {
            self.client.kill(id, exec, signal::windows(signal::KILL), false).await.ok();
            tokio::time::timeout(KILL_LIMIT, self.client.wait(id, exec)).await.ok();
            return Ok((-1, format!("Health check exceeded timeout ({:?})", self.limit)));
        };
        let ExitCode(code) = ended.context("waiting for the health check")?.code;
        Ok((i64::from(code), cut(&output)))
    }
}

/// Both streams, as they come, until both have ended. What is too much is read and dropped.
async fn collect(stdout: Option<Receiver>, stderr: Option<Receiver>, output: &mut Vec<u8>) {
    let (Some(mut stdout), Some(mut stderr)) = (stdout, stderr) else { return };
    let (mut first, mut second) = (vec![0; OUTPUT_LIMIT], vec![0; OUTPUT_LIMIT]);
    let (mut first_open, mut second_open) = (true, true);
    while first_open || second_open {
        let data = tokio::select! {
            count = stdout.read(&mut first), if first_open => {
                let count = count.unwrap_or(0);
                first_open = count > 0;
                &first[..count]
            }
            count = stderr.read(&mut second), if second_open => {
                let count = count.unwrap_or(0);
                second_open = count > 0;
                &second[..count]
            }
        };
        // One byte more than is kept tells that there was more.
        let room = (OUTPUT_LIMIT + 1).saturating_sub(output.len());
        output.extend_from_slice(&data[..data.len().min(room)]);
    }
}

fn cut(output: &[u8]) -> String {
    if output.len() > OUTPUT_LIMIT {
        format!("{}...", String::from_utf8_lossy(&output[..OUTPUT_LIMIT]))
    } else {
        String::from_utf8_lossy(output).into_owned()
    }
}
