//! Group managed service accounts on a Linux host: Kerberos tickets that a credentials-fetcher
//! daemon keeps fresh.
//!
//! ```text
//! add: credential spec --> daemon --> lease, written down below the state directory
//!      guard in the document: where the lease's tickets are
//! silo: the tickets' folder at /run/credentials, read-only; KRB5CCNAME in every process
//! remove: what is written down --> daemon
//! ```
//!
//! Wine's Kerberos provider is the host's library, which finds the tickets by that variable.
//! The administrator names the daemon's socket ([`super::administrator`]); without one a
//! credential spec is refused.

mod fetcher;
mod lease;

use std::path::{Path, PathBuf};

use schema::SystemId;
use schema::container::CredentialGuard;
use serde::{Deserialize, Serialize};

use super::administrator::Decisions;
use super::validate::{absolute, unsupported};
use crate::credentials::Credentials;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;
use lease::Kept;

/// What a guard of this engine's says of itself.
const TRANSPORT: &str = "CredentialsFetcher";

/// The name that the daemon gives a ticket in an account's folder.
const TICKET: &str = "krb5cc";

/// Where a silo has the tickets.
pub(super) const INSIDE: &str = "run/credentials";

/// Tickets that a silo is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CredentialsPlan {
    /// The folder on the host. The folder, because tickets are replaced when they are renewed.
    pub(crate) folder: PathBuf,
    /// The ticket in it.
    pub(crate) ticket: String,
}

impl CredentialsPlan {
    /// The variable by which programs find the tickets.
    pub(crate) fn variable(&self) -> (String, String) {
        ("KRB5CCNAME".into(), format!("FILE:/{INSIDE}/{}", self.ticket))
    }
}

/// Decides what a document's guard comes to.
pub(super) fn decide(
    guard: Option<&CredentialGuard>,
) -> Result<Option<CredentialsPlan>, ErrorKind> {
    const FIELD: &str = "Container.ContainerCredentialGuard.RpcEndpoint";
    let Some(guard) = guard else { return Ok(None) };
    if guard.transport != TRANSPORT {
        return Err(unsupported(
            "a Container.ContainerCredentialGuard that this engine has not made",
            "Wine has no LSA that could use it",
        ));
    }
    let ticket = absolute(FIELD, &guard.rpc_endpoint)?;
    let (folder, name) = (ticket.parent(), ticket.file_name().and_then(|name| name.to_str()));
    let (Some(folder), Some(name)) = (folder, name) else { return Err(no_ticket(&ticket)) };
    Ok(Some(CredentialsPlan { folder: folder.to_owned(), ticket: name.to_owned() }))
}

impl Credentials for HostEngine {
    async fn add(&self, system: &SystemId, credential_spec: &str) -> Result<CredentialGuard> {
        let fail = |kind| EngineError::new(Op::Credentials, system, kind);
        let decisions = Decisions::read(&self.config().root).map_err(fail)?;
        let socket = decisions.credentials_fetcher.ok_or_else(|| fail(none_configured()))?;
        let kept = Kept::of(&self.config().state, system);
        match kept.read().map_err(fail)? {
            None => {}
            Some(lease) if lease.surplus => self.remove(system).await?,
            Some(_) => return Err(fail(ErrorKind::AlreadyExists)),
        }
        let lease = fetcher::add(&socket, credential_spec).await;
        let lease = lease.map_err(|e| fail(asked(&socket, "for tickets", e)))?;
        // Written down first: from here on `remove` can give it back.
        if let Err(kind) = kept.write(&socket, &lease.id) {
            if let Err(error) = fetcher::delete(&socket, &lease.id).await {
                tracing::warn!(%error, lease = lease.id, "a lease was not given back");
            }
            return Err(fail(kind));
        }
        match guard(&lease, credential_spec) {
            Ok(guard) => Ok(guard),
            Err(kind) => {
                // What is given back later is so by `remove`, or by the next one who asks.
                if let Err(error) = self.remove(system).await {
                    tracing::warn!(%error, lease = lease.id, "a lease was not given back");
                    let left = kept.read().map_err(fail)?;
                    left.map_or(Ok(()), |left| kept.mark_surplus(left)).map_err(fail)?;
                }
                Err(fail(kind))
            }
        }
    }

    async fn remove(&self, system: &SystemId) -> Result<()> {
        let fail = |kind| EngineError::new(Op::Credentials, system, kind);
        let kept = Kept::of(&self.config().state, system);
        let Some(lease) = kept.read().map_err(fail)? else { return Ok(()) };
        let deleted = fetcher::delete(&lease.socket, &lease.id).await;
        deleted.map_err(|e| fail(asked(&lease.socket, "to delete a lease", e)))?;
        kept.forget().map_err(fail)
    }
}

/// What goes into the document.
fn guard(lease: &fetcher::Lease, credential_spec: &str) -> Result<CredentialGuard, ErrorKind> {
    let named = lease.tickets.first().cloned().unwrap_or_default();
    let ticket = if named.is_dir() { named.join(TICKET) } else { named };
    let rpc_endpoint = ticket.to_str().filter(|_| ticket.is_absolute() && ticket.is_file());
    Ok(CredentialGuard {
        cookie: lease.id.clone(),
        rpc_endpoint: rpc_endpoint.ok_or_else(|| no_ticket(&ticket))?.to_owned(),
        transport: TRANSPORT.into(),
        credential_spec: credential_spec.into(),
    })
}

fn no_ticket(ticket: &Path) -> ErrorKind {
    let lacks =
        std::io::Error::other("the lease that credentials-fetcher gave has no ticket there");
    ErrorKind::io(format!("find the ticket `{}`", ticket.display()), lacks)
}

fn none_configured() -> ErrorKind {
    ErrorKind::Unsupported {
        what: "a credential spec".into(),
        why: "on Linux its tickets come from a credentials-fetcher daemon; name its socket under \
              `credentials_fetcher` in /etc/transom/config.json"
            .into(),
    }
}

fn asked(socket: &Path, what: &str, error: std::io::Error) -> ErrorKind {
    ErrorKind::io(format!("ask credentials-fetcher at {} {what}", socket.display()), error)
}

#[cfg(test)]
mod tests;
