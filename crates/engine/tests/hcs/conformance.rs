//! The host's engine keeps what every engine promises, with real Windows programs.

use engine::conformance;

use crate::support::{Programs, document, engine};

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let containers = Programs { document: |_| document(), gone: |_| (), job: false };
    conformance::all(&engine(), &containers).await;
}
