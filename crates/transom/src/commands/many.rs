//! Doing the same to several containers.

use std::pin::Pin;

use anyhow::Result;

use super::Status;
use crate::host::Host;

/// Work on one container.
pub(super) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// Does `work` for each name, side by side, printing what it returns in the order of the names.
/// One that fails is told on stderr and fails the whole in the end.
pub(super) async fn each<'a>(
    host: &'a Host,
    names: &'a [String],
    work: impl Fn(&'a Host, &'a str) -> Work<'a, String>,
) -> Result<()> {
    let mut running: Vec<_> = names.iter().map(|name| Some(work(host, name))).collect();
    let mut results: Vec<Option<Result<String>>> = names.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (work, result) in running.iter_mut().zip(&mut results) {
            if let Some(future) = work
                && let std::task::Poll::Ready(done) = future.as_mut().poll(context)
            {
                *result = Some(done);
                *work = None;
            }
        }
        if running.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    tell(results.into_iter().flatten())
}

fn tell(results: impl Iterator<Item = Result<String>>) -> Result<()> {
    let mut failed = false;
    for result in results {
        match result {
            Ok(line) => println!("{line}"),
            Err(error) => {
                eprintln!("transom: {error:#}");
                failed = true;
            }
        }
    }
    if failed { Err(Status(1).into()) } else { Ok(()) }
}
