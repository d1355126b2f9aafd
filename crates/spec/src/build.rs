//! A container's settings to its runtime spec, at the moment when it starts.
//!
//! Failures come in the original's order: the image's system, layer folders, root path, credential
//! spec, devices. Settings that mean nothing on Windows leave no trace; what must be refused was
//! refused when the container was made ([`crate::validate`]).

use oci_spec::runtime::{
    Mount, MountBuilder, Root, RootBuilder, SpecBuilder, Windows, WindowsBuilder, WindowsHyperV,
};

use crate::api::{Config, HostConfig, ImageConfig};
use crate::error::SpecError;
use crate::host::{HostFacts, Lookups};
use crate::isolation::IsolationMode;
use crate::mounts::Binding;
use crate::network::Attachments;
use crate::oci::Spec;
use crate::process::process;
use crate::secrets::{self, Reference};
use crate::{credential, devices, network, resources};

/// The version of the runtime spec that is followed.
pub const OCI_VERSION: &str = "1.3.0";
const BUILT: &str = "every member has a default or was given";

/// A container as it is stored, and what was prepared for this start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// 64 hexadecimal digits, or what the caller uses.
    pub id: String,
    /// Its config, merged with the image's.
    pub config: Config,
    /// Its host config, validated.
    pub host_config: HostConfig,
    /// Where its file system is mounted on the host. Process isolation needs it on a Windows host;
    /// `None` leaves it to the runtime, which finds it by the layer folders.
    pub base_fs: Option<String>,
    /// Its mounts, sorted ([`crate::mounts::sort`]).
    pub mounts: Vec<Binding>,
    /// Its networks.
    pub network: Attachments,
    /// Secrets that it is given.
    pub secrets: Vec<Reference>,
    /// Configs that it is given.
    pub configs: Vec<Reference>,
    /// It ran before.
    pub started_before: bool,
}

/// The runtime spec for `settings`.
pub fn build(
    settings: &Settings,
    image: &ImageConfig,
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<Spec, SpecError> {
    if !image.os.is_empty() && !image.os.eq_ignore_ascii_case("windows") {
        return Err(SpecError::OperatingSystem);
    }
    let isolation = settings.host_config.isolation.resolve(facts.default_isolation)?;
    let layers = host
        .layer_folders(&settings.id)
        .map_err(|error| SpecError::LayerFolders { container: settings.id.clone(), error })?;
    let root = root(settings, isolation, facts, host)?;
    let options = &settings.host_config.security_opt;
    let credential_spec = credential::of(options, &settings.id, facts, host)?;
    let mut spec = SpecBuilder::default()
        .version(OCI_VERSION)
        .process(process(&settings.config, &settings.host_config))
        .hostname(hostname(settings))
        .windows(windows(settings, layers, isolation, facts)?)
        .build()
        .expect(BUILT);
    // The defaults of `oci-spec` are a Linux container's.
    spec.set_linux(None);
    spec.set_root(root);
    spec.set_mounts(mounts(settings, facts));
    let annotations = &settings.host_config.annotations;
    spec.set_annotations(
        (!annotations.is_empty()).then(|| annotations.clone().into_iter().collect()),
    );
    Ok(Spec { runtime: spec, credential_spec })
}

fn hostname(settings: &Settings) -> String {
    const SHORT_ID: usize = 12;
    let config = &settings.config;
    let name = if config.hostname.is_empty() {
        settings.id.chars().take(SHORT_ID).collect()
    } else {
        config.hostname.clone()
    };
    if config.domainname.is_empty() { name } else { format!("{name}.{}", config.domainname) }
}

/// The root path: none in a VM, the mounted file system with a backslash behind it in a silo.
fn root(
    settings: &Settings,
    isolation: IsolationMode,
    facts: &HostFacts,
    host: &impl Lookups,
) -> Result<Option<Root>, SpecError> {
    if isolation == IsolationMode::HyperV {
        return Ok(Some(root_at(String::new())));
    }
    let Some(mount) = &settings.base_fs else { return Ok(None) };
    let container = || settings.id.clone();
    if mount.is_empty() {
        return Err(SpecError::NoBaseFs { container: container() });
    }
    let path = if facts.snapshotter { backing(settings, mount, host)? } else { mount.clone() };
    let slash = if path.ends_with('\\') { "" } else { "\\" };
    Ok(Some(root_at(format!("{path}{slash}"))))
}

/// The volume behind a snapshotter's mount.
fn backing(settings: &Settings, mount: &str, host: &impl Lookups) -> Result<String, SpecError> {
    let failed = |reason: String| SpecError::Backing { container: settings.id.clone(), reason };
    match host.layer_source(mount) {
        Err(error) => Err(failed(error.to_string())),
        Ok(Some(source)) if !source.is_empty() => Ok(source),
        Ok(_) => Err(failed(format!("no layer source for mount {mount}"))),
    }
}

fn root_at(path: String) -> Root {
    let mut root = RootBuilder::default().path(path).build().expect(BUILT);
    root.set_readonly(None);
    root
}

/// Secrets and configs come before everything else.
fn mounts(settings: &Settings, facts: &HostFacts) -> Option<Vec<Mount>> {
    let internal = secrets::bindings(&settings.id, &settings.secrets, &settings.configs, facts);
    let mounts: Vec<Mount> = internal.iter().chain(&settings.mounts).map(mount).collect();
    (!mounts.is_empty()).then_some(mounts)
}

fn mount(binding: &Binding) -> Mount {
    let mount = MountBuilder::default()
        .source(binding.source.clone())
        .destination(binding.destination.clone());
    let mount = if binding.writable { mount } else { mount.options(vec!["ro".to_owned()]) };
    mount.build().expect(BUILT)
}

fn windows(
    settings: &Settings,
    layers: Vec<String>,
    isolation: IsolationMode,
    facts: &HostFacts,
) -> Result<Windows, SpecError> {
    let config = &settings.host_config;
    let devices = devices::parse_all(&config.devices)?;
    let mut windows = WindowsBuilder::default()
        .layer_folders(layers)
        .network(network::of(config, &settings.network, facts))
        .build()
        .expect(BUILT);
    windows.set_resources(resources::of(config, isolation, facts.cpus));
    windows.set_devices((!devices.is_empty()).then_some(devices));
    windows.set_ignore_flushes_during_boot((!settings.started_before).then_some(true));
    let hyperv = isolation == IsolationMode::HyperV;
    windows.set_hyperv(hyperv.then(WindowsHyperV::default));
    Ok(windows)
}
