//! A pod's configuration, as CRI has it, turned into the spec that its pause container would have.

use containerd_shim_protos::api::CreateTaskRequest;
use containerd_shim_protos::sandbox_api::CreateSandboxRequest;
use plan::annotations::names;
use plan::linux_shaped::Beside;
use plan::oci::{Annotations, Network, Windows};
use plan::{HostFacts, Spec};
use protobuf::Message as _;
use schema::TaskId;
use schema::names::Names;

use super::bundle::Asked;
use crate::error::{Error, Result};
use crate::proto::{Options, PodSandboxConfig};
use crate::wire::bare_name;

/// CRI's name for it.
const NAME: &str = "runtime.v1.PodSandboxConfig";

/// What `Create` would have been asked for. Options of another type say nothing of a pod.
pub(super) fn asked(request: CreateSandboxRequest, host: &HostFacts) -> Result<Asked> {
    // So a client names the host's network.
    if host.is_unix() && request.netns_path.is_empty() {
        return Err(plan::linux_shaped::host_network("netns_path").into());
    }
    let id = TaskId::new(&request.sandbox_id).map_err(|error| Error::Invalid(error.to_string()))?;
    let config = match request.options.as_ref() {
        Some(any) if bare_name(any) == NAME => PodSandboxConfig::parse_from_bytes(&any.value)
            .map_err(|error| Error::Invalid(format!("options: {error}")))?,
        Some(_) | None => PodSandboxConfig::new(),
    };
    let spec = spec(&request, &config);
    let bundle = request.bundle_path;
    Ok(Asked {
        request: CreateTaskRequest { id: id.to_string(), bundle, ..CreateTaskRequest::default() },
        id,
        spec,
        options: Options::new(),
        rootfs: Vec::new(),
        beside: Beside { names: names_of(&config), ..Beside::default() },
        is_linux_shaped: host.is_unix(),
        is_quiet: true,
    })
}

fn spec(request: &CreateSandboxRequest, config: &PodSandboxConfig) -> Spec {
    let network = (!request.netns_path.is_empty()).then(|| Network {
        network_namespace: request.netns_path.clone(),
        allow_unqualified_dns_query: true,
        dns_search_list: config.dns_config.searches.clone(),
        ..Network::default()
    });
    Spec {
        hostname: config.hostname.clone(),
        annotations: Some(annotations(request, config)),
        windows: Some(Windows { network, ..Windows::default() }),
        ..Spec::default()
    }
}

/// Suffixes stand in the spec. A server that is no address is none.
fn names_of(config: &PodSandboxConfig) -> Names {
    let servers = config.dns_config.servers.iter().filter_map(|server| server.parse().ok());
    Names { servers: servers.collect(), ..Names::default() }
}

/// The pod's own, those that containerd adds, and the two that make it a pod.
fn annotations(request: &CreateSandboxRequest, config: &PodSandboxConfig) -> Annotations {
    let mut all: Annotations = config.annotations.clone().into_iter().collect();
    all.extend(request.annotations.clone());
    if config.windows.security_context.host_process {
        all.insert(names::HOST_PROCESS.to_owned(), "true".to_owned());
    }
    let security = &config.windows.security_context;
    for (name, value) in [
        (names::USER_NAME, &security.run_as_username),
        (names::CREDENTIAL_SPEC, &security.credential_spec),
    ] {
        // What the annotations say was said on purpose.
        if !value.is_empty() {
            all.entry(name.to_owned()).or_insert_with(|| value.clone());
        }
    }
    all.insert(names::KUBERNETES_TYPE.to_owned(), "sandbox".to_owned());
    all.insert(names::KUBERNETES_SANDBOX.to_owned(), request.sandbox_id.clone());
    all
}

/// What a pod's containers have from it when they say nothing themselves: who runs them.
pub(super) fn inherited(pod: &Spec) -> Annotations {
    // For the whole pod, or followed by `/` and a container's name.
    let is_inherited = |name: &String| {
        let rest = [names::USER_NAME, names::CREDENTIAL_SPEC].map(|key| name.strip_prefix(key));
        rest.into_iter().flatten().any(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let all = pod.annotations.iter().flatten();
    let inherited = all.filter(|(name, _)| is_inherited(name));
    inherited.map(|(name, value)| (name.clone(), value.clone())).collect()
}
