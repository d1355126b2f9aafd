//! Giving back what a run of a container held.
//!
//! Everything is named by the container's id, and everything that is gone already is a success.
//! So the same few steps end a run that went well, one that failed half way, and one whose
//! monitor was killed and that somebody else has found.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use engine::os::process::Watched;
use engine::{Engine, ErrorKind, Network, System};
use jiff::Timestamp;
use schema::SystemId;

use super::{Host, NAMESPACE, given, remove};
use crate::attach::socket;
use crate::paths::Dirs;
use crate::store::{Folder, Found, Status};

/// A shim's `delete` waits 30 s for a compute system to end.
const DELETE_LIMIT: Duration = Duration::from_secs(45);
/// The shim's program.
pub const SHIM: &str = "containerd-shim-runhcs-v1";
/// What is recorded when nobody can tell how a container ended.
const LOST: u32 = 255;

/// After a run, of which `ending` ends the shim. The network's plugins take longer than that, and
/// neither needs the other.
pub async fn after_run(
    host: &Host,
    id: &str,
    ending: impl Future<Output = Result<()>>,
) -> Result<()> {
    let (ended, namespace) = tokio::join!(ending, host.networks.delete_namespace(id));
    let shim = match ended {
        Ok(()) => Ok(()),
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "the shim did not end by itself");
            delete_shim(host, id).await
        }
    };
    let rest = give_back_files(host, id).await;
    namespace.context("removing the network namespace")?;
    shim.and(rest)
}

/// Gives back everything that a run of `id` may hold.
pub async fn give_back(host: &Host, id: &str) -> Result<()> {
    let shim = delete_shim(host, id).await;
    let namespace = host.networks.delete_namespace(id).await;
    let rest = give_back_files(host, id).await;
    namespace.context("removing the network namespace")?;
    shim.and(rest)
}

/// A silo host that was killed leaves its folder behind; whoever looks for it sweeps it away. One
/// that lives on without a shim is ended.
async fn end_system(host: &Host, id: &str) -> Result<()> {
    if !host.dirs.state.join("silos").join(id).exists() {
        return Ok(());
    }
    match host.engine.open(&SystemId::new(id)?).await {
        Ok(system) => system.terminate().await.context("ending the compute system"),
        Err(error) if matches!(error.kind, ErrorKind::NotFound(_)) => Ok(()),
        Err(error) => Err(error).context("looking for the compute system"),
    }
}

/// What a run keeps in files.
async fn give_back_files(host: &Host, id: &str) -> Result<()> {
    let system = end_system(host, id).await;
    let secrets = given::wipe(host, id);
    let bundle = match tokio::fs::remove_dir_all(host.dirs.bundle(id)).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    system?;
    secrets?;
    bundle.context("removing the bundle")
}

/// Ends the shim of `id` and the compute system behind it, as containerd does after a crash.
async fn delete_shim(host: &Host, id: &str) -> Result<()> {
    let bundle = host.dirs.bundle(id);
    if !bundle.exists() {
        return Ok(());
    }
    kill_shim(&bundle).await?;
    let mut command = tokio::process::Command::new(Dirs::helper(SHIM)?);
    command
        .args(["-namespace", NAMESPACE, "-id", id, "-address", "-", "-publish-binary", "-"])
        .arg("-bundle")
        .arg(&bundle)
        .arg("delete")
        .current_dir(&bundle)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    engine::os::process::without_console(command.as_std_mut());
    let output = tokio::time::timeout(DELETE_LIMIT, command.output());
    let output = output.await.context("the shim's delete does not end")?;
    let output = output.context("running the shim's delete")?;
    if !output.status.success() {
        bail!("the shim's delete failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// A shim that is still there would go on serving a container that is being taken away. Its pid
/// may belong to somebody else by now, so it must also answer to its name.
async fn kill_shim(bundle: &std::path::Path) -> Result<()> {
    let Ok(text) = tokio::fs::read_to_string(bundle.join("shim.pid")).await else { return Ok(()) };
    let Some(shim) = text.trim().parse().ok().and_then(Watched::open) else { return Ok(()) };
    if !shim.runs(SHIM, bundle) {
        return Ok(());
    }
    shim.kill();
    shim.ended(Duration::from_secs(5)).await.context("the shim does not end")
}

/// Images that only containers hold of which there is nothing: a creation or a removal was killed.
pub async fn leases(host: &Host) -> Result<()> {
    let images = host.images().await?;
    let mut done = Ok(());
    for id in images.leased().await? {
        if !host.store.has_any(&id) {
            let released = images.release(&id).await;
            // One that cannot be let go of keeps nobody from the others.
            done = done.and(released.with_context(|| format!("cleaning up container {id}")));
        }
    }
    done
}

/// A container out of sight whose monitor was killed before it had given everything back.
pub async fn hidden(host: &Host, folder: &Folder) -> Result<()> {
    // Somebody else may be at it already; then it is theirs.
    let Ok(Some(_lock)) = folder.try_lock() else { return Ok(()) };
    if !folder.is_live() {
        return Ok(());
    }
    let id = folder.id();
    give_back(host, id).await.with_context(|| format!("cleaning up container {id}"))?;
    remove::hidden(host, folder).await
}

/// A container whose monitor was killed: gives back what it held and records its end.
pub async fn orphan(host: &Host, mut found: Found) -> Result<()> {
    // Somebody else may be at it already; then it is theirs.
    let Some(_lock) = found.folder.try_lock()? else { return Ok(()) };
    if !found.folder.is_live() {
        return Ok(());
    }
    let id = found.record.id.clone();
    give_back(host, &id).await.with_context(|| format!("cleaning up container {id}"))?;
    socket::remove(&host.dirs.monitors(), &id)?;
    if found.record.host_config.auto_remove {
        return remove::files(host, &found, true).await;
    }
    let state = &mut found.state;
    if state.status.is_active() {
        state.status = Status::Exited;
        state.exit_code = LOST;
        state.finished_at = Some(Timestamp::now());
        "the container's monitor was killed".clone_into(&mut state.error);
        host.events.container(&found.record, "die", &[("exitCode", "255")]);
    }
    state.pid = 0;
    state.endpoints.clear();
    (state.namespace, state.shim) = (None, None);
    found.folder.write_state(state)?;
    found.folder.clear_live()
}
