//! The bundle: what a shim is started with.

use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result};
use spec::api::{ImageConfig, NetworkMode};
use spec::mounts::Binding;
use spec::network::{Attachments, Endpoint};
use spec::{HostFacts, Lookups, PathKind, PathStyle, Settings, Spec};

use crate::host::{Host, given};
use crate::settings::command_line;
use crate::store::{Found, private_dir, replace};

/// The container's runtime spec.
pub fn spec(host: &Host, found: &Found, namespace: Option<&str>) -> Result<Spec> {
    let record = &found.record;
    let settings = Settings {
        id: record.id.clone(),
        config: record.config.clone(),
        host_config: record.host_config.clone(),
        mounts: record.mounts.iter().map(binding).collect(),
        network: attachments(&record.host_config.network_mode, namespace),
        secrets: given::references(&record.secrets),
        configs: given::references(&record.configs),
        started_before: found.state.started_at.is_some(),
        ..Settings::default()
    };
    let image = ImageConfig { os: "windows".to_owned(), ..ImageConfig::default() };
    let layers = Layers { found };
    let spec = spec::build(&settings, &image, &facts(host), &layers);
    let mut spec = spec.context("making the runtime spec")?;
    if let Some(process) = spec.process_mut() {
        command_line::adapt(process);
    }
    Ok(spec)
}

/// Endpoints are the namespace's own business; that there is one of a `nat` is the spec's.
fn attachments(mode: &NetworkMode, namespace: Option<&str>) -> Attachments {
    let on_nat = !mode.is_none() && mode.container().is_none();
    let endpoint = Endpoint { unqualified_dns: true, ..Endpoint::default() };
    Attachments {
        endpoints: if on_nat { vec![endpoint] } else { Vec::new() },
        namespace: namespace.map(str::to_owned),
        shared: None,
    }
}

/// What a spec depends on beside the container.
pub fn facts(host: &Host) -> HostFacts {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpus = u32::try_from(cpus).unwrap_or(u32::MAX);
    let facts = HostFacts::new(path_style(), host.dirs.root.to_string_lossy(), cpus);
    let secrets = host.dirs.secrets().to_string_lossy().into_owned();
    HostFacts { secrets_root: Some(secrets), ..facts }
}

/// How this host's paths are written.
fn path_style() -> PathStyle {
    if std::path::is_separator('\\') { PathStyle::Windows } else { PathStyle::Unix }
}

/// Writes the bundle and tells where it is.
pub(super) fn write(host: &Host, id: &str, spec: &Spec) -> Result<PathBuf> {
    let folder = host.dirs.bundle(id);
    private_dir(&folder)?;
    let text = serde_json::to_vec(spec).context("writing the runtime spec")?;
    replace(&folder.join("config.json"), &text)?;
    Ok(folder)
}

fn binding(mount: &crate::store::MountPoint) -> Binding {
    Binding {
        source: mount.source.clone(),
        destination: mount.destination.clone(),
        writable: mount.writable,
    }
}

/// Answers what `spec` asks of the host.
struct Layers<'a> {
    found: &'a Found,
}

impl Lookups for Layers<'_> {
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>> {
        crate::settings::stat(path)
    }

    fn read_credential_spec(&self, path: &str) -> io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn config(&self, id: &str) -> Option<io::Result<String>> {
        let given = self.found.record.configs.iter().find(|config| config.id == id);
        Some(match given {
            Some(config) => std::fs::read_to_string(&config.source),
            None => {
                Err(io::Error::other(format!("the container has no --config with the id {id}")))
            }
        })
    }

    fn layer_folders(&self, _: &str) -> io::Result<Vec<String>> {
        let scratch = self.found.folder.scratch();
        let folders = self.found.record.layers.iter().chain(std::iter::once(&scratch));
        Ok(folders.map(|folder| folder.to_string_lossy().into_owned()).collect())
    }
}
