//! What the host must have, and its installation.
//!
//! Debian and Ubuntu are installed on without a question; any other host is told what is missing.
//! The Rust target for Windows is `windows`' business.

use std::path::Path;

use anyhow::{Context, bail};
use xshell::{Shell, cmd};

/// Something that must be there before a chore can do its work.
pub(crate) struct Need {
    sign: Sign,
    /// Debian's package.
    package: &'static str,
    why: &'static str,
}

/// How its presence shows.
enum Sign {
    Program(&'static str),
    File(&'static str),
}

/// To run containers.
pub(crate) const RUN: &[Need] = &[
    Need::file("/usr/lib/wine/wine64", "wine64", "runs the Windows programs"),
    Need::file("/usr/lib/cni/bridge", "containernetworking-plugins", "connects containers"),
    Need::program("iptables", "iptables", "the plugins' address translation"),
    Need::program("nft", "nftables", "rules for published ports"),
];

/// To build Transom.
pub(crate) const BUILD: &[Need] = &[
    Need::program("cc", "build-essential", "links Linux programs"),
    Need::program("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64", "links Windows programs"),
    Need::program("git", "git", "tells which files are sources"),
];

/// To test it with real programs.
pub(crate) const TEST: &[Need] = &[
    Need::program("npm", "npm", "fetches Node and esbuild for Windows"),
    Need::program("pip3", "python3-pip", "fetches ruff for Windows"),
    Need::program("docker-registry", "docker-registry", "a registry to push to and pull from"),
    Need::program("skopeo", "skopeo", "reads and copies images as others do"),
    Need::program("containerd", "containerd", "drives the shim"),
    Need::program("mkfs.vfat", "dosfstools", "disks for containers to mount"),
    Need::program("mkfs.ntfs", "ntfs-3g", "disks for containers to mount"),
    Need::program("qemu-img", "qemu-utils", "disks for containers to mount"),
    // Debian 12 has it here, later ones in qemu-utils.
    Need::program("qemu-storage-daemon", "qemu-system-common", "serves VHDX disks"),
    Need::program("hivexsh", "libhivex-bin", "reads registry hives as others do"),
    Need::file(
        "/usr/lib/python3/dist-packages/jsonschema/__init__.py",
        "python3-jsonschema",
        "holds images against OCI's schemas",
    ),
];

/// To measure it against what is there already.
pub(crate) const BENCH: &[Need] = &[
    Need::program("containerd", "containerd", "what is measured against"),
    Need::program("runc", "runc", "what is measured against"),
    Need::program("buildah", "buildah", "what is measured against"),
    Need::program("zstd", "zstd", "what is measured against"),
];

impl Need {
    const fn program(name: &'static str, package: &'static str, why: &'static str) -> Self {
        Self { sign: Sign::Program(name), package, why }
    }

    const fn file(path: &'static str, package: &'static str, why: &'static str) -> Self {
        Self { sign: Sign::File(path), package, why }
    }

    fn is_met(&self) -> bool {
        match self.sign {
            Sign::Program(name) => has_program(name),
            Sign::File(path) => Path::new(path).exists(),
        }
    }
}

/// Installs what of `needs` is missing, and says what.
pub(crate) fn provide(shell: &Shell, needs: &[&[Need]]) -> anyhow::Result<()> {
    let missing: Vec<&Need> =
        needs.iter().copied().flatten().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Missing on this host:");
    for need in &missing {
        println!("  {:<28} {}", need.package, need.why);
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    apt_install(shell, &packages)?;
    match missing.iter().find(|need| !need.is_met()) {
        Some(need) => {
            bail!("package {} is installed, but what it is for is not there", need.package)
        }
        None => Ok(()),
    }
}

/// Installs Debian packages.
pub(crate) fn apt_install(shell: &Shell, packages: &[&str]) -> anyhow::Result<()> {
    let names = packages.join(" ");
    if !is_debian_like(&std::fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        bail!("this host is neither Debian nor Ubuntu: install what these packages hold: {names}");
    }
    let _env = shell.push_env("DEBIAN_FRONTEND", "noninteractive");
    let root = as_root()?;
    let install = || {
        println!("Installing {names}");
        cmd!(
            shell,
            "env {root...} apt-get install --yes --quiet --no-install-recommends {packages...}"
        )
        .run()
    };
    if install().is_err() {
        // A fresh machine has no package lists, an old one has stale ones.
        cmd!(shell, "env {root...} apt-get update --quiet").run()?;
        install().with_context(|| format!("cannot install {names}"))?;
    }
    Ok(())
}

/// What goes before a command that only root may run: nothing for root.
pub(crate) fn as_root() -> anyhow::Result<&'static [&'static str]> {
    if is_root()? {
        return Ok(&[]);
    }
    if !has_program("sudo") {
        bail!("this needs root: start it as root, or install sudo");
    }
    Ok(&["sudo", "--non-interactive", "--preserve-env"])
}

fn is_root() -> anyhow::Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status").context("this host has no /proc")?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    Ok(uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0"))
}

/// Whether a program is in `PATH`, or where only root's `PATH` would look.
pub(crate) fn has_program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(name).is_file())
}

fn is_debian_like(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|ids| ids.trim_matches('"').split_whitespace())
        .any(|id| id == "debian" || id == "ubuntu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_its_derivatives_and_ubuntu_are_debian_like() {
        assert!(is_debian_like("NAME=\"Debian\"\nID=debian\n"));
        assert!(is_debian_like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian_like("ID=fedora\nVERSION_ID=40\n"));
        assert!(!is_debian_like(""));
    }

    #[test]
    fn a_program_that_nobody_has_is_missing() {
        assert!(has_program("sh"));
        assert!(!has_program("no-such-program-anywhere"));
    }
}
