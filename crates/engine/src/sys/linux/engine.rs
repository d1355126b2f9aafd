//! The engine: starting silo hosts, and finding them again.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use schema::SystemId;
use schema::document::ComputeSystem;
use schema::properties::Properties;
use tokio::net::UnixStream;
use tokio::process::Command;

use super::client::{Connection, SILO_HOST, blocking};
use super::platform::Platform;
use super::protocol::{Answer, Boot, Refusal, Request, Taken};
use super::system::HostSystem;
use super::{cgroup, claim, validate};
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;
use crate::system::Engine;

/// How long a system that is ending anyway may take to be gone.
pub(crate) const GONE_WITHIN: Duration = Duration::from_mins(1);

/// How often that is looked at.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl HostEngine {
    /// The platform layer, built if this Wine has none yet.
    pub(crate) async fn platform(&self) -> Result<Platform, ErrorKind> {
        let (root, guest) = (self.config().root.clone(), self.config().guest_program());
        let built = blocking(move || Platform::ensure(&root, &guest)).await;
        built.map_err(|e| ErrorKind::io("build the platform layer", e))
    }

    fn silos(&self) -> PathBuf {
        self.config().state.join("silos")
    }

    async fn create_silo(
        &self,
        id: &SystemId,
        document: &ComputeSystem,
    ) -> Result<HostSystem, ErrorKind> {
        validate::container_of(document)?;
        let platform = self.platform().await?;
        let plan = validate::decide(id, document, self.config(), &platform)?;
        let order = Boot { id: id.clone(), silos: self.silos(), plan };
        let mut creation = match self.boot(&order).await {
            // Seen once in thousands of starts on loaded hosts. Nothing of the user's has run, and
            // everything was given back, so a second attempt costs only time.
            Err(ErrorKind::Stillborn(how)) => {
                tracing::warn!(%id, how, "Wine ended while it started; once more");
                self.boot(&order).await?
            }
            other => other?,
        };
        let system = self.connect(id).await?.ok_or(ErrorKind::Disconnected(SILO_HOST))?;
        // The last step, which goes at once: the caller has the system when this has been sent.
        creation.send(&Taken).await.map_err(|_| ErrorKind::Disconnected(SILO_HOST))?;
        Ok(system)
    }

    /// Starts a silo host and waits until it is built. One whose creator goes away before it has
    /// said that it took the system gives everything back, so this may be dropped at any moment.
    async fn boot(&self, order: &Boot) -> Result<Connection, ErrorKind> {
        let program = self.config().silo_program();
        let fail = |e: std::io::Error| ErrorKind::io("talk to the silo host", e);
        let (ours, theirs) = pair().map_err(fail)?;
        let child = spawn(&program, theirs).map_err(|e| lacks_program(&program, e))?;
        let mut connection = Connection::new(ours);
        connection.send(order).await.map_err(fail)?;
        let answer = connection.receive::<Result<(), Refusal>>().await;
        // Reaped by the runtime whenever it ends.
        drop(child);
        match answer {
            Ok((outcome, _)) => outcome.map(|()| connection).map_err(ErrorKind::from),
            Err(_) => Err(ErrorKind::Disconnected(SILO_HOST)),
        }
    }

    /// A handle, or `None` when nobody lives under that id; what a killed one left is swept.
    async fn connect(&self, id: &SystemId) -> Result<Option<HostSystem>, ErrorKind> {
        let dir = self.silos().join(id.as_str());
        let since = Instant::now();
        loop {
            if Connection::open(&dir).await.is_ok() {
                return Ok(Some(HostSystem::new(id.clone(), self.clone())));
            }
            // One without a socket is not yet in; one that has it and does not answer is on its way
            // out, unless it has come in just now.
            if self.sweep(id).await? || !dir.join(claim::SOCKET).exists() {
                return Ok(None);
            }
            if since.elapsed() > GONE_WITHIN {
                let what = "the end of a silo host that no longer answers";
                return Err(ErrorKind::TimedOut { what, after: GONE_WITHIN });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Removes what a killed silo host left under an id; `false` when one is alive.
    pub(crate) async fn sweep(&self, id: &SystemId) -> Result<bool, ErrorKind> {
        let (silos, id) = (self.silos(), id.clone());
        let group = cgroup::name_of(&id, &self.config().state);
        blocking(move || claim::sweep(&silos, &id, &group)).await
    }

    /// Where a system's control socket is.
    pub(crate) fn silo_dir(&self, id: &SystemId) -> PathBuf {
        self.silos().join(id.as_str())
    }

    async fn list_silos(&self, owner: Option<&str>) -> Result<Vec<Properties>, ErrorKind> {
        let silos = self.silos();
        let mut found = Vec::new();
        for id in blocking(move || ids(&silos)).await? {
            let dir = self.silo_dir(&id);
            match Connection::ask(&dir, &Request::Properties(Vec::new())).await {
                Ok((Answer::Properties(properties), _)) => found.push(*properties),
                // It has ended since, or was killed. What cannot be removed hides nobody else.
                _ => {
                    if let Err(error) = self.sweep(&id).await {
                        tracing::warn!(%id, %error, "what a silo left cannot be removed");
                    }
                }
            }
        }
        found.retain(|properties| owner.is_none_or(|owner| properties.owner == owner));
        Ok(found)
    }
}

impl Engine for HostEngine {
    type System = HostSystem;

    async fn create(&self, id: &SystemId, document: &ComputeSystem) -> Result<HostSystem> {
        self.create_silo(id, document).await.map_err(|kind| EngineError::new(Op::Create, id, kind))
    }

    async fn open(&self, id: &SystemId) -> Result<HostSystem> {
        let found = self
            .connect(id)
            .await
            .and_then(|system| system.ok_or(ErrorKind::NotFound("compute system")));
        found.map_err(|kind| EngineError::new(Op::Open, id, kind))
    }

    async fn list(&self, owner: Option<&str>) -> Result<Vec<Properties>> {
        let every = owner.unwrap_or("every owner");
        self.list_silos(owner).await.map_err(|kind| EngineError::new(Op::List, every, kind))
    }
}

/// The ids in the state directory, in order.
fn ids(silos: &Path) -> Result<Vec<SystemId>, ErrorKind> {
    let entries = match std::fs::read_dir(silos) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| ErrorKind::io(format!("read {}", silos.display()), e))?,
    };
    let mut ids: Vec<SystemId> = entries
        .filter_map(std::result::Result::ok)
        .filter_map(|entry| SystemId::new(entry.file_name().into_string().ok()?).ok())
        .collect();
    ids.sort();
    Ok(ids)
}

/// A socket pair whose first end is for the runtime.
fn pair() -> std::io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((UnixStream::from_std(ours.into())?, theirs))
}

/// Starts a silo host in a session of its own, with no variable and no stream of ours.
fn spawn(program: &Path, order: OwnedFd) -> std::io::Result<tokio::process::Child> {
    let mut command = Command::new(program);
    command.env_clear().current_dir("/");
    command.stdin(Stdio::from(order)).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()
}

fn lacks_program(program: &Path, error: std::io::Error) -> ErrorKind {
    if error.kind() == std::io::ErrorKind::NotFound {
        return ErrorKind::HostLacks {
            what: format!("{} is not there", program.display()),
            mend: "set TRANSOM_LIBEXEC to the directory that holds transom-silo".into(),
        };
    }
    ErrorKind::io(format!("start {}", program.display()), error)
}
