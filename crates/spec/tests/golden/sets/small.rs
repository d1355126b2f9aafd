//! Sets about one rule each.

use serde_json::{Value, json};
use spec::api::{DeviceMapping, HostConfig};
use spec::mounts::Binding;
use spec::{IsolationMode, secrets};

use crate::case::Case;
use crate::compare::Outcome;
use crate::host::texts;

const AT_START: u16 = 500;

pub(crate) fn env(case: &Case) -> Outcome {
    let list = spec::env::apply(&texts(&case.input["base"]), &texts(&case.input["overrides"]));
    Outcome::ok(json!({ "env": list }))
}

pub(crate) fn escape(case: &Case) -> Outcome {
    Outcome::ok(json!({ "commandLine": spec::escape::join(&texts(&case.input["args"])) }))
}

pub(crate) fn devices(case: &Case) -> Outcome {
    let devices: Vec<DeviceMapping> =
        serde_json::from_value(case.input["devices"].clone()).expect("devices");
    match spec::devices::parse_all(&devices) {
        Ok(devices) => Outcome::ok(json!({ "devices": devices })),
        Err(error) => Outcome::failed(&error, AT_START),
    }
}

pub(crate) fn resources(case: &Case) -> Outcome {
    let config: HostConfig =
        serde_json::from_value(case.input["hostConfig"].clone()).expect("a host config");
    let hyperv = case.input["hyperV"].as_bool().unwrap_or_default();
    let isolation = if hyperv { IsolationMode::HyperV } else { IsolationMode::Process };
    Outcome::ok(json!({ "resources": spec::resources::of(&config, isolation, 8) }))
}

pub(crate) fn secretpaths(case: &Case) -> Outcome {
    let text = |name: &str| case.input[name].as_str().unwrap_or_default();
    let kind = match text("kind") {
        "config" => secrets::Kind::Config,
        _ => secrets::Kind::Secret,
    };
    let link = kind.link(text("id"), text("fileName"));
    Outcome::ok(json!({ "link": link.path, "pointsTo": link.points_to }))
}

pub(crate) fn signal(case: &Case) -> Outcome {
    match spec::signal::parse(case.input["signal"].as_str().unwrap_or_default()) {
        Ok(signal) => Outcome::ok(json!({
            "number": signal.0,
            "terminates": signal.terminates(),
            "validForKill": signal.is_known(),
        })),
        Err(error) => Outcome::failed(&error, 400),
    }
}

pub(crate) fn misc(case: &Case) -> Outcome {
    match case.kind.as_str() {
        "healthshell" => {
            Outcome::ok(json!({ "shell": spec::health::shell(&texts(&case.input["shell"])) }))
        }
        "mountsort" => mountsort(&case.input),
        kind => panic!("a kind that is not in the README: {kind}"),
    }
}

fn mountsort(input: &Value) -> Outcome {
    let mut bindings: Vec<Binding> = super::build::bindings(&input["mounts"]);
    spec::mounts::sort(&mut bindings);
    let shown = bindings.iter().map(|one| {
        json!({
            "source": one.source, "destination": one.destination, "writable": one.writable
        })
    });
    Outcome::ok(json!({ "mounts": shown.collect::<Vec<_>>() }))
}
