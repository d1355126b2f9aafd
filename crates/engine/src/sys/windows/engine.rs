//! The engine: creating, opening and listing compute systems.

use schema::SystemId;
use schema::document::ComputeSystem;
use schema::properties::Properties;
use serde_json::json;

use super::codes::{self, Refusal};
use super::hcs::{self, SystemHandle};
use super::host::{HostSystem, Kind};
use super::job::JobSystem;
use super::operation::{self, Failed};
use super::system::HcsSystem;
use super::system::properties::read_list;
use crate::error::{EngineError, ErrorKind, Op, Result};
use crate::host::HostEngine;
use crate::system::Engine;

/// What was wrong is told when the operation ends; a handle that came before it is closed then.
async fn create(id: &SystemId, document: &ComputeSystem) -> Result<HcsSystem, Failed> {
    const CALL: &str = "HcsCreateComputeSystem";
    let text = serde_json::to_string(document)
        .map_err(|error| ErrorKind::io("write the document", std::io::Error::other(error)))?;
    let name = id.clone();
    let submit = move |operation| {
        let (result, system) = hcs::create_system(name.as_str(), &text, operation)?;
        Ok((result, (system != 0).then(|| SystemHandle(system))))
    };
    let mut done = operation::run(CALL, submit).await?;
    done.document(CALL)?;
    let handle = done.at_once.take();
    let handle = handle.ok_or(ErrorKind::Disconnected("the Host Compute Service"))?;
    HcsSystem::new(id.clone(), handle)
}

async fn open(id: &SystemId) -> Result<HcsSystem, Failed> {
    let system = HcsSystem::new(id.clone(), open_handle(id).await?)?;
    system.look().await?;
    Ok(system)
}

pub(super) async fn open_handle(id: &SystemId) -> Result<SystemHandle, Failed> {
    let id = id.clone();
    operation::blocking(move || {
        let (result, system) = hcs::open_system(id.as_str())?;
        if codes::failed(result) {
            let refusal = Refusal::new("HcsOpenComputeSystem", result, String::new());
            return Err(Failed::Refused(refusal));
        }
        Ok(SystemHandle(system))
    })
    .await
}

async fn list(owner: Option<&str>) -> Result<Vec<Properties>, Failed> {
    const CALL: &str = "HcsEnumerateComputeSystems";
    let query = match owner {
        Some(owner) => json!({ "Owners": [owner] }).to_string(),
        None => "{}".to_owned(),
    };
    let submit = move |operation| Ok((hcs::enumerate(operation, &query)?, ()));
    let document = operation::run(CALL, submit).await?.document(CALL)?;
    Ok(read_list(&document)?)
}

impl Engine for HostEngine {
    type System = HostSystem;

    async fn create(&self, id: &SystemId, document: &ComputeSystem) -> Result<HostSystem> {
        let job = document.container.as_ref().and_then(|container| container.job.as_ref());
        let made = match job {
            Some(job) => {
                let made = JobSystem::create(&self.config().state, id, document, job).await;
                made.map(Kind::Job).map_err(Failed::from)
            }
            None => create(id, document).await.map(Kind::Hcs),
        };
        made.map(HostSystem).map_err(|failed| EngineError::new(Op::Create, id, failed))
    }

    /// A job container is known here or by its note; all else HCS knows.
    async fn open(&self, id: &SystemId) -> Result<HostSystem> {
        let job = JobSystem::open(&self.config().state, id).await;
        if let Some(job) = job.map_err(|kind| EngineError::new(Op::Open, id, kind))? {
            return Ok(HostSystem(Kind::Job(job)));
        }
        let opened = open(id).await.map(|system| HostSystem(Kind::Hcs(system)));
        opened.map_err(|failed| EngineError::new(Op::Open, id, failed))
    }

    async fn list(&self, owner: Option<&str>) -> Result<Vec<Properties>> {
        let every = owner.unwrap_or("every owner");
        let mut found =
            list(owner).await.map_err(|failed| EngineError::new(Op::List, every, failed))?;
        let jobs = JobSystem::list(&self.config().state, owner).await;
        found.extend(jobs.map_err(|kind| EngineError::new(Op::List, every, kind))?);
        found.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(found)
    }
}
