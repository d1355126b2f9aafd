//! An engine without a host: compute systems that live in this process, for tests.
//!
//! It keeps every promise of the traits, and passes `conformance`, so that
//! what is built on an engine can be tested without one. Its programs are five words long, see
//! [`program`]. What it leaves out: isolation, limits that bind, a file system.

mod holdings;
mod process;
pub mod program;
mod system;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use schema::SystemId;
use schema::document::ComputeSystem;
use schema::properties::Properties;

pub use holdings::{Holding, MemoryHost};
pub use process::MemoryProcess;
pub use system::MemorySystem;

use crate::{Engine, EngineError, ErrorKind, Op, Result};

/// Compute systems in memory. Clones share them, as two processes share a host's.
#[derive(Debug, Clone, Default)]
pub struct MemoryEngine {
    systems: Arc<Mutex<BTreeMap<SystemId, MemorySystem>>>,
}

impl MemoryEngine {
    /// An engine with no systems.
    pub fn new() -> Self {
        Self::default()
    }

    fn systems(&self) -> MutexGuard<'_, BTreeMap<SystemId, MemorySystem>> {
        self.systems.lock().expect("no holder of this lock panics")
    }
}

impl Engine for MemoryEngine {
    type System = MemorySystem;

    async fn create(&self, id: &SystemId, document: &ComputeSystem) -> Result<MemorySystem> {
        if document.container.is_none() {
            return Err(EngineError::new(
                Op::Create,
                id,
                ErrorKind::InvalidDocument {
                    field: "Container".to_owned(),
                    value: String::new(),
                    rule: "is needed: this engine runs containers only".to_owned(),
                },
            ));
        }
        let mut systems = self.systems();
        systems.retain(|_, system| !system.has_ended());
        if systems.contains_key(id) {
            return Err(EngineError::new(Op::Create, id, ErrorKind::AlreadyExists));
        }
        let system = MemorySystem::new(id.clone(), document);
        systems.insert(id.clone(), system.clone());
        Ok(system)
    }

    async fn open(&self, id: &SystemId) -> Result<MemorySystem> {
        let systems = self.systems();
        match systems.get(id) {
            Some(system) if !system.has_ended() => Ok(system.clone()),
            Some(_) | None => {
                Err(EngineError::new(Op::Open, id, ErrorKind::NotFound("compute system")))
            }
        }
    }

    async fn list(&self, owner: Option<&str>) -> Result<Vec<Properties>> {
        let listed = self.systems().values().map(MemorySystem::basic).collect::<Vec<_>>();
        Ok(listed
            .into_iter()
            .filter(|found| found.state != schema::properties::State::Stopped)
            .filter(|found| owner.is_none_or(|owner| owner == found.owner))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use schema::container::Container;
    use schema::document::SchemaVersion;

    use super::*;
    use crate::conformance::{self, Fixture};
    use crate::{System as _, SystemEvent};

    struct Programs;

    fn document() -> ComputeSystem {
        ComputeSystem {
            owner: "test".to_owned(),
            schema_version: SchemaVersion::V2_1,
            hosting_system_id: String::new(),
            container: Some(Container::default()),
            virtual_machine: None,
            should_terminate_on_last_handle_closed: false,
        }
    }

    impl Fixture for Programs {
        async fn document(&self, _id: &SystemId) -> ComputeSystem {
            document()
        }

        async fn release(&self, _id: &SystemId) {}

        fn exits(&self, code: u32) -> String {
            format!("exit {code}")
        }

        fn echoes(&self) -> String {
            "cat".to_owned()
        }

        fn complains(&self, text: &str) -> String {
            format!("complain {text}")
        }

        fn lasts(&self) -> String {
            "wait".to_owned()
        }

        fn missing(&self) -> String {
            "nosuch.exe".to_owned()
        }
    }

    #[tokio::test]
    async fn the_in_memory_engine_keeps_every_promise() {
        conformance::all(&MemoryEngine::new(), &Programs).await;
    }

    #[tokio::test]
    async fn a_crash_is_an_unexpected_exit() {
        let id = SystemId::new("crash").unwrap();
        let system = MemoryEngine::new().create(&id, &document()).await.unwrap();
        let mut events = system.events().await.unwrap();
        system.run_out_of_memory();
        system.crash();
        assert_eq!(events.recv().await, Some(SystemEvent::OutOfMemory));
        let exit = system.wait().await;
        assert_eq!(exit.kind, crate::ExitKind::Unexpected);
        assert!(exit.out_of_memory);
    }
}
