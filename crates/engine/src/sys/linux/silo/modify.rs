//! Changing a system that runs.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::thread::LinkNameSpaceType;
use schema::container::{MappedDirectory, Processor};
use schema::modify::{ModifyRequest, RequestType, paths};
use serde::de::DeserializeOwned;

use super::host::{Host, Phase};
use crate::error::ErrorKind;
use crate::sys::mounts;
use crate::sys::namespaces::{self, Child};
use crate::sys::plan::MappedPlan;
use crate::sys::validate::{self, unsupported};

/// `C:` as the silo's mount namespace has it.
const DRIVE: &str = "/wine/drive_c";

impl Host {
    pub(super) fn modify(&mut self, request: &ModifyRequest) -> Result<(), ErrorKind> {
        if self.phase == Phase::Ending {
            return Err(self.wrong_phase());
        }
        if request.guest_request.is_some() {
            return Err(unsupported("GuestRequest", "a container on Linux has no VM's guest"));
        }
        let kind = request.request_type.unwrap_or_default();
        match (request.resource_path.as_str(), kind) {
            (paths::MEMORY, RequestType::Update) => {
                let limit = validate::memory(paths::MEMORY, settings(request)?)?;
                self.cgroup.limit_memory(limit.map(schema::MiB::bytes))?;
                self.plan.limits.memory = limit;
            }
            (paths::PROCESSOR, RequestType::Update) => {
                let limit = validate::processor(&settings::<Processor>(request)?)?;
                self.cgroup.limit_processor(limit)?;
                self.plan.limits.processor = limit;
            }
            (paths::MAPPED_DIRECTORIES, RequestType::Add) => self.add_mapped(&mapped(request)?)?,
            (paths::MAPPED_DIRECTORIES, RequestType::Remove) => {
                self.remove_mapped(&mapped(request)?)?;
            }
            (path, kind) => {
                return Err(unsupported(
                    &format!("modify request {kind:?} on `{path}`"),
                    "a container's memory and processor can be updated, and mapped directories \
                     added and removed",
                ));
            }
        }
        Ok(())
    }

    fn add_mapped(&mut self, plan: &MappedPlan) -> Result<(), ErrorKind> {
        // Those of mounts that were removed meanwhile.
        self.servers.retain_mut(|server| !server.has_ended());
        let mut prepared = mounts::prepare(plan, &self.ids, self.claim.lease())?;
        self.in_mount_namespace(|| mounts::place(Path::new(DRIVE), &prepared))?;
        self.servers.extend(prepared.take_servers());
        self.plan.mapped.push(plan.clone());
        Ok(())
    }

    fn remove_mapped(&mut self, plan: &MappedPlan) -> Result<(), ErrorKind> {
        let same = |known: &MappedPlan| {
            let folded = |target: &[String]| target.join("\\").to_lowercase();
            folded(&known.target) == folded(&plan.target)
        };
        let Some(at) = self.plan.mapped.iter().rposition(same) else {
            return Err(ErrorKind::InvalidDocument {
                field: format!("{}: ContainerPath", paths::MAPPED_DIRECTORIES),
                value: plan.target.join("\\"),
                rule: "nothing is mapped there".into(),
            });
        };
        let target = self.plan.mapped[at].target.clone();
        self.in_mount_namespace(|| mounts::remove(Path::new(DRIVE), &target))?;
        self.plan.mapped.remove(at);
        Ok(())
    }

    /// Runs `body` in a child that has entered the silo's mount namespace, and tells how it went.
    fn in_mount_namespace(
        &self,
        body: impl FnOnce() -> Result<(), ErrorKind>,
    ) -> Result<(), ErrorKind> {
        let fail = |e: std::io::Error| ErrorKind::io("enter the silo's mount namespace", e);
        let path = format!("/proc/{}/ns/mnt", self.pid_one.pid());
        let namespace = std::fs::File::open(path).map_err(fail)?;
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|e| fail(e.into()))?;
        let mut body = Some(body);
        let child = Child::fork(0, || {
            let entered =
                namespaces::enter(&namespace, LinkNameSpaceType::Mount, "the mount namespace");
            let outcome = entered.and_then(|()| body.take().map_or(Ok(()), |body| body()));
            tell(&writer, outcome)
        })
        .map_err(fail)?;
        drop(writer);
        let told = std::io::read_to_string(std::fs::File::from(reader)).map_err(fail)?;
        drop(child);
        match serde_json::from_str::<Result<(), crate::sys::protocol::Refusal>>(&told) {
            Ok(outcome) => outcome.map_err(ErrorKind::from),
            Err(_) => Err(fail(std::io::Error::other("the helper ended without a word"))),
        }
    }
}

fn tell(writer: &OwnedFd, outcome: Result<(), ErrorKind>) -> i32 {
    let outcome = outcome.map_err(crate::sys::protocol::Refusal::from);
    let text = serde_json::to_vec(&outcome).unwrap_or_default();
    i32::from(rustix::io::write(writer, &text).is_err())
}

fn mapped(request: &ModifyRequest) -> Result<MappedPlan, ErrorKind> {
    validate::mapped(&settings::<MappedDirectory>(request)?)
}

fn settings<T: DeserializeOwned>(request: &ModifyRequest) -> Result<T, ErrorKind> {
    serde_json::from_value(request.settings.clone()).map_err(|e| ErrorKind::InvalidDocument {
        field: format!("{}: Settings", request.resource_path),
        value: request.settings.to_string(),
        rule: e.to_string(),
    })
}
