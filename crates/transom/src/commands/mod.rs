//! One file a command.

mod attach;
mod build;
mod builder;
mod commit;
mod containerd;
mod create;
mod df;
mod diag;
mod events;
mod exec;
mod filters;
mod history;
mod images;
mod import;
mod info;
mod inspect;
mod life;
mod login;
mod logs;
mod many;
mod network;
mod plan;
mod port;
mod progress;
mod prune;
mod ps;
mod pull;
mod run;
mod service;
mod spec;
mod stats;
mod top;
mod transfer;
mod update;
mod volume;
mod wait;

use anyhow::{Context, Result, bail};
use engine::os::DRIVES_ARE_FOLDERS;

use crate::cli::Command;
use crate::cli::build::BuilderGroup;
use crate::host::{Host, failure};

/// A status that is not success, when everything there is to say has been said.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("exit status {0}")]
pub struct Status(pub u8);

/// An error with a status of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failed {
    /// What this program exits with.
    pub status: u8,
    /// What it says.
    pub message: String,
}

/// The status for an error that was told.
pub fn status_of(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failed>().map_or(1, |failed| failed.status)
}

/// Does a command, and gives the status to exit with.
pub fn main(command: Command) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let status = runtime.block_on(dispatch(command));
    runtime.shutdown_background();
    status
}

/// What needs a container's drive as a folder, layers that Transom puts together itself, or Linux.
fn check(command: &Command) -> Result<()> {
    match not_on_windows(command) {
        Some(why) if !DRIVES_ARE_FOLDERS => bail!("{why}"),
        _ => Ok(()),
    }
}

fn not_on_windows(command: &Command) -> Option<String> {
    let what = match command {
        Command::Build(_) | Command::Builder(_) => "building",
        Command::Cp(_) => "copying",
        Command::Commit(_) => "committing a container",
        Command::Diff(_) => "listing a container's changes",
        Command::Export(_) => "exporting a container",
        Command::Containerd(_) => {
            return Some(
                "containerd is not set up by Transom on Windows: put the shim in the place of \
                 containerd's own by hand, its configuration stays as it is"
                    .to_owned(),
            );
        }
        Command::Doctor(_) => {
            return Some(
                "doctor is for Linux: it looks for Wine, namespaces and control groups, none of \
                 which Windows needs"
                    .to_owned(),
            );
        }
        _ => return None,
    };
    Some(format!(
        "{what} is not supported on Windows: Windows keeps a container's drive in a disk of its \
         own, which Transom does not look into"
    ))
}

async fn dispatch(command: Command) -> Result<u8> {
    let command = match command {
        Command::Container(group) => group.into(),
        Command::Image(group) => group.into(),
        Command::System(group) => group.into(),
        other => other,
    };
    check(&command)?;
    match command {
        // These need no host, or must work on one that lacks something.
        Command::Completion(args) => {
            info::completion(&args);
            Ok(0)
        }
        Command::Containerd(group) => containerd::command(group).await.map(|()| 0),
        Command::Plan(args) => plan::command(&args).map(|()| 0),
        Command::Diag(group) => diag::command(group).await.map(|()| 0),
        Command::Service { group } => service::command(group).await.map(|()| 0).or_else(quiet),
        Command::Version(args) => info::version(args.format.as_deref()),
        Command::Doctor(args) => crate::doctor::command(args.format.as_deref()).await,
        Command::Run(args) => {
            let run = async { Box::pin(run::command(&Host::open()?, *args)).await };
            run.await.map_err(as_daemon_error)
        }
        Command::Create(args) => {
            let create = async { Box::pin(run::create(&Host::open()?, *args)).await };
            create.await.map_err(as_daemon_error)
        }
        Command::Build(args) | Command::Builder(BuilderGroup::Build(args)) => {
            Box::pin(build::command(&Host::open()?, *args)).await
        }
        other => Box::pin(on_host(&Host::open()?, other)).await.map(|()| 0).or_else(quiet),
    }
}

async fn on_host(host: &Host, command: Command) -> Result<()> {
    match command {
        Command::Start(args) => life::start(host, args).await,
        Command::Attach(args) => attach::command(host, args).await,
        Command::Stop(args) => life::stop(host, args).await,
        Command::Kill(args) => life::kill(host, args).await,
        Command::Restart(args) => life::restart(host, args).await,
        Command::Exec(args) => exec::command(host, args).await,
        Command::Logs(args) => logs::command(host, args).await,
        Command::Port(args) => port::command(host, args).await,
        Command::Ps(args) => ps::command(host, args).await,
        Command::Inspect(args) => inspect::command(host, args).await,
        Command::Wait(args) => wait::command(host, args).await,
        Command::Rm(args) => life::rm(host, args).await,
        Command::Stats(args) => stats::command(host, args).await,
        Command::Top(args) => top::command(host, args).await,
        Command::Cp(args) => crate::copy::command(host, args).await,
        Command::Pause(args) => life::pause(host, args).await,
        Command::Unpause(args) => life::unpause(host, args).await,
        Command::Update(args) => update::command(host, args).await,
        Command::Rename(args) => life::rename(host, args).await,
        Command::Builder(BuilderGroup::Du(args)) => builder::usage(host, args).await,
        Command::Builder(BuilderGroup::Prune(args)) => builder::prune(host, args).await,
        Command::Commit(args) => Box::pin(commit::command(host, args)).await,
        Command::Diff(args) => crate::copy::diff::command(host, args).await,
        Command::Export(args) => crate::copy::export::command(host, args).await,
        Command::Import(args) => import::command(host, args).await,
        Command::History(args) => history::command(host, args).await,
        Command::Images(args) => images::list(host, args).await,
        Command::Load(args) => transfer::load(host, args).await,
        Command::Save(args) => transfer::save(host, args).await,
        Command::Pull(args) => pull::pull(host, args).await,
        Command::Push(args) => pull::push(host, args).await,
        Command::Login(args) => login::login(host, args).await,
        Command::Logout(args) => login::logout(host, args).await,
        Command::Tag(args) => images::tag(host, args).await,
        Command::Rmi(args) => images::rmi(host, args).await,
        Command::Prune(args) => prune::command(host, args).await,
        Command::Volume(group) => volume::command(host, group).await,
        Command::Network(group) => network::command(host, group).await,
        Command::Spec(args) => Box::pin(spec::command(host, *args)).await,
        Command::Events(args) => events::command(host, args).await,
        Command::Info(args) => info::command(host, args.format.as_deref()).await,
        Command::DiskUsage(args) => df::command(host, &args).await,
        Command::Container(_)
        | Command::Builder(BuilderGroup::Build(_))
        | Command::Image(_)
        | Command::System(_)
        | Command::Completion(_)
        | Command::Version(_)
        | Command::Plan(_)
        | Command::Diag(_)
        | Command::Containerd(_)
        | Command::Doctor(_)
        | Command::Service { .. }
        | Command::Run(_)
        | Command::Build(_)
        | Command::Create(_)
        | Command::Monitor(_) => unreachable!("these have been dispatched before"),
    }
}

fn quiet(error: anyhow::Error) -> Result<u8> {
    match error.downcast::<Status>() {
        Ok(Status(status)) => Ok(status),
        Err(error) => Err(error),
    }
}

/// `run` and `create` exit with 125 when the failure is not the program's.
fn as_daemon_error(error: anyhow::Error) -> anyhow::Error {
    if error.is::<Failed>() {
        error
    } else {
        Failed { status: failure::DAEMON, message: format!("{error:#}") }.into()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_windows_lacks_is_refused_for_its_own_reason() {
        let why = |words: &str| {
            let words = words.split(' ').collect::<Vec<_>>();
            not_on_windows(&Cli::try_parse_from(words).unwrap().command).unwrap_or_default()
        };
        assert!(why("transom diff web").contains("a disk of its own"));
        assert!(why("transom doctor").contains("for Linux"));
        assert!(why("transom containerd setup").contains("by hand"));
        assert_eq!(why("transom ps"), "");
    }
}
