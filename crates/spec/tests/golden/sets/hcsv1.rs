//! A spec to the documents of the first HCS schema.

use std::io;

use serde_json::{Value, json};
use spec::hcsv1::{self as documents, Host};
use spec::{Lookups, PathKind, Spec};

use crate::case::Case;
use crate::compare::{Failure, Outcome};
use crate::host::texts;

pub(crate) fn hcsv1(case: &Case) -> Outcome {
    let spec: Spec = serde_json::from_value(case.input["spec"].clone()).expect("a spec");
    match case.kind.as_str() {
        "hcsv1-create" => create(&case.input, &spec),
        "hcsv1-init" => {
            let first = spec.process().as_ref().expect("a first process");
            Outcome::ok(json!({ "processConfig": documents::init(first) }))
        }
        "hcsv1-exec" => {
            let first = spec.process().as_ref().expect("a first process");
            let process = serde_json::from_value(case.input["process"].clone()).expect("a process");
            Outcome::ok(json!({ "processConfig": documents::exec(&process, first) }))
        }
        kind => panic!("a kind that is not in the README: {kind}"),
    }
}

fn create(input: &Value, spec: &Spec) -> Outcome {
    let lookups = UtilityVms(texts(&input["utilityVMs"]));
    let layer_id = |name: &str| format!("guid-of({name})");
    let host = Host { cpus: 8, layer_id: &layer_id, lookups: &lookups };
    match documents::container(input["id"].as_str().unwrap_or_default(), spec, &host) {
        Ok(document) => Outcome::ok(json!({ "containerConfig": document })),
        Err(error) => Outcome {
            output: None,
            error: Some(Failure { message: error.to_string(), status: None }),
        },
    }
}

/// A host where only these folders exist.
struct UtilityVms(Vec<String>);

impl Lookups for UtilityVms {
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>> {
        Ok(self.0.iter().any(|folder| folder == path).then_some(PathKind::Directory))
    }

    fn read_credential_spec(&self, _: &str) -> io::Result<String> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn layer_folders(&self, _: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}
