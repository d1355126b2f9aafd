//! Sets about the spec of a container that starts. Every error of a start is answered with 500.

use serde_json::{Value, json};
use spec::Settings;
use spec::api::ImageConfig;
use spec::create::from_json;
use spec::mounts::Binding;
use spec::network::{Attachments, Endpoint, Shared};
use spec::secrets::Reference;

use crate::case::Case;
use crate::compare::Outcome;
use crate::host::{CaseHost, facts, texts};

const AT_START: u16 = 500;

pub(crate) fn createspec(case: &Case) -> Outcome {
    let input = &case.input;
    // Looking up the image is the caller's, before anything else.
    if let Some(error) = input["image"]["getImageError"].as_str() {
        return Outcome::failed(&error, AT_START);
    }
    let image = ImageConfig { os: text(&input["image"]["os"]), ..ImageConfig::default() };
    match spec::build(&settings(input), &image, &facts(input), &CaseHost(input)) {
        Ok(spec) => Outcome::ok(serde_json::to_value(&spec).expect("a spec is JSON")),
        Err(error) => Outcome::failed(&error, AT_START),
    }
}

pub(crate) fn credspec(case: &Case) -> Outcome {
    let input = &case.input;
    let options = texts(&input["hostConfig"]["SecurityOpt"]);
    let container = text(&input["container"]["id"]);
    match spec::credential::of(&options, &container, &facts(input), &CaseHost(input)) {
        Ok(None) => Outcome::ok(json!({ "windows": null })),
        Ok(Some(text)) => Outcome::ok(json!({ "windows": { "credentialSpec": text } })),
        Err(error) => Outcome::failed(&error, AT_START),
    }
}

fn settings(input: &Value) -> Settings {
    let container = &input["container"];
    Settings {
        id: text(&container["id"]),
        config: from_json(input["config"].clone()).expect("a config"),
        host_config: from_json(input["hostConfig"].clone()).expect("a host config"),
        base_fs: Some(text(&container["baseFS"])),
        mounts: bindings(&input["mounts"]),
        network: attachments(input),
        secrets: references(&input["secretReferences"]),
        configs: references(&input["configReferences"]),
        started_before: container["hasBeenStartedBefore"].as_bool().unwrap_or_default(),
    }
}

pub(crate) fn bindings(mounts: &Value) -> Vec<Binding> {
    let list = mounts.as_array().into_iter().flatten();
    let binding = |mount: &Value| Binding {
        source: text(&mount["source"]),
        destination: text(&mount["destination"]),
        writable: mount["writable"].as_bool().unwrap_or_default(),
    };
    list.map(binding).collect()
}

fn references(list: &Value) -> Vec<Reference> {
    let reference = |one: &Value| Reference {
        id: text(&one["id"]),
        file_name: one["fileName"].as_str().map(str::to_owned),
        runtime: one["runtime"].as_bool().unwrap_or_default(),
    };
    list.as_array().into_iter().flatten().map(reference).collect()
}

/// Networks in the order of their names; one that cannot be resolved is passed over.
fn attachments(input: &Value) -> Attachments {
    let container = &input["container"];
    let networks = input["networks"].as_object().into_iter().flatten();
    let mut networks: Vec<_> = networks.into_iter().filter(|(_, info)| !info.is_null()).collect();
    networks.sort_by_key(|(name, _)| (*name).clone());
    let endpoint = |info: &Value| Endpoint {
        hns_id: info["hnsid"].as_str().map(str::to_owned),
        unqualified_dns: info.get("AllowUnqualifiedDNSQuery").is_some(),
        gateway_hns_id: info["GW_INFO"]["hnsid"].as_str().map(str::to_owned),
    };
    Attachments {
        endpoints: networks.into_iter().map(|(_, info)| endpoint(info)).collect(),
        namespace: None,
        shared: Some(Shared {
            container: text(&container["networkSharedContainerID"]),
            endpoints: texts(&container["sharedEndpointList"]),
        }),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
