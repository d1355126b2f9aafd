//! Waiting for processes that are nobody's children here.

use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits until the process has ended.
pub(crate) async fn ended(process: OwnedFd, limit: Duration) -> Result<()> {
    #[expect(deprecated, reason = "an OwnedFd stays open; the replacement is unsafe")]
    let process = AsyncFd::with_interest(process, Interest::READABLE);
    let process = process.context("watching a process")?;
    let waiting = tokio::time::timeout(limit, process.readable());
    let ready = waiting.await.context("the process does not end")?;
    ready.map(drop).context("watching a process")
}
