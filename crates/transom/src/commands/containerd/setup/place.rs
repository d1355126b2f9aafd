//! Containerd itself, and where it looks for a shim.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

const SHIM: &str = "containerd-shim-runhcs-v1";
/// What systemd gives a service, whatever the caller's own path is.
const SERVICE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The installed containerd.
pub(super) struct Daemon {
    folder: Option<PathBuf>,
    /// Major and minor; nothing when it is not installed, or does not say.
    pub(super) version: Option<(u32, u32)>,
}

pub(super) fn daemon() -> Daemon {
    let own = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(SERVICE_PATH).chain(env::split_paths(&own));
    let folder = folders.find(|folder| folder.join("containerd").is_file());
    let ask = |folder: &PathBuf| Command::new(folder.join("containerd")).arg("--version").output();
    let version = folder.as_ref().and_then(|folder| ask(folder).ok());
    let version = version.and_then(|output| version_in(&String::from_utf8_lossy(&output.stdout)));
    Daemon { folder, version }
}

/// The third word: `containerd github.com/containerd/containerd v2.1.4 …`.
fn version_in(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().nth(2)?.trim_start_matches('v');
    let mut numbers = word.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The link that is missing, and what it has to lead to: containerd looks beside itself and in its
/// service's path.
pub(super) fn missing_link(daemon: &Daemon, bin: &Path) -> Result<Option<(PathBuf, PathBuf)>> {
    let folders = daemon.folder.iter().cloned().chain(env::split_paths(SERVICE_PATH));
    let link = bin.join(SHIM);
    if link.is_file() || is_seen(folders) {
        return Ok(None);
    }
    let program = env::current_exe().context("finding the running program")?;
    let shim = program.with_file_name(SHIM);
    if !shim.is_file() {
        bail!("there is no {SHIM} beside {}: install it there", program.display());
    }
    Ok(Some((link, shim)))
}

fn is_seen(mut folders: impl Iterator<Item = PathBuf>) -> bool {
    folders.any(|folder| folder.join(SHIM).is_file())
}

/// Makes the link; one that leads nowhere any more gives way to it.
pub(super) fn link(link: &Path, shim: &Path) -> Result<()> {
    let making = || format!("linking {}", link.display());
    let dangling =
        fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) && !link.exists();
    if dangling {
        fs::remove_file(link).with_context(making)?;
    }
    if let Some(folder) = link.parent() {
        fs::create_dir_all(folder).with_context(making)?;
    }
    engine::os::unix::fs::symlink(shim, link).with_context(making)
}

/// The link that was made.
pub(super) fn own_link(bin: &Path) -> Option<PathBuf> {
    let (link, program) = (bin.join(SHIM), env::current_exe().ok()?);
    let leads = fs::read_link(&link).ok()?;
    (leads == program.with_file_name(SHIM)).then_some(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_any_more_is_made_anew_and_a_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (at, shim) = (folder.path().join(SHIM), folder.path().join("shim"));
        engine::os::unix::fs::symlink(folder.path().join("gone"), &at).unwrap();
        assert!(!is_seen([folder.path().to_owned()].into_iter()));
        fs::write(&shim, "").unwrap();
        link(&at, &shim).unwrap();
        assert_eq!(fs::read_link(&at).unwrap(), shim);
        assert!(is_seen([folder.path().to_owned()].into_iter()));
        assert!(link(&at, &shim).is_err(), "it leads somewhere");
    }

    #[test]
    fn versions_of_debian_and_of_upstream_are_read() {
        let debian =
            "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\n";
        assert_eq!(version_in(debian), Some((1, 6)));
        let upstream = "containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4";
        assert_eq!(version_in(upstream), Some((2, 1)));
        assert_eq!(version_in("sh: not found"), None);
    }
}
