//! Starting, stopping, removing, renaming.

use anyhow::{Context, Result, bail};

use super::many::each;
use super::run;
use crate::attach::client::Outcome;
use crate::attach::foreground::{Foreground, Left};
use crate::attach::wire::{Call, Hello};
use crate::cli::container::{Kill, Many, Rename, Rm, Start, Stop};
use crate::commands::{Failed, Status};
use crate::host::{Host, remove};
use crate::monitor::spawn::spawn;
use crate::settings::signal;
use crate::store::{Found, Status as State};

/// `start`
pub(super) async fn start(host: &Host, args: Start) -> Result<()> {
    if args.attach || args.interactive {
        let [name] = args.containers.as_slice() else {
            bail!("you cannot start and attach multiple containers at once");
        };
        return start_attached(host, name, &args).await;
    }
    each(host, &args.containers, |host, name| {
        Box::pin(async move {
            begin(host, &host.find(name).await?).await?;
            Ok(name.to_owned())
        })
    })
    .await
}

/// Starts a container in the background; one that runs is a success.
pub(super) async fn begin(host: &Host, found: &Found) -> Result<()> {
    if found.state.status == State::Paused {
        bail!("cannot start a paused container, try unpause instead");
    }
    if found.state.status.is_active() && found.folder.is_held() {
        return Ok(());
    }
    // A monitor may still be on its way out.
    drop(host.lock(found).await?);
    let mut connection = spawn(found, Hello { exit: true, ..Hello::default() }).await?;
    match connection.started().await? {
        Ok(_) | Err(Outcome::Exited(_)) => Ok(()),
        Err(Outcome::Failed(failure)) => {
            Err(Failed { status: failure.status, message: failure.message }.into())
        }
        Err(Outcome::Lost) => bail!("the container's monitor was killed"),
    }
}

async fn start_attached(host: &Host, name: &str, args: &Start) -> Result<()> {
    let found = host.find(name).await?;
    if found.state.status.is_active() && found.folder.is_held() {
        bail!("container {name} is already running: use attach");
    }
    drop(host.lock(&found).await?);
    let config = &found.record.config;
    let stdin = args.interactive && config.open_stdin;
    let hello = Hello { stdin, stdout: true, stderr: true, exit: true };
    let keys = run::detach_keys(args.detach_keys.as_deref())?;
    let connection = spawn(&found, hello).await?;
    let foreground = Foreground {
        monitors: host.dirs.monitors(),
        id: found.record.id.clone(),
        stdin,
        tty: config.tty,
        signals: true,
        keys,
    };
    match foreground.stay(connection).await? {
        Left::Detached => Ok(()),
        Left::Ended(outcome) => match run::status(outcome)? {
            0 => Ok(()),
            status => Err(Status(status).into()),
        },
    }
}

/// `stop`
pub(super) async fn stop(host: &Host, args: Stop) -> Result<()> {
    let call = stop_call(&args)?;
    each(host, &args.containers, |host, name| {
        let call = call.clone();
        Box::pin(async move {
            let found = host.find(name).await?;
            end(host, &found, call).await?;
            Ok(name.to_owned())
        })
    })
    .await
}

/// `restart`
pub(super) async fn restart(host: &Host, args: Stop) -> Result<()> {
    let call = stop_call(&args)?;
    each(host, &args.containers, |host, name| {
        let call = call.clone();
        Box::pin(async move {
            let found = host.find(name).await?;
            if found.record.host_config.auto_remove && found.state.status.is_active() {
                bail!("container {name} was started with --rm and is gone when it has ended");
            }
            end(host, &found, call).await?;
            begin(host, &host.find(&found.record.id).await?).await?;
            host.events.container(&found.record, "restart", &[]);
            Ok(name.to_owned())
        })
    })
    .await
}

fn stop_call(args: &Stop) -> Result<Call> {
    let signal = args.signal.as_deref().map(signal::parse).transpose()?;
    Ok(Call::Stop { signal, timeout: args.time })
}

/// Ends a container; one that has ended is a success.
async fn end(host: &Host, found: &Found, call: Call) -> Result<()> {
    match host.monitor(&found.record.id).await? {
        Some(mut monitor) => monitor.call(call).await,
        None => Ok(()),
    }
}

/// `kill`
pub(super) async fn kill(host: &Host, args: Kill) -> Result<()> {
    let signal = signal::parse(&args.signal)?;
    each(host, &args.containers, |host, name| {
        Box::pin(async move { ask(host, name, Call::Kill { signal }).await })
    })
    .await
}

/// `pause`
pub(super) async fn pause(host: &Host, args: Many) -> Result<()> {
    each(host, &args.containers, |host, name| Box::pin(ask(host, name, Call::Pause))).await
}

/// `unpause`
pub(super) async fn unpause(host: &Host, args: Many) -> Result<()> {
    each(host, &args.containers, |host, name| Box::pin(ask(host, name, Call::Resume))).await
}

/// Asks a running container for something.
async fn ask(host: &Host, name: &str, call: Call) -> Result<String> {
    let found = host.find(name).await?;
    let monitor = host.monitor(&found.record.id).await?;
    let mut monitor = monitor.with_context(|| format!("container {name} is not running"))?;
    monitor.call(call).await?;
    Ok(name.to_owned())
}

/// `rm`
pub(super) async fn rm(host: &Host, args: Rm) -> Result<()> {
    let options = remove::Options { force: args.force, volumes: args.volumes };
    host.sweep().await?;
    each(host, &args.containers, |host, name| {
        Box::pin(async move {
            match host.find(name).await {
                Ok(found) => remove::container(host, found, options).await?,
                // Docker: what shall be gone in any case may be gone already.
                Err(error) if options.force && error.is::<crate::store::NoSuchContainer>() => {
                    eprintln!("transom: {error:#}");
                    return Ok(String::new());
                }
                Err(error) => return Err(error),
            }
            Ok(name.to_owned())
        })
    })
    .await
}

/// `rename`
pub(super) async fn rename(host: &Host, args: Rename) -> Result<()> {
    let mut found = host.find(&args.container).await?;
    let old = found.record.name.clone();
    let name = args.name.strip_prefix('/').unwrap_or(&args.name);
    host.store.rename(&mut found, name)?;
    if let Some(mut monitor) = host.monitor(&found.record.id).await? {
        monitor.call(Call::Update { resources: None }).await?;
    }
    host.events.container(&found.record, "rename", &[("oldName", &old)]);
    Ok(())
}
