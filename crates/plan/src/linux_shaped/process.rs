//! A process: its folder, its variables, who runs it.

use super::mounts::windows_path;
use crate::annotations::names;
use crate::error::{PlanError, Result};
use crate::oci::{Annotations, Process, Windows};

/// Brings a process into a Windows container's form; also one that an exec names, since clients
/// copy it from the Linux-shaped spec.
pub fn adopt_process(process: &mut Process, annotations: &Annotations) -> Result<()> {
    process.cwd = match process.cwd.as_str() {
        "" | "/" => r"C:\".to_owned(),
        cwd => windows_path(cwd),
    };
    process.env.retain(|variable| !is_unix_path(variable));
    if let Some(name) = of_container(annotations, names::USER_NAME) {
        name.clone_into(&mut process.user.username);
    }
    if process.user.username.is_empty() && process.user.uid != 0 {
        let rule = format!(
            "a number names nobody on Windows: name the user in the image, \
             or by the annotation `{}`",
            names::USER_NAME
        );
        return Err(PlanError::field("process.user.uid", process.user.uid, rule));
    }
    Ok(())
}

/// What Kubernetes drops of a pod's `windowsOptions` on a Linux node comes as annotations.
pub(super) fn credentials(windows: &mut Windows, annotations: &Annotations) {
    if let Some(given) = of_container(annotations, names::CREDENTIAL_SPEC) {
        windows.credential_spec = Some(given.into());
    }
}

/// An annotation for this container by name (`key/container`), or else for its whole pod.
fn of_container<'a>(annotations: &'a Annotations, key: &str) -> Option<&'a str> {
    let own = annotations
        .get(names::KUBERNETES_CONTAINER)
        .and_then(|container| annotations.get(&format!("{key}/{container}")));
    own.or_else(|| annotations.get(key)).map(String::as_str).filter(|value| !value.is_empty())
}

/// A `PATH` that only has folders of Linux: it was put in because the image sets none.
fn is_unix_path(variable: &str) -> bool {
    let Some(path) = variable.strip_prefix("PATH=") else { return false };
    !path.is_empty() && path.split(':').all(|folder| folder.starts_with('/'))
}

/// The pod's name, which containers are told only so.
pub(super) fn host_name(process: &Process) -> Option<String> {
    process.env.iter().find_map(|variable| variable.strip_prefix("HOSTNAME=")).map(str::to_owned)
}
