//! What a process in a job is started with: whose it is, where, with which variables.

use std::path::{Path, PathBuf};

use schema::job::JobContainer;
use schema::process::ProcessParameters;

use super::super::starting;
use super::account::Account;
use super::environment::{Variables, expand};
use super::launch::{Order, Started, launch};
use super::object::Job;
use super::resolve::resolve;
use super::{beneath, stdio};
use crate::error::ErrorKind;
use crate::system::Stdio;

/// Starts a process; after an error nothing runs.
pub(super) fn start(
    job: &Job,
    container: &JobContainer,
    account: &Account,
    parameters: &ProcessParameters,
) -> Result<(Started, Stdio), ErrorKind> {
    let folder = working_folder(&parameters.working_directory, &container.root)?;
    let mut variables = Variables::of_account(account.raw())?;
    let given = parameters.environment.iter();
    variables.extend(given.map(|(name, value)| (name.to_owned(), expand(value, &container.root))));
    variables.finish(&container.root);
    let line = expand(&parameters.command_line, &container.root);
    let found = resolve(&line, &folder, variables.get("PATH").unwrap_or_default())?;
    // Let go only after the streams, which can be inherited for as long as they are open here.
    let _alone = starting::alone();
    let (streams, stdio) =
        stdio::make(parameters).map_err(|error| ErrorKind::io("make a process' streams", error))?;
    let order = Order { found: &found, folder: &folder, variables: &variables, account, streams };
    Ok((launch(job, order)?, stdio))
}

/// A process' folder: the root unless it names one beneath it, which is made when it is not there.
fn working_folder(wanted: &str, root: &str) -> Result<PathBuf, ErrorKind> {
    let expanded = expand(wanted, root);
    let bare = root.trim_end_matches('\\');
    let below = if expanded == wanted {
        // Beneath the root, as the container's own paths are.
        wanted.get(2..).filter(|_| wanted.as_bytes().get(1) == Some(&b':')).unwrap_or(wanted)
    } else {
        let is_below = expanded.get(..bare.len()).is_some_and(|at| at.eq_ignore_ascii_case(bare));
        if is_below { &expanded[bare.len()..] } else { &expanded }
    };
    beneath::used(Path::new(root), below, "WorkingDirectory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_folder_is_beneath_the_root() {
        let place = tempfile::tempdir().unwrap();
        let root = format!(r"{}\", place.path().display());
        let named = r"%CONTAINER_SANDBOX_MOUNT_POINT%\here";
        for (wanted, there) in
            [("", ""), (r"C:\", ""), (r"C:\app\bin", r"app\bin"), ("app", "app"), (named, "here")]
        {
            let folder = working_folder(wanted, &root).unwrap();
            assert_eq!(folder, place.path().join(there), "{wanted}");
            assert!(folder.is_dir());
        }
        for wrong in [r"..\..\Windows", r"C:\a\..\..\b", r"%CONTAINER_SANDBOX_MOUNT_POINT%\..\x"] {
            let refused = working_folder(wrong, &root).unwrap_err();
            assert!(matches!(refused, ErrorKind::InvalidDocument { .. }), "{wrong}: {refused:?}");
        }
    }
}
