//! The runtime options: what comes on `start`'s stdin, and with `Create`.
//!
//! Three forms are taken, because containerd has three: an `Any` around them, a bootstrap message
//! with that `Any` among its extensions, and nothing. Within the `Any` is this runtime's own type,
//! or the generic one with the same as TOML ([`text`]); one of another runtime's type, which
//! containerd attaches to some requests, counts as nothing.

mod text;

use containerd_shim_protos::bootstrap_api::BootstrapParams;
use plan::annotations::{Isolation, ShimOptions};
use protobuf::Message as _;
use protobuf::well_known_types::any::Any;

use crate::proto::{Options, RuntimeOptions};
use crate::wire::bare_name;

const NAME: &str = "containerd.runhcs.v1.Options";
/// The generic type, under the names that it had.
const GENERIC: [&str; 2] = ["runtimeoptions.v1.Options", "cri.runtimeoptions.v1.Options"];

/// Options that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionsError {
    /// Not this message.
    #[error("cannot read the runtime options: {0}")]
    Message(#[from] protobuf::Error),
    /// Not these keys and values.
    #[error("cannot read the runtime options: {0}")]
    Text(#[from] text::TextError),
    /// A file that is not there.
    #[error("cannot read the runtime options in `{path}`: {why}")]
    File {
        /// Its path.
        path: String,
        /// The system's reason.
        why: String,
    },
}

/// Decodes what came on stdin.
pub(crate) fn from_stdin(bytes: &[u8]) -> Result<Options, OptionsError> {
    if bytes.is_empty() {
        return Ok(Options::new());
    }
    // A bootstrap message also parses as an `Any`: its first two fields have the same types.
    if let Ok(any) = Any::parse_from_bytes(bytes)
        && is_known(&any)
    {
        return from_any(&any);
    }
    let Ok(bootstrap) = BootstrapParams::parse_from_bytes(bytes) else {
        return Ok(Options::new());
    };
    let mut extensions = bootstrap.extensions.iter().filter_map(|other| other.value.as_ref());
    extensions.find(|any| is_known(any)).map_or_else(|| Ok(Options::new()), from_any)
}

fn is_known(any: &Any) -> bool {
    let name = bare_name(any);
    name == NAME || GENERIC.contains(&name)
}

/// Decodes what came with a request.
pub(crate) fn from_any(any: &Any) -> Result<Options, OptionsError> {
    let name = bare_name(any);
    if name == NAME {
        return Ok(Options::parse_from_bytes(&any.value)?);
    }
    if GENERIC.contains(&name) {
        return from_generic(&RuntimeOptions::parse_from_bytes(&any.value)?);
    }
    Ok(Options::new())
}

/// The text itself, or a file with it: of the two the path is the older way.
fn from_generic(generic: &RuntimeOptions) -> Result<Options, OptionsError> {
    if !generic.config_body.is_empty() {
        return Ok(text::read(&String::from_utf8_lossy(&generic.config_body))?);
    }
    if generic.config_path.is_empty() {
        return Ok(Options::new());
    }
    let path = generic.config_path.clone();
    let read = std::fs::read_to_string(&path);
    let read = read.map_err(|error| OptionsError::File { path, why: error.to_string() })?;
    Ok(text::read(&read)?)
}

/// The options that were given and that this runtime has no use for: on Windows others read them,
/// or nobody does.
pub(crate) fn unused(options: &Options) -> Vec<&'static str> {
    let given = [
        ("registry_root", !options.registry_root.is_empty()),
        ("sandbox_image", !options.sandbox_image.is_empty()),
        ("GPUVHDPath", !options.GPUVHDPath.is_empty()),
        ("default_container_scratch_size_in_gb", options.default_container_scratch_size_in_gb != 0),
        ("default_vm_scratch_size_in_gb", options.default_vm_scratch_size_in_gb != 0),
        ("share_scratch", options.share_scratch),
        ("io_retry_timeout_in_sec", options.io_retry_timeout_in_sec != 0),
        ("no_inherit_host_timezone", options.no_inherit_host_timezone),
        ("scrub_logs", options.scrub_logs.is_some()),
    ];
    given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect()
}

/// The part that planning reads.
pub(crate) fn for_plan(options: &Options) -> ShimOptions {
    use crate::proto::options::SandboxIsolation;
    let isolation = match options.sandbox_isolation.enum_value_or_default() {
        SandboxIsolation::PROCESS => Isolation::Process,
        SandboxIsolation::HYPERVISOR => Isolation::Hypervisor,
    };
    let annotations = options.default_container_annotations.clone();
    ShimOptions {
        sandbox_isolation: isolation,
        sandbox_platform: options.sandbox_platform.clone(),
        boot_files_root_path: options.boot_files_root_path.clone(),
        vm_processor_count: options.vm_processor_count,
        vm_memory_size_in_mb: options.vm_memory_size_in_mb,
        ncproxy_addr: options.NCProxyAddr.clone(),
        scale_cpu_limits_to_sandbox: options.scale_cpu_limits_to_sandbox,
        default_container_annotations: annotations.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use containerd_shim_protos::bootstrap_api::Extension;
    use protobuf::MessageField;

    use super::*;

    fn any() -> Any {
        let options = Options { debug: true, log_level: "trace".to_owned(), ..Options::default() };
        Any {
            type_url: format!("types.containerd.io/{NAME}"),
            value: options.write_to_bytes().unwrap(),
            ..Any::default()
        }
    }

    #[test]
    fn options_that_change_nothing_are_named() {
        assert!(unused(&from_any(&any()).unwrap()).is_empty());
        let options = Options {
            share_scratch: true,
            scrub_logs: Some(false),
            vm_processor_count: 2,
            ..Options::default()
        };
        assert_eq!(unused(&options), ["share_scratch", "scrub_logs"]);
    }

    #[test]
    fn no_bytes_are_no_options() {
        assert_eq!(from_stdin(b"").unwrap(), Options::new());
    }

    #[test]
    fn an_any_is_read_whatever_stands_before_its_name() {
        let options = from_stdin(&any().write_to_bytes().unwrap()).unwrap();
        assert!(options.debug);
        assert_eq!(options.log_level, "trace");
    }

    #[test]
    fn a_bootstrap_message_is_not_mistaken_for_an_any() {
        let params = BootstrapParams {
            instance_id: "c1".to_owned(),
            namespace: "default".to_owned(),
            extensions: vec![Extension {
                value: MessageField::some(any()),
                ..Extension::default()
            }],
            ..BootstrapParams::default()
        };
        assert!(from_stdin(&params.write_to_bytes().unwrap()).unwrap().debug);
    }

    #[test]
    fn a_bootstrap_message_without_options_and_a_foreign_any_count_as_none() {
        let params = BootstrapParams { instance_id: "c1".to_owned(), ..BootstrapParams::default() };
        assert_eq!(from_stdin(&params.write_to_bytes().unwrap()).unwrap(), Options::new());
        let foreign = Any {
            type_url: "containerd.runc.v1.Options".to_owned(),
            value: vec![8, 1],
            ..Any::default()
        };
        assert_eq!(from_stdin(&foreign.write_to_bytes().unwrap()).unwrap(), Options::new());
    }

    #[test]
    fn bytes_that_are_no_message_count_as_none_and_broken_options_are_refused() {
        assert_eq!(from_stdin(b"\xff\xff\xff").unwrap(), Options::new());
        let broken = Any { value: vec![0xff], ..any() };
        assert!(from_stdin(&broken.write_to_bytes().unwrap()).is_err());
    }

    fn generic(options: &RuntimeOptions) -> Any {
        Any {
            type_url: format!("type.googleapis.com/{}", GENERIC[0]),
            value: options.write_to_bytes().unwrap(),
            ..Any::default()
        }
    }

    /// Debian's builds, which know no type of this runtime.
    #[test]
    fn untyped_options_are_read_as_text() {
        let body = b"SandboxPlatform = \"windows/amd64\"".to_vec();
        let options = RuntimeOptions { config_body: body, ..RuntimeOptions::default() };
        let options = from_stdin(&generic(&options).write_to_bytes().unwrap()).unwrap();
        assert_eq!(options.sandbox_platform, "windows/amd64");
        assert_eq!(from_any(&generic(&RuntimeOptions::default())).unwrap(), Options::new());
    }

    #[test]
    fn a_path_in_untyped_options_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("options.toml");
        let options = |path: &std::path::Path| RuntimeOptions {
            config_path: path.display().to_string(),
            ..RuntimeOptions::default()
        };
        let missing = from_any(&generic(&options(&path))).unwrap_err().to_string();
        assert!(missing.contains("options.toml"), "{missing}");
        std::fs::write(&path, "Debug = true").unwrap();
        assert!(from_any(&generic(&options(&path))).unwrap().debug);
    }
}
