//! `exec`: a process beside the container's own.
//!
//! It is spoken of with the shim directly: the container's monitor has no part in it.

use std::path::{Path, PathBuf};

use crate::stdio::{Receiver, Sender};
use anyhow::{Context, Result, bail};
use engine::HostEngine;
use oci_spec::runtime::Process;
use schema::{ConsoleSize, Pid};
use shim::client::Client;
use spec::api::{self, Config, HostConfig};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{Failed, Status, run};
use crate::attach::input::{Input, Typed};
use crate::attach::keys::DetachKeys;
use crate::attach::signals::{Signal, Signals};
use crate::attach::terminal::{self, RawTerminal};
use crate::cli::container::Exec;
use crate::host::failure::{self, ProgramFailed};
use crate::host::{Host, process};
use crate::settings::{command_line, pairs, signal};
use crate::stdio::{self, Streams, Wanted, patient};
use crate::store::{Found, Record, Status as State, record};

/// `exec`
pub(super) async fn command(host: &Host, args: Exec) -> Result<()> {
    if args.detach && (args.interactive || args.tty) {
        // Docker allows it and never attaches them; a terminal without anybody is kept.
        tracing::debug!("a detached process has nobody at its stdin");
    }
    terminal::check(args.tty, args.interactive && !args.detach)?;
    let [name, words @ ..] = args.line.as_slice() else { bail!("a container is needed") };
    let found = host.find(name).await?;
    let client = connect(&found).await?;
    let process = process(&found.record, &args, words)?;
    let engine = host.engine.clone();
    let exec = Running { id: found.record.id.clone(), exec: record::new_id(), client, engine };
    let line = words.join(" ");
    host.events.container(
        &found.record,
        &format!("exec_create: {line}"),
        &[("execID", &exec.exec)],
    );
    let started = start(host, &exec, &process, &args, &words[0]).await;
    let (pid, streams) = started.map_err(|error| {
        let failure = failure::of(&error);
        let status = if failure.status == failure::DAEMON { 1 } else { failure.status };
        anyhow::Error::from(Failed { status, message: failure.message })
    })?;
    host.events.container(&found.record, &format!("exec_start: {line}"), &[("execID", &exec.exec)]);
    if args.detach {
        return Ok(());
    }
    let keys = run::detach_keys(args.detach_keys.as_deref())?;
    let code = exec.stay(pid, streams, &args, keys).await?;
    let text = code.to_string();
    host.events.container(
        &found.record,
        "exec_die",
        &[("execID", &exec.exec), ("exitCode", &text)],
    );
    match run::status_byte(code) {
        0 => Ok(()),
        status => Err(Status(status).into()),
    }
}

/// The shim of a running container.
pub(super) async fn connect(found: &Found) -> Result<Client> {
    let name = &found.record.name;
    match found.state.status {
        State::Running => {}
        State::Paused => bail!("container {name} is paused, unpause the container before exec"),
        State::Restarting => {
            bail!("container {name} is restarting, wait until the container is running")
        }
        State::Created | State::Exited | State::Dead => bail!("container {name} is not running"),
    }
    let address = found.state.shim.as_deref();
    let address = address.with_context(|| format!("container {name} is not running"))?;
    Client::connect(address).await.with_context(|| format!("reaching container {name}"))
}

/// What runs: the container's own settings, with those of the flags over them.
fn process(record: &Record, args: &Exec, words: &[String]) -> Result<Process> {
    let own = &record.config;
    let flags = pairs::environment(&args.env_file, &args.env)?;
    let config = Config {
        cmd: words.to_vec(),
        entrypoint: None,
        args_escaped: false,
        tty: args.tty,
        env: spec::env::apply(&spec::env::of_container(&own.env), &flags),
        working_dir: args.workdir.clone().unwrap_or_else(|| own.working_dir.clone()),
        user: args.user.clone().unwrap_or_else(|| own.user.clone()),
        ..Config::default()
    };
    let (height, width) = terminal::size().filter(|_| args.tty).unwrap_or_default();
    let console_size = api::ConsoleSize { height: height.into(), width: width.into() };
    let host_config = HostConfig { console_size, ..HostConfig::default() };
    let mut process = spec::process::process(&config, &host_config);
    command_line::adapt(&mut process);
    Ok(process)
}

async fn start(
    host: &Host,
    exec: &Running,
    process: &Process,
    args: &Exec,
    program: &str,
) -> Result<(Pid, Streams)> {
    let wanted = Wanted {
        stdin: args.interactive && !args.detach,
        output: !args.detach,
        terminal: args.tty,
    };
    let mut streams = Streams::create(&folder(&host.dirs.bundle(&exec.id), &exec.exec), wanted)?;
    exec.client.exec(&exec.id, &exec.exec, process, &streams.names).await?;
    let pid = match exec.client.start_process(&exec.id, Some(&exec.exec)).await {
        Ok(pid) => pid,
        Err(error) => {
            // The container may be gone by now, and then so is this.
            exec.client.delete(&exec.id, Some(&exec.exec)).await.ok();
            let program = ProgramFailed { program: program.to_owned() };
            return Err(anyhow::Error::from(error).context(program));
        }
    };
    streams.hand_over().context("handing over the streams")?;
    Ok((pid, streams))
}

fn folder(bundle: &Path, exec: &str) -> PathBuf {
    bundle.join(format!("exec-{}", record::short(exec)))
}

/// A process that has been started.
#[derive(Debug)]
struct Running {
    id: String,
    exec: String,
    client: Client,
    engine: HostEngine,
}

impl Running {
    /// Stays with it until it has ended, or the user leaves it.
    async fn stay(
        &self,
        pid: Pid,
        mut streams: Streams,
        args: &Exec,
        keys: DetachKeys,
    ) -> Result<u32> {
        let raw = if args.tty && args.interactive {
            RawTerminal::enter().context("the terminal")?
        } else {
            None
        };
        let keys = raw.is_some().then_some(keys);
        let input = streams.stdin.as_mut().and_then(stdio::Input::take);
        let typing = tokio::spawn(typing(input, keys));
        let signals = Signals::listen(raw.is_none(), args.tty)?;
        let ended = async {
            let (stdout, stderr) = (streams.stdout.as_mut(), streams.stderr.as_mut());
            let output = async {
                tokio::join!(
                    self.show(pid, stdout.and_then(stdio::Output::take), tokio::io::stdout()),
                    self.show(pid, stderr.and_then(stdio::Output::take), tokio::io::stderr()),
                )
            };
            let waiting = self.client.wait(&self.id, Some(&self.exec));
            let (exit, (stdout, stderr)) = tokio::join!(waiting, output);
            stdout.and(stderr)?;
            Ok::<_, anyhow::Error>(exit.context("waiting for the process")?.code.0)
        };
        let code = tokio::select! {
            code = ended => code?,
            () = self.control(signals) => unreachable!("signals never end"),
            Ok(Ok(true)) = detached(typing) => 0,
        };
        drop(raw);
        // A process that was left runs on; one that has ended is forgotten.
        self.client.delete(&self.id, Some(&self.exec)).await.ok();
        Ok(code)
    }

    /// Shows what the process writes, until it ends.
    async fn show(
        &self,
        pid: Pid,
        from: Option<Receiver>,
        to: impl AsyncWrite + Unpin,
    ) -> Result<()> {
        let Some(from) = from else { return Ok(()) };
        patient::pass(from, to, process::ended(&self.engine, &self.id, pid)).await
    }

    /// Passes on signals and the terminal's size.
    async fn control(&self, mut signals: Signals) {
        if signals.resizes() {
            self.resize().await;
        }
        loop {
            match signals.next().await {
                Signal::Resized => self.resize().await,
                Signal::Pass(number) => {
                    let number = signal::windows(number);
                    let killed = self.client.kill(&self.id, Some(&self.exec), number, false).await;
                    if let Err(error) = killed {
                        tracing::warn!(%error, "a signal was not passed on");
                    }
                }
            }
        }
    }

    async fn resize(&self) {
        if let Some((height, width)) = terminal::size() {
            let size = ConsoleSize { height, width };
            // A process that has just ended has no terminal.
            self.client.resize(&self.id, Some(&self.exec), size).await.ok();
        }
    }
}

/// Ends when the user leaves, and never otherwise.
async fn detached(typing: tokio::task::JoinHandle<Result<bool>>) -> Result<Result<bool>> {
    match typing.await {
        Ok(Ok(false)) | Err(_) => std::future::pending().await,
        Ok(left) => Ok(left),
    }
}

/// Passes on what is typed; `true` when the user leaves.
async fn typing(to: Option<Sender>, keys: Option<DetachKeys>) -> Result<bool> {
    let Some(mut to) = to else { return Ok(false) };
    let mut input = Input::open(keys);
    loop {
        let (data, left) = match input.next().await.context("reading stdin")? {
            Typed::Data(data) => (data, false),
            Typed::Detach(data) => (data, true),
            Typed::End => return Ok(false),
        };
        // A process that has ended reads nothing more.
        if to.write_all(&data).await.is_err() {
            return Ok(false);
        }
        if left {
            return Ok(true);
        }
    }
}
