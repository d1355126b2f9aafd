//! Group managed service accounts on a Linux host: not there yet, and said so.

use schema::SystemId;
use schema::container::CredentialGuard;

use super::engine::HostEngine;
use crate::credentials::Credentials;
use crate::error::{EngineError, ErrorKind, Op, Result};

impl Credentials for HostEngine {
    async fn add(&self, system: &SystemId, _credential_spec: &str) -> Result<CredentialGuard> {
        let kind = ErrorKind::Unsupported {
            what: "a credential spec".into(),
            why: "Wine has no LSA that could use a group managed service account; \
                  run without one, or on a Windows host"
                .into(),
        };
        Err(EngineError::new(Op::Credentials, system, kind))
    }

    async fn remove(&self, _system: &SystemId) -> Result<()> {
        Ok(())
    }
}
