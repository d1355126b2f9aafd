//! A client of the shim: starts one as containerd does, and speaks the Task API to it.
//!
//! `transom` runs its containers through this, so that the path a user tries first is the path
//! that a cluster uses. Calls have no deadline of their own: wrap them where one is wanted.

mod diag;
mod error;
mod find;
mod launch;
mod task;
mod types;

pub use diag::{DiagTask, Stacks};
pub use error::{ClientError, Failure};
pub use find::{FindError, Found, shims};
pub use launch::Launch;
pub(crate) use launch::NO_PUBLISHER;
pub use types::{Exit, ProcessInfo, Stdio, TaskState, TaskStatus};

use containerd_shim_protos::shim_async::TaskClient;

use crate::proto::diag_ttrpc::ShimDiagClient;

/// A connection to a shim. Clones share it.
#[derive(Clone)]
pub struct Client {
    address: String,
    tasks: TaskClient,
    diag: ShimDiagClient,
}

impl Client {
    /// Starts a shim for `launch` and connects to it. A workload of a pod gets the pod's shim.
    ///
    /// The shim outlives this process, and is given back by [`Client::shutdown`].
    pub async fn start(launch: &Launch) -> Result<Self, ClientError> {
        let address = launch.run().await?;
        Self::connect(&address).await
    }

    /// Connects to a running shim, by what [`Client::address`] told or its bundle's `address` file.
    pub async fn connect(address: &str) -> Result<Self, ClientError> {
        let connection = ttrpc::r#async::Client::connect(address)
            .await
            .map_err(|cause| ClientError::new("connect to the shim", cause.into()))?;
        let diag = ShimDiagClient::new(connection.clone());
        Ok(Self { address: address.to_owned(), tasks: TaskClient::new(connection), diag })
    }

    /// The Task API as it is on the wire, for tests that ask what no client should.
    #[cfg(test)]
    pub(crate) fn raw(&self) -> &TaskClient {
        &self.tasks
    }

    /// Where the shim listens.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}
