//! Group managed service accounts: the container credential guard.

use std::future::Future;

use schema::SystemId;
use schema::container::CredentialGuard;

use crate::Result;

/// Keeps credential guard instances.
pub trait Credentials: Send + Sync + 'static {
    /// Makes an instance for `system` from a credential spec's JSON.
    fn add(
        &self,
        system: &SystemId,
        credential_spec: &str,
    ) -> impl Future<Output = Result<CredentialGuard>> + Send;

    /// Removes it. One that is gone is a success.
    fn remove(&self, system: &SystemId) -> impl Future<Output = Result<()>> + Send;
}
