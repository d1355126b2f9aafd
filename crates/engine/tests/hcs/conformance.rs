//! The host's engine keeps what every engine promises, with real Windows programs.

use engine::conformance::{self, Fixture};
use schema::SystemId;
use schema::document::ComputeSystem;

use crate::support::{document, engine, probe};

struct Programs;

impl Fixture for Programs {
    async fn document(&self, _id: &SystemId) -> ComputeSystem {
        document()
    }

    async fn release(&self, _id: &SystemId) {}

    fn exits(&self, code: u32) -> String {
        probe(&format!("exit {code}"))
    }

    fn echoes(&self) -> String {
        probe("echo")
    }

    fn complains(&self, text: &str) -> String {
        format!("cmd /c echo {text}>&2")
    }

    fn lasts(&self) -> String {
        probe("last")
    }

    fn missing(&self) -> String {
        r"C:\there\is\no\such.exe".into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    conformance::all(&engine(), &Programs).await;
}
