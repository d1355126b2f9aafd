//! The host's engine keeps what every engine promises, with real Windows programs.

use engine::conformance::{self, Fixture};
use schema::SystemId;
use schema::document::ComputeSystem;

use crate::host::Host;
use crate::subject::need_host;

impl Fixture for Host {
    async fn document(&self, id: &SystemId) -> ComputeSystem {
        self.container(id, None, |_| {}).await
    }

    async fn release(&self, id: &SystemId) {
        Host::release(self, id).await;
    }

    fn exits(&self, code: u32) -> String {
        format!(r"C:\probe.exe exit {code}")
    }

    fn echoes(&self) -> String {
        r"C:\probe.exe echo".into()
    }

    fn complains(&self, text: &str) -> String {
        format!("cmd /c echo {text}>&2")
    }

    fn lasts(&self) -> String {
        r"C:\probe.exe last".into()
    }

    fn missing(&self) -> String {
        r"C:\there\is\no\such.exe".into()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept() {
    need_host!();
    let host = Host::new();
    conformance::all(&host.engine, &host).await;
}
