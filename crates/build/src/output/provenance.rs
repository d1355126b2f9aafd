//! How an image was built, as SLSA's provenance in `BuildKit`'s words.

use image::{Digest, ImageName};
use serde_json::{Map, Value, json};

use super::{Detail, Facts, Provenance, Version};
use crate::builder::{LAYOUT, Options};

const BUILD_TYPE: &str = "https://mobyproject.org/buildkit@v1";
const METADATA: &str = "https://mobyproject.org/buildkit@v1#metadata";
const BUILD_TYPE_1: &str =
    "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md";

impl Version {
    /// The type of the predicate.
    pub(super) fn predicate_type(self) -> &'static str {
        match self {
            Self::V02 => "https://slsa.dev/provenance/v0.2",
            Self::V1 => "https://slsa.dev/provenance/v1",
        }
    }
}

/// The predicate. Values of arguments are told only in detail: they may be nobody's business.
pub(super) fn predicate(options: &Options, facts: &Facts, asked: &Provenance) -> Value {
    match asked.version {
        Version::V02 => version_02(options, facts, asked),
        Version::V1 => version_1(options, facts, asked),
    }
}

fn version_02(options: &Options, facts: &Facts, asked: &Provenance) -> Value {
    let max = asked.detail == Detail::Max;
    let mut predicate = json!({
        "builder": { "id": asked.builder },
        "buildType": BUILD_TYPE,
        "materials": facts.bases.iter().map(material).collect::<Vec<_>>(),
        "invocation": {
            "configSource": { "entryPoint": options.file_name },
            "parameters": parameters(options, max),
            "environment": { "platform": platform() },
        },
        "metadata": {
            "buildStartedOn": facts.started,
            "buildFinishedOn": facts.finished,
            "completeness": { "parameters": max, "environment": true, "materials": false },
            "reproducible": asked.reproducible,
            METADATA: {},
        },
    });
    if max {
        predicate["buildConfig"] = steps(facts);
        predicate["metadata"][METADATA] = sources(options);
    }
    predicate
}

fn version_1(options: &Options, facts: &Facts, asked: &Provenance) -> Value {
    let max = asked.detail == Detail::Max;
    let mut predicate = json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE_1,
            "externalParameters": {
                "configSource": { "path": options.file_name },
                "request": parameters(options, max),
            },
            "internalParameters": { "builderPlatform": platform() },
            "resolvedDependencies": facts.bases.iter().map(material).collect::<Vec<_>>(),
        },
        "runDetails": {
            "builder": { "id": asked.builder },
            "metadata": {
                "startedOn": facts.started,
                "finishedOn": facts.finished,
                "buildkit_metadata": {},
                "buildkit_completeness": { "request": max, "resolvedDependencies": false },
                "buildkit_reproducible": asked.reproducible,
            },
        },
    });
    if max {
        predicate["buildDefinition"]["internalParameters"]["buildConfig"] = steps(facts);
        predicate["runDetails"]["metadata"]["buildkit_metadata"] = sources(options);
    }
    predicate
}

/// What was asked for.
fn parameters(options: &Options, max: bool) -> Value {
    let mut parameters = json!({
        "frontend": "dockerfile.v0",
        "locals": [{ "name": "context" }, { "name": "dockerfile" }],
    });
    let mut args = Map::new();
    if let Some(target) = &options.target {
        args.insert("target".to_owned(), json!(target));
    }
    if max {
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
    let named = |ids: Vec<&String>| ids.into_iter().map(|id| json!({ "id": id })).collect();
    let (secrets, agents): (Vec<Value>, Vec<Value>) =
        (named(options.secrets.keys().collect()), named(options.agents.keys().collect()));
    for (name, ids) in [("secrets", secrets), ("ssh", agents)] {
        if max && !ids.is_empty() {
            parameters[name] = json!(ids);
        }
    }
    parameters
}

/// The platform that the builder itself runs on.
fn platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{architecture}", std::env::consts::OS)
}

fn steps(facts: &Facts) -> Value {
    let steps = facts.records.iter().enumerate().map(|(at, record)| {
        json!({
            "id": format!("step{at}"),
            "op": { "Op": { "exec": record.description } },
            "result": record.layer.diff_id,
        })
    });
    json!({ "llbDefinition": steps.collect::<Vec<_>>() })
}

fn sources(options: &Options) -> Value {
    json!({
        "source": { "infos": [{
            "filename": options.file_name,
            "language": "Dockerfile",
            "data": crate::output::base64(options.dockerfile.as_bytes()),
        }] },
    })
}

fn material((name, digest): &(String, Digest)) -> Value {
    json!({ "uri": purl(name), "digest": { "sha256": digest.hex() } })
}

/// A package address, as provenance and statements name images.
pub(super) fn purl(name: &str) -> String {
    if let Some(layout) = name.strip_prefix(LAYOUT) {
        // Where a layout lies is the builder's own business.
        let name = layout.rsplit('/').next().unwrap_or(layout);
        return format!("pkg:oci/{name}?platform=windows%2Famd64");
    }
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
