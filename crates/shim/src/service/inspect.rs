//! `State` and `Pids`.

use std::time::SystemTime;

use containerd_shim_protos::api::{ProcessInfo, StateResponse, Status as Wire};
use engine::{Engine, System};
use lifecycle::{Exit, Status, Which};
use protobuf::well_known_types::timestamp::Timestamp;
use protobuf::{EnumOrUnknown, MessageField};
use resources::Host;
use schema::Pid;
use schema::properties::{ProcessDetails, PropertyType};

use super::{Service, gone_is_not_found};
use crate::driver::Snapshot;
use crate::error::Result;
use crate::proto;
use crate::wire::{message_any, timestamp};

/// What is told of a process that has not ended.
const NOT_ENDED: u32 = 255;

impl<E: Engine, H: Host> Service<E, H> {
    pub(super) async fn state(&self, id: &str, exec: &str) -> Result<StateResponse> {
        let (task, which) = self.process(id, exec).await?;
        let snapshot = task.status(which).await?;
        Ok(state_of(id, exec, snapshot))
    }

    pub(super) async fn pids(&self, id: &str) -> Result<Vec<ProcessInfo>> {
        let task = self.task(id).await?;
        let Some(system) = task.system() else {
            return Ok(vec![holder(id, &task.status(Which::Init).await?)]);
        };
        let answer = system.properties(&[PropertyType::ProcessList]).await;
        let list = gone_is_not_found(id, answer)?.process_list.unwrap_or_default();
        let pids = list.iter().map(|process| Pid(process.process_id)).collect();
        let owners = task.owners(pids).await?;
        Ok(list.into_iter().zip(owners).map(|(process, owner)| info(id, process, owner)).collect())
    }
}

fn state_of(id: &str, exec: &str, snapshot: Snapshot) -> StateResponse {
    let Snapshot { bundle, status, paused, ends, .. } = snapshot;
    let (wire, pid, exit) = match status {
        Status::Created => (Wire::CREATED, Pid(0), None),
        Status::Running(pid) if paused => (Wire::PAUSED, pid, None),
        Status::Running(pid) => (Wire::RUNNING, pid, None),
        Status::Exited(exit) => (Wire::STOPPED, exit.pid, Some(exit)),
    };
    StateResponse {
        id: id.to_owned(),
        exec_id: if exec.is_empty() { id } else { exec }.to_owned(),
        bundle,
        pid: pid.0,
        status: EnumOrUnknown::new(wire),
        stdin: ends.stdin,
        stdout: ends.stdout,
        stderr: ends.stderr,
        terminal: ends.terminal,
        exit_status: exit.map_or(NOT_ENDED, |exit| exit.code.0),
        exited_at: MessageField::some(exited_at(exit)),
        ..StateResponse::default()
    }
}

fn exited_at(exit: Option<Exit>) -> Timestamp {
    timestamp(exit.map(|exit| exit.at))
}

/// A pod's placeholder, as a process.
fn holder(id: &str, snapshot: &Snapshot) -> ProcessInfo {
    let pid = match snapshot.status {
        Status::Created => 0,
        Status::Running(pid) => pid.0,
        Status::Exited(exit) => exit.pid.0,
    };
    let process = ProcessDetails { process_id: pid, ..ProcessDetails::default() };
    info(id, process, Some(Which::Init))
}

fn info(id: &str, process: ProcessDetails, owner: Option<Which>) -> ProcessInfo {
    let created: Option<jiff::Timestamp> = process.create_timestamp.parse().ok();
    let details = proto::ProcessDetails {
        image_name: process.image_name,
        created_at: MessageField::from_option(
            created.map(|at| timestamp(Some(SystemTime::from(at)))),
        ),
        kernel_time_100_ns: process.kernel_time_100ns,
        user_time_100_ns: process.user_time_100ns,
        memory_commit_bytes: process.memory_commit_bytes,
        memory_working_set_private_bytes: process.memory_working_set_private_bytes,
        memory_working_set_shared_bytes: process.memory_working_set_shared_bytes,
        process_id: process.process_id,
        exec_id: match owner {
            Some(Which::Init) => id.to_owned(),
            Some(Which::Exec(exec)) => exec.into(),
            None => String::new(),
        },
        ..proto::ProcessDetails::default()
    };
    ProcessInfo {
        pid: process.process_id,
        info: MessageField::some(message_any(&details)),
        ..ProcessInfo::default()
    }
}
