//! A Linux container's spec as its guest gets it.

use serde_json::Value;

use crate::annotations::{names, values};
use crate::oci::{Annotations, Network, Spec, Windows};

/// Limits that a guest cannot keep.
const UNSUPPORTED_LIMITS: [&str; 5] = ["devices", "pids", "blockIO", "hugepageLimits", "network"];

/// Takes out what the guest has no use for.
pub(super) fn for_guest(spec: &Spec) -> Value {
    let mut spec = spec.clone();
    spec.windows = spec.windows.as_ref().and_then(reduced);
    spec.hooks = None;
    let none = Annotations::new();
    let annotations = spec.annotations.as_ref().unwrap_or(&none);
    let privileged = values::boolean(annotations, names::LCOW_PRIVILEGED, false);
    if let Some(linux) = spec.linux.as_mut().and_then(Value::as_object_mut) {
        linux.remove("cgroupsPath");
        if privileged {
            linux.remove("seccomp");
        }
        if let Some(resources) = linux.get_mut("resources").and_then(Value::as_object_mut) {
            for name in UNSUPPORTED_LIMITS {
                resources.remove(name);
            }
            if let Some(cpu) = resources.get_mut("cpu") {
                replace_zero(cpu, "period", 100_000);
                replace_zero(cpu, "quota", -1);
            }
        }
    }
    serde_json::to_value(spec).expect("a spec was JSON")
}

/// The network and the devices, if there are any.
fn reduced(windows: &Windows) -> Option<Windows> {
    let namespace = windows
        .network
        .as_ref()
        .map(|network| network.network_namespace.clone())
        .filter(|namespace| !namespace.is_empty());
    if namespace.is_none() && windows.devices.is_none() {
        return None;
    }
    let network =
        namespace.map(|network_namespace| Network { network_namespace, ..Network::default() });
    Some(Windows { devices: windows.devices.clone(), network, ..Windows::default() })
}

/// Zero means the kernel's default, which has another name.
fn replace_zero(cpu: &mut Value, name: &str, default: i64) {
    if let Some(value) = cpu.get_mut(name).filter(|value| value.as_u64() == Some(0)) {
        *value = default.into();
    }
}
