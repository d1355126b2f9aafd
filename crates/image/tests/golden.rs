//! Which images of an index docker would take, and which it would refuse: its own answers.
//!
//! Cases are read from `moby/pull.jsonl` below `TRANSOM_GOLDEN`, else below `tests/golden`.

use std::path::PathBuf;
use std::process::ExitCode;

use image::{Candidate, OsVersion, check_version, select};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let folder = std::env::var_os("TRANSOM_GOLDEN").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden")),
        PathBuf::from,
    );
    let file = folder.join("moby/pull.jsonl");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            println!("0 passed, 1 failed");
            return ExitCode::FAILURE;
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).expect("a golden file holds JSON lines");
        match difference(&case) {
            None => passed += 1,
            Some(difference) => {
                failed += 1;
                println!("FAILED {}: {difference}", case["name"]);
            }
        }
    }
    println!("moby/pull: {passed} passed, {failed} failed");
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is not as docker has it.
fn difference(case: &Value) -> Option<String> {
    let input = &case["input"];
    let build = input["hostBuild"].as_u64().and_then(|build| u32::try_from(build).ok());
    let build = build.expect("every case has a host");
    let host = OsVersion { major: 10, minor: 0, build, revision: 0 };
    let actual = match case["kind"].as_str() {
        Some("pull-select") => json!({ "order": order(input, host) }),
        Some("pull-compat") => {
            let text = |member: &str| input[member].as_str().unwrap_or_default().to_owned();
            match check_version(&text("imageOS"), &text("imageOSVersion"), host) {
                Ok(()) => json!({ "compatible": true }),
                Err(error) => Value::from(error.to_string()),
            }
        }
        kind => return Some(format!("kind {kind:?} is claimed by nobody")),
    };
    let expected = case.get("output").or(case.get("error")).unwrap_or(&Value::Null);
    (actual != *expected).then(|| format!("{expected} expected, got {actual}"))
}

fn order(input: &Value, host: OsVersion) -> Vec<usize> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let manifests = input["manifests"].as_array().cloned().unwrap_or_default();
    let candidates: Vec<Candidate> = manifests
        .iter()
        .map(|manifest| Candidate {
            os: text(&manifest["os"]),
            architecture: text(&manifest["architecture"]),
            os_version: text(&manifest["osVersion"]),
        })
        .collect();
    select(&candidates, host, input["requestedOS"].as_str())
}
