//! Options as text: a containerd that was built without this runtime's types passes a handler's
//! table on as TOML, its keys spelled as they stand in the configuration.

use std::collections::HashMap;

use protobuf::EnumOrUnknown;
use toml::{Table, Value};

use crate::proto::Options;
use crate::proto::options::{DebugType, SandboxIsolation};

/// A table that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TextError {
    /// It is no TOML.
    #[error("it is no TOML: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value that its key does not take.
    #[error("`{key}` = {value}: it must be {rule}")]
    Value {
        /// As it is spelled.
        key: String,
        /// As it is spelled.
        value: String,
        /// What would be right.
        rule: &'static str,
    },
}

/// Reads a table. Keys that mean nothing to this runtime are told to the log.
pub(super) fn read(text: &str) -> Result<Options, TextError> {
    let mut options = Options::new();
    for (key, value) in text.parse::<Table>()? {
        set(&mut options, &Entry { key, value })?;
    }
    Ok(options)
}

struct Entry {
    key: String,
    value: Value,
}

/// Names are compared as Go's decoder does: letters of either case; and `snake_case` is taken too.
fn set(options: &mut Options, entry: &Entry) -> Result<(), TextError> {
    let name = entry.key.replace('_', "").to_ascii_lowercase();
    match name.as_str() {
        "debug" => options.debug = entry.boolean()?,
        "debugtype" => options.debug_type = entry.kind::<DebugType>("NPIPE, FILE or ETW")?,
        "registryroot" => options.registry_root = entry.text()?,
        "sandboximage" => options.sandbox_image = entry.text()?,
        "sandboxplatform" => options.sandbox_platform = entry.text()?,
        "sandboxisolation" => {
            options.sandbox_isolation = entry.kind::<SandboxIsolation>("PROCESS or HYPERVISOR")?;
        }
        "bootfilesrootpath" => options.boot_files_root_path = entry.text()?,
        "vmprocessorcount" => options.vm_processor_count = entry.number()?,
        "vmmemorysizeinmb" => options.vm_memory_size_in_mb = entry.number()?,
        "gpuvhdpath" => options.GPUVHDPath = entry.text()?,
        "scalecpulimitstosandbox" => options.scale_cpu_limits_to_sandbox = entry.boolean()?,
        "defaultcontainerscratchsizeingb" => {
            options.default_container_scratch_size_in_gb = entry.number()?;
        }
        "defaultvmscratchsizeingb" => options.default_vm_scratch_size_in_gb = entry.number()?,
        "sharescratch" => options.share_scratch = entry.boolean()?,
        "ncproxyaddr" => options.NCProxyAddr = entry.text()?,
        "loglevel" => options.log_level = entry.text()?,
        "ioretrytimeoutinsec" => options.io_retry_timeout_in_sec = entry.number()?,
        "defaultcontainerannotations" => {
            options.default_container_annotations = entry.annotations()?;
        }
        "noinherithosttimezone" => options.no_inherit_host_timezone = entry.boolean()?,
        "scrublogs" => options.scrub_logs = Some(entry.boolean()?),
        _ => tracing::warn!(option = entry.key, "this runtime has no such option"),
    }
    Ok(())
}

impl Entry {
    fn wrong(&self, rule: &'static str) -> TextError {
        let value = match &self.value {
            Value::String(text) => format!("{text:?}"),
            Value::Integer(number) => number.to_string(),
            Value::Boolean(is) => is.to_string(),
            other => other.type_str().to_owned(),
        };
        TextError::Value { key: self.key.clone(), value, rule }
    }

    fn boolean(&self) -> Result<bool, TextError> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    fn text(&self) -> Result<String, TextError> {
        let text = self.value.as_str().ok_or_else(|| self.wrong("a text"))?;
        Ok(text.to_owned())
    }

    fn number(&self) -> Result<i32, TextError> {
        let number = self.value.as_integer().and_then(|number| i32::try_from(number).ok());
        number.ok_or_else(|| self.wrong("a number of 32 bits"))
    }

    /// By number, as Go has them, or by name.
    fn kind<E: protobuf::Enum>(&self, rule: &'static str) -> Result<EnumOrUnknown<E>, TextError> {
        let kind = match &self.value {
            Value::String(name) => E::from_str(&name.to_ascii_uppercase()),
            Value::Integer(number) => i32::try_from(*number).ok().and_then(E::from_i32),
            _ => None,
        };
        kind.map(EnumOrUnknown::new).ok_or_else(|| self.wrong(rule))
    }

    fn annotations(&self) -> Result<HashMap<String, String>, TextError> {
        let rule = "a table of texts";
        let table = self.value.as_table().ok_or_else(|| self.wrong(rule))?;
        let pair = |(key, value): (&String, &Value)| {
            let value = value.as_str().ok_or_else(|| self.wrong(rule))?;
            Ok((key.clone(), value.to_owned()))
        };
        table.iter().map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_read_as_containerds_configuration_spells_it() {
        let options = read(
            r#"
            Debug = true
            DebugType = 0
            SandboxPlatform = "windows/amd64"
            SandboxIsolation = 1
            VmMemorySizeInMb = 2048
            vm_processor_count = 3
            ScaleCpuLimitsToSandbox = true
            NCProxyAddr = "x"
            IoRetryTimeoutInSec = 7
            ScrubLogs = false
            SystemdCgroup = true
            [DefaultContainerAnnotations]
            "io.microsoft.container.x" = "y"
            "#,
        )
        .unwrap();
        assert!(options.debug && options.scale_cpu_limits_to_sandbox);
        assert_eq!(options.sandbox_platform, "windows/amd64");
        assert_eq!(options.sandbox_isolation.enum_value(), Ok(SandboxIsolation::HYPERVISOR));
        assert_eq!((options.vm_memory_size_in_mb, options.vm_processor_count), (2048, 3));
        assert_eq!((options.NCProxyAddr.as_str(), options.io_retry_timeout_in_sec), ("x", 7));
        assert_eq!(options.scrub_logs, Some(false));
        assert_eq!(options.default_container_annotations["io.microsoft.container.x"], "y");
    }

    #[test]
    fn a_wrong_value_is_named_with_its_rule() {
        for (text, words) in [
            ("Debug = 1", "`Debug` = 1: it must be true or false"),
            ("DebugType = \"serial\"", "NPIPE, FILE or ETW"),
            ("VmMemorySizeInMb = 5000000000", "a number of 32 bits"),
            ("Debug", "it is no TOML"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
