//! The list of checks.

use std::path::{Path, PathBuf};

use super::{Finding, kernel, programs};
use crate::paths::Dirs;

/// Looks at everything. Blocks.
pub(super) fn all() -> Vec<Finding> {
    let mut findings = vec![root_user()];
    findings.extend(programs::all());
    findings.extend(kernel::all());
    match Dirs::from_env() {
        Ok(dirs) => findings.extend([
            writable("root directory", &dirs.root),
            writable("state directory", &dirs.state),
            platform(&dirs),
        ]),
        Err(error) => findings.push(Finding::bad(
            "directories",
            format!("{error:#}"),
            "set TRANSOM_ROOT and TRANSOM_STATE to absolute paths, or unset them",
        )),
    }
    findings
}

fn root_user() -> Finding {
    if engine::os::process::is_privileged() {
        Finding::good("user", "root")
    } else {
        Finding::bad("user", "not root", "run transom as root, for example with sudo")
    }
}

/// The nearest folder that is there can be written to.
fn writable(name: &'static str, path: &Path) -> Finding {
    let there = path
        .ancestors()
        .find(|path| path.is_dir())
        .map_or_else(|| PathBuf::from("/"), Path::to_owned);
    match engine::os::fs::is_writable(&there) {
        Ok(()) => match space(&there) {
            Some(free) if free < (1 << 30) => Finding::warning(
                name,
                format!("{}: {} free", path.display(), crate::settings::size::binary(free)),
                "the platform layer alone needs 700 MB: make room, or set TRANSOM_ROOT elsewhere",
            ),
            _ => Finding::good(name, path.display().to_string()),
        },
        Err(error) => Finding::bad(
            name,
            format!("{}: {error}", there.display()),
            "make it writable for root, or set TRANSOM_ROOT or TRANSOM_STATE to another folder",
        ),
    }
}

fn space(path: &Path) -> Option<u64> {
    let free = engine::os::fs::free_space(path)?;
    (!path.starts_with("/run")).then_some(free)
}

fn platform(dirs: &Dirs) -> Finding {
    const NAME: &str = "platform layer";
    let built = std::fs::read_dir(dirs.root.join("platform"))
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.path().join("platform.json").is_file());
    if built {
        Finding::good(NAME, format!("Windows {}", engine::platform::os_version()))
    } else {
        Finding::warning(
            NAME,
            "not built yet",
            "the first container builds it, which takes some seconds: `transom run --rm transom/base cmd /c ver`",
        )
    }
}
