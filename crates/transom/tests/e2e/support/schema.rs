//! Documents of images, held against the JSON schemas of the OCI image specification by a validator
//! that is not ours: Debian's `python3-jsonschema`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The schemas name each other by addresses; all of them are files of one folder.
const VALIDATE: &str = r"
import json, os, sys, jsonschema
folder, name = sys.argv[1:]
def load(name):
    with open(os.path.join(folder, name)) as file:
        return json.load(file)
schema = load(name)
local = lambda address: load(address.split('#')[0].rsplit('/', 1)[-1])
resolver = jsonschema.RefResolver(schema['id'], schema, handlers={'https': local})
validator = jsonschema.Draft4Validator(schema, resolver=resolver)
for fault in validator.iter_errors(json.load(sys.stdin)):
    print('/'.join(map(str, fault.absolute_path)), fault.message)
";

/// What a schema has against a document.
pub(crate) fn faults(schema: &str, document: &Value) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema");
    let mut python = Command::new("/usr/bin/python3")
        .args(["-W", "ignore", "-c", VALIDATE])
        .arg(folder)
        .arg(schema)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test needs python3");
    let mut stdin = python.stdin.take().expect("it is piped");
    stdin.write_all(document.to_string().as_bytes()).expect("python reads");
    drop(stdin);
    let output = python.wait_with_output().expect("python ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "apt-get install python3-jsonschema: {errors}");
    String::from_utf8(output.stdout).expect("python writes UTF-8")
}

/// Holds a document against its schema.
pub(crate) fn check(schema: &str, document: &Value) {
    let faults = faults(schema, document);
    assert!(faults.is_empty(), "{schema}: {faults}\n{document:#}");
}

/// Holds everything in an OCI layout that is a document of images against its schema. Gives how many
/// manifests there were.
pub(crate) fn check_layout(folder: &Path) -> usize {
    let index = read(&folder.join("index.json"));
    check("image-index-schema.json", &index);
    entries(folder, &index)
}

fn entries(folder: &Path, index: &Value) -> usize {
    let entries = index["manifests"].as_array().expect("an index has manifests");
    entries.iter().map(|entry| manifest(folder, entry)).sum()
}

fn manifest(folder: &Path, entry: &Value) -> usize {
    check("content-descriptor.json", entry);
    let document = blob(folder, entry);
    if entry["mediaType"] == "application/vnd.oci.image.index.v1+json" {
        check("image-index-schema.json", &document);
        return entries(folder, &document);
    }
    check("image-manifest-schema.json", &document);
    let layers = document["layers"].as_array().expect("a manifest has layers");
    for part in layers.iter().chain([&document["config"]]) {
        check("content-descriptor.json", part);
    }
    check("config-schema.json", &blob(folder, &document["config"]));
    1
}

/// A document by its descriptor.
pub(crate) fn blob(folder: &Path, descriptor: &Value) -> Value {
    let digest = descriptor["digest"].as_str().expect("a descriptor has a digest");
    read(&folder.join("blobs").join(digest.replace(':', "/")))
}

fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path);
    let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).expect("it is JSON")
}
