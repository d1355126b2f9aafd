//! A bundle, read: the spec that the rest decides on.

use std::path::Path;

use containerd_shim_protos::api::CreateTaskRequest;
use plan::linux_shaped::Beside;
use plan::oci::Annotations;
use plan::sandbox::Role;
use plan::{HostFacts, RootfsMount, Spec};
use resources::HostFiles;
use schema::TaskId;

use crate::error::{Error, Result};
use crate::options;
use crate::proto::Options;
use crate::stdio::Ends;

/// A request whose bundle was read.
pub(super) struct Asked {
    pub(super) id: TaskId,
    pub(super) request: CreateTaskRequest,
    pub(super) spec: Spec,
    pub(super) options: Options,
    /// The mounts that containerd passes beside the spec.
    pub(super) rootfs: Vec<RootfsMount>,
    /// The spec came as one for Linux.
    pub(super) is_linux_shaped: bool,
    /// What a Linux-shaped spec told beside itself.
    pub(super) beside: Beside,
    /// Containerd hears of it elsewhere than by a task's events.
    pub(super) is_quiet: bool,
}

/// Reads the bundle, and does to its spec what its pod and the options say.
pub(super) async fn read(
    mut request: CreateTaskRequest,
    host: &HostFacts,
    inherited: Annotations,
) -> Result<Asked> {
    let id = TaskId::new(&request.id).map_err(|error| Error::Invalid(error.to_string()))?;
    let options = match request.options.as_ref() {
        Some(any) => options::from_any(any).map_err(|error| Error::Failed(error.to_string()))?,
        None => Options::new(),
    };
    let path = Path::new(&request.bundle).join("config.json");
    let text = tokio::fs::read_to_string(&path)
        .await
        .map_err(|error| Error::Failed(format!("cannot read `{}`: {error}", path.display())))?;
    let mut spec = Spec::from_json(&text)?;
    let is_linux_shaped = plan::linux_shaped::is_one(&spec, host);
    if is_linux_shaped {
        one_stream(request.terminal, &mut request.stderr);
        let own = spec.annotations.take().unwrap_or_default();
        spec.annotations = Some(inherited.into_iter().chain(own).collect());
    }
    let beside = plan::linux_shaped::adopt(&mut spec, host, &HostFiles)?;
    for remark in spec.annotations.as_ref().map(plan::annotations::misread).into_iter().flatten() {
        tracing::warn!(task = id.as_str(), remark);
    }
    options::for_plan(&options).prepare(&mut spec)?;
    if request.terminal && !request.stderr.is_empty() {
        let rule = "if using terminal, stderr must be empty";
        return Err(Error::Precondition(rule.to_owned()));
    }
    let rootfs = rootfs(&request);
    Ok(Asked { id, request, spec, options, rootfs, is_linux_shaped, beside, is_quiet: false })
}

/// A Linux client names a stderr for a terminal too (CRI's plugin does), where none is used.
pub(super) fn one_stream(terminal: bool, stderr: &mut String) {
    if terminal {
        stderr.clear();
    }
}

pub(super) fn role(spec: &Spec) -> Result<Role> {
    Ok(Role::of(&spec.annotations.clone().unwrap_or_default())?)
}

fn rootfs(request: &CreateTaskRequest) -> Vec<RootfsMount> {
    let mounts = request.rootfs.iter().map(|mount| RootfsMount {
        mount_type: mount.type_.clone(),
        source: mount.source.clone(),
        target: mount.target.clone(),
        options: mount.options.clone(),
    });
    mounts.collect()
}

pub(super) fn ends(request: &CreateTaskRequest) -> Ends {
    Ends {
        stdin: request.stdin.clone(),
        stdout: request.stdout.clone(),
        stderr: request.stderr.clone(),
        terminal: request.terminal,
    }
}

/// Its image has no entry point: there is a bare shell, which would end at once.
pub(super) fn has_nothing_to_do(spec: &Spec) -> bool {
    const SHELL: &str = r"c:\windows\system32\cmd.exe";
    let Some(process) = spec.process.as_ref() else { return true };
    let only = match process.args.as_slice() {
        [only] => only.eq_ignore_ascii_case(SHELL),
        _ => false,
    };
    only || process.command_line.eq_ignore_ascii_case(SHELL)
}
