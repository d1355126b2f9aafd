//! A shim at rest.
//!
//! It lives as long as its pod and works for moments of it: when containers come and go, and when
//! somebody asks for their figures. Between them it holds what it cannot do without, and no more.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use ttrpc::r#async::{MethodHandler, Service, TtrpcContext};
use ttrpc::{Request, Response};

/// How long nobody asks for anything before the shim rests. To rest, and to find back afterwards what
/// is needed, costs well below a millisecond together.
const QUIET: Duration = Duration::from_millis(50);

/// A word for each request that comes, and for each answer.
pub(super) type Heard = watch::Sender<()>;

/// The same services, which say when they are asked for something.
pub(super) fn heard(
    mut services: HashMap<String, Service>,
    heard: &Heard,
) -> HashMap<String, Service> {
    for service in services.values_mut() {
        let methods = std::mem::take(&mut service.methods).into_iter();
        let method = |inner| Method { inner, heard: heard.clone() };
        service.methods =
            methods.map(|(name, inner)| (name, Box::new(method(inner)) as _)).collect();
    }
    services
}

struct Method {
    inner: Box<dyn MethodHandler + Send + Sync>,
    heard: Heard,
}

#[async_trait]
impl MethodHandler for Method {
    async fn handler(&self, context: TtrpcContext, request: Request) -> ttrpc::Result<Response> {
        self.heard.send_replace(());
        let answer = self.inner.handler(context, request).await;
        self.heard.send_replace(());
        answer
    }
}

/// Rests each time that it has been quiet for a while.
pub(super) async fn whenever_quiet(heard: &Heard, rest: impl Fn()) -> Infallible {
    let mut heard = heard.subscribe();
    loop {
        while tokio::time::timeout(QUIET, heard.changed()).await.is_ok() {}
        rest();
        // The sender outlives this.
        let _ = heard.changed().await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Waits, and says how often it rested by then.
    async fn rests_after(waits: &[(u64, bool)]) -> Vec<u32> {
        let (heard, rests) = (Heard::default(), Cell::new(0));
        let seen = async {
            let mut seen = Vec::new();
            for (milliseconds, is_asked) in waits {
                tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
                seen.push(rests.get());
                if *is_asked {
                    heard.send_replace(());
                }
            }
            seen
        };
        tokio::select! {
            never = whenever_quiet(&heard, || rests.set(rests.get() + 1)) => match never {},
            seen = seen => seen,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shim_rests_once_each_time_that_it_was_asked_for_something() {
        let waits = [(45, false), (10, false), (60_000, true), (45, false), (10, false)];
        assert_eq!(rests_after(&waits).await, [0, 1, 1, 1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shim_that_is_asked_for_one_thing_after_another_does_not_rest() {
        let waits = [[(45, true); 20].as_slice(), &[(45, false), (10, false)]].concat();
        let rests = rests_after(&waits).await;
        assert_eq!((rests[20], rests[21]), (0, 1));
    }
}
