//! How an image was built, as SLSA's provenance in `BuildKit`'s words.

use image::{Digest, ImageName};
use serde_json::{Map, Value, json};

use super::{Detail, Facts};
use crate::builder::Options;

pub(super) const PREDICATE: &str = "https://slsa.dev/provenance/v0.2";
const BUILD_TYPE: &str = "https://mobyproject.org/buildkit@v1";
const METADATA: &str = "https://mobyproject.org/buildkit@v1#metadata";

/// The predicate. Values of arguments are told only in detail: they may be nobody's business.
pub(super) fn predicate(options: &Options, facts: &Facts, detail: Detail) -> Value {
    let materials: Vec<Value> = facts.bases.iter().map(material).collect();
    let mut parameters = json!({
        "frontend": "dockerfile.v0",
        "locals": [{ "name": "context" }, { "name": "dockerfile" }],
    });
    let mut args = Map::new();
    if let Some(target) = &options.target {
        args.insert("target".to_owned(), json!(target));
    }
    if detail == Detail::Max {
        for (name, value) in &options.args {
            args.insert(format!("build-arg:{name}"), json!(value));
        }
        for (name, value) in &options.labels {
            args.insert(format!("label:{name}"), json!(value));
        }
    }
    if !args.is_empty() {
        parameters["args"] = Value::Object(args);
    }
    let mut predicate = json!({
        "builder": { "id": "" },
        "buildType": BUILD_TYPE,
        "materials": materials,
        "invocation": {
            "configSource": { "entryPoint": "Dockerfile" },
            "parameters": parameters,
            "environment": { "platform": "linux/amd64" },
        },
        "metadata": {
            "buildStartedOn": facts.started,
            "buildFinishedOn": facts.finished,
            "completeness": {
                "parameters": detail == Detail::Max,
                "environment": true,
                "materials": false,
            },
            "reproducible": false,
            METADATA: {},
        },
    });
    if detail == Detail::Max {
        let steps = facts.records.iter().enumerate().map(|(at, record)| {
            json!({
                "id": format!("step{at}"),
                "op": { "Op": { "exec": record.description } },
                "result": record.layer.diff_id,
            })
        });
        predicate["buildConfig"] = json!({ "llbDefinition": steps.collect::<Vec<_>>() });
        predicate["metadata"][METADATA] = json!({
            "source": { "infos": [{
                "filename": "Dockerfile",
                "language": "Dockerfile",
                "data": crate::output::base64(options.dockerfile.as_bytes()),
            }] },
        });
    }
    predicate
}

fn material((name, digest): &(String, Digest)) -> Value {
    json!({ "uri": purl(name), "digest": { "sha256": digest.hex() } })
}

/// A package address, as provenance and statements name images.
pub(super) fn purl(name: &str) -> String {
    let Ok(name) = ImageName::parse(name) else { return format!("pkg:docker/{name}") };
    let version = name.tag().map(|tag| format!("@{tag}")).unwrap_or_default();
    format!("pkg:docker/{}{version}?platform=windows%2Famd64", name.familiar_repository())
}

/// A statement that binds a predicate to an image.
pub(super) fn statement(
    kind: &str,
    predicate: &Value,
    names: &[ImageName],
    manifest: &Digest,
) -> Value {
    let digest = json!({ "sha256": manifest.hex() });
    let mut subject: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": purl(&name.familiar()), "digest": digest }))
        .collect();
    if subject.is_empty() {
        subject.push(json!({ "name": "_", "digest": digest }));
    }
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": kind,
        "subject": subject,
        "predicate": predicate,
    })
}
