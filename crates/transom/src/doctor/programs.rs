//! Programs that must be installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Finding;
use crate::host::{GUEST, sweep::SHIM};
use crate::paths::Dirs;

/// Looks at every program.
pub(super) fn all() -> Vec<Finding> {
    vec![
        wine(),
        helper("shim", SHIM),
        helper("silo host", "transom-silo"),
        helper("Windows guest", GUEST),
        plugins(),
        firewall(),
    ]
}

fn wine() -> Finding {
    const MEND: &str = "apt-get install --no-install-recommends wine64 libwine";
    const PLACES: &[&str] =
        &["/usr/lib/wine/wine64", "/usr/bin/wine64", "/opt/wine-stable/bin/wine64"];
    let Some(loader) = PLACES.iter().find(|place| Path::new(place).is_file()) else {
        return Finding::bad("Wine", "not installed", MEND);
    };
    match Command::new(loader).arg("--version").output() {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Finding::good("Wine", format!("{version} at {loader}"))
        }
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Finding::bad("Wine", format!("{loader} does not run: {said}"), MEND)
        }
        Err(error) => Finding::bad("Wine", format!("{loader} does not run: {error}"), MEND),
    }
}

fn helper(name: &'static str, program: &str) -> Finding {
    match Dirs::helper(program) {
        Ok(path) => Finding::good(name, path.display().to_string()),
        Err(error) => Finding::bad(
            name,
            format!("{error:#}"),
            "run `cargo xtask build`, or set TRANSOM_LIBEXEC to the folder that has it",
        ),
    }
}

/// The plugins that the default network is made of.
fn plugins() -> Finding {
    const WANTED: &[&str] = &["bridge", "host-local", "portmap", "firewall", "loopback"];
    let named = std::env::var("CNI_PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> =
        std::env::split_paths(&named).filter(|p| p.is_absolute()).collect();
    folders.extend(["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"].map(PathBuf::from));
    let missing: Vec<&str> = WANTED
        .iter()
        .copied()
        .filter(|plugin| !folders.iter().any(|folder| folder.join(plugin).is_file()))
        .collect();
    if missing.is_empty() {
        Finding::good("CNI plugins", WANTED.join(", "))
    } else {
        Finding::warning(
            "CNI plugins",
            format!("missing: {}", missing.join(", ")),
            "apt-get install containernetworking-plugins; until then only --network none works",
        )
    }
}

fn firewall() -> Finding {
    let found = ["/usr/sbin/iptables", "/sbin/iptables", "/usr/bin/iptables"];
    match found.iter().find(|path| Path::new(path).exists()) {
        Some(path) => Finding::good("iptables", *path),
        None => Finding::warning(
            "iptables",
            "not installed",
            "apt-get install iptables; until then containers reach no network and publish no port",
        ),
    }
}
