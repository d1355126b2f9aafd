//! The shim's runtime options, as far as they change a spec.

use serde::{Deserialize, Serialize};

use super::{expand, names};
use crate::error::{PlanError, Result};
use crate::oci::{Annotations, HyperV, Root, Spec, Windows};

/// How a pod is to be isolated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Isolation {
    /// As processes of this host.
    #[default]
    Process,
    /// In a utility VM.
    Hypervisor,
}

/// The shim's runtime options, as far as they change a spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShimOptions {
    /// How a pod is to be isolated.
    pub sandbox_isolation: Isolation,
    /// `windows/amd64`, ...; empty is not checked.
    pub sandbox_platform: String,
    /// Where boot files are.
    pub boot_files_root_path: String,
    /// Processors of a VM.
    pub vm_processor_count: i32,
    /// Memory of a VM in MB.
    pub vm_memory_size_in_mb: i32,
    /// The address of the network proxy.
    pub ncproxy_addr: String,
    /// Recompute processor limits for a VM's processors.
    pub scale_cpu_limits_to_sandbox: bool,
    /// Annotations of every container that does not have them.
    pub default_container_annotations: Annotations,
}

impl ShimOptions {
    /// Does to a spec what has to be done before it is planned, and checks it against the options.
    pub fn prepare(&self, spec: &mut Spec) -> Result<()> {
        self.apply(spec)?;
        self.check(spec)
    }

    /// Fills in annotations, expands them, and adds the sections that the options ask for.
    pub fn apply(&self, spec: &mut Spec) -> Result<()> {
        let annotations = spec.annotations.get_or_insert_default();
        self.fill(annotations);
        expand(annotations)?;
        if self.sandbox_isolation == Isolation::Hypervisor {
            let windows = spec.windows.get_or_insert_with(Windows::default);
            windows.hyperv.get_or_insert_with(HyperV::default);
        }
        if !spec.is_isolated() && spec.root.is_none() {
            spec.root = Some(Root::default());
        }
        Ok(())
    }

    /// Refuses a spec of another isolation or platform than the options name. Without any option
    /// the spec alone decides.
    pub fn check(&self, spec: &Spec) -> Result<()> {
        let isolated = self.sandbox_isolation == Isolation::Hypervisor;
        if !isolated && *self != Self::default() && spec.is_isolated() {
            let rule = "the spec asks for hypervisor isolation";
            return Err(PlanError::field("options.sandbox_isolation", "PROCESS", rule));
        }
        self.check_platform(spec)
    }

    /// Turns options into annotations where there are none yet.
    pub fn fill(&self, annotations: &mut Annotations) {
        let number = |value: i32| if value == 0 { String::new() } else { value.to_string() };
        let options = [
            (names::BOOT_FILES, self.boot_files_root_path.clone()),
            (names::VM_PROCESSOR_COUNT, number(self.vm_processor_count)),
            (names::VM_MEMORY, number(self.vm_memory_size_in_mb)),
            (names::NCPROXY, self.ncproxy_addr.clone()),
        ];
        for (name, value) in options {
            if !value.is_empty() {
                annotations.entry(name.to_owned()).or_insert(value);
            }
        }
        for (name, value) in &self.default_container_annotations {
            annotations.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    fn check_platform(&self, spec: &Spec) -> Result<()> {
        let refuse =
            |rule| Err(PlanError::field("options.sandbox_platform", &self.sandbox_platform, rule));
        if self.sandbox_platform.is_empty() {
            return Ok(());
        }
        match platform_os(&self.sandbox_platform).as_deref() {
            Some("windows") if spec.is_lcow() => refuse("the spec is for Linux"),
            Some("linux") if spec.is_wcow() => refuse("the spec is for Windows"),
            Some("windows" | "linux") => Ok(()),
            Some(_) => refuse("only windows and linux are known"),
            None => refuse("must be os, os/arch or os/arch/variant"),
        }
    }
}

/// The operating system of a platform specifier.
///
/// A single word may be an architecture: then the system is the host's, which is Windows wherever
/// this matters.
fn platform_os(platform: &str) -> Option<String> {
    let parts: Vec<&str> = platform.split('/').collect();
    let is_word = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    if parts.len() > 3 {
        return None;
    }
    let (system, rest) = parts.split_first()?;
    // `windows(10.0.20348)/amd64` names a version.
    let system = match system.split_once('(') {
        Some((name, version)) => version.strip_suffix(')').map(|_| name)?,
        None => system,
    };
    if !is_word(&system) || !rest.iter().all(is_word) {
        return None;
    }
    let system = system.to_ascii_lowercase();
    match (system.as_str(), rest.is_empty()) {
        ("windows" | "linux", _) | (_, false) => Some(system),
        (word, true) if ARCHITECTURES.contains(&word) => Some("windows".into()),
        (_, true) => known_systems().contains(&system.as_str()).then_some(system),
    }
}

/// Words that stand for an architecture when they stand alone.
const ARCHITECTURES: [&str; 30] = [
    "386",
    "aarch64",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "armel",
    "armhf",
    "i386",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
    "x86-64",
    "x86_64",
];

fn known_systems() -> &'static [&'static str] {
    &[
        "aix",
        "android",
        "darwin",
        "dragonfly",
        "freebsd",
        "illumos",
        "ios",
        "js",
        "netbsd",
        "openbsd",
        "plan9",
        "solaris",
        "wasip1",
        "zos",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_alone_is_of_the_hosts_system() {
        for (platform, system) in [
            ("amd64", Some("windows")),
            ("ppc64le", Some("windows")),
            ("Linux/arm64/v8", Some("linux")),
            ("windows(10.0.20348)/amd64", Some("windows")),
            ("plan9", Some("plan9")),
            ("vax", None),
            ("a/b/c/d", None),
            ("linux/", None),
        ] {
            assert_eq!(platform_os(platform).as_deref(), system, "{platform}");
        }
    }
}
