//! An engine, and documents for it.

use engine::conformance::Fixture;
use engine::{Engine as _, HostConfig, HostEngine, HostSystem, System as _};
use schema::SystemId;
use schema::container::Container;
use schema::document::{ComputeSystem, SchemaVersion};

/// An engine whose directories do not matter.
pub(crate) fn engine() -> HostEngine {
    let root = std::env::temp_dir();
    HostEngine::new(HostConfig { state: root.join("state"), libexec: root.clone(), root })
}

pub(crate) fn document() -> ComputeSystem {
    ComputeSystem {
        owner: "test".into(),
        schema_version: SchemaVersion::V2_1,
        hosting_system_id: String::new(),
        container: Some(Container::default()),
        virtual_machine: None,
        should_terminate_on_last_handle_closed: false,
    }
}

/// A system that runs.
pub(crate) async fn started(name: &str) -> HostSystem {
    let id = SystemId::new(format!("{name}-{}", std::process::id())).expect("a plain name");
    let system = engine().create(&id, &document()).await.expect("create");
    system.start().await.expect("start");
    system
}

/// The doubles' own program.
pub(crate) fn probe(arguments: &str) -> String {
    format!(r"C:\windows\system32\hcs-probe.exe {arguments}")
}

/// It is Wine, whose pseudo consoles keep their size.
fn is_wine() -> bool {
    std::path::Path::new(r"C:\windows\system32\winecfg.exe").exists()
}

/// Systems for the suite, in which Windows programs run.
pub(crate) struct Programs {
    pub(crate) document: fn(&SystemId) -> ComputeSystem,
    /// Nothing is left of one.
    pub(crate) gone: fn(&SystemId),
    /// They are jobs, which cannot be frozen, and whose consoles are this Windows' own.
    pub(crate) job: bool,
}

impl Fixture for Programs {
    async fn document(&self, id: &SystemId) -> ComputeSystem {
        (self.document)(id)
    }

    async fn release(&self, id: &SystemId) {
        (self.gone)(id);
    }

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

    fn can_pause(&self) -> bool {
        !self.job
    }

    fn consoles_keep_their_size(&self) -> bool {
        self.job && is_wine()
    }
}
