//! Runs the golden cases of docker's older builder: command lines, working directories, destinations.
//!
//! The cases are inputs and what Docker Engine itself made of them, one JSON object a line.
//! `TRANSOM_GOLDEN` names another folder of the same layout. A set that no code here claims is named.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use build::{classic, dockerfile};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let root = std::env::var_os("TRANSOM_GOLDEN").map(PathBuf::from);
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let folder = root.unwrap_or_else(own).join("moby");
    let (mut passed, mut failed) = (0, 0);
    for path in sets(&folder) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a set that can be read");
        if name != "builder" {
            println!("{name}: not claimed here ({} cases)", text.lines().count());
            continue;
        }
        let faults: Vec<String> = text.lines().filter_map(fault).collect();
        let good = text.lines().count() - faults.len();
        println!("{name}: {good} passed, {} failed", faults.len());
        for fault in &faults {
            println!("  {fault}");
        }
        passed += good;
        failed += faults.len();
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn sets(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a folder that can be listed").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    paths.sort();
    paths
}

fn fault(line: &str) -> Option<String> {
    let case: Value = serde_json::from_str(line).expect("a case is JSON");
    let wanted = case.get("error").or_else(|| case.get("output")).expect("a case has a result");
    let got = match run(case["kind"].as_str().expect("a case has a kind"), &case["input"]) {
        Ok(output) => output,
        Err(message) => Value::String(message),
    };
    (got != *wanted).then(|| format!("{}: {got}, not {wanted}", case["name"]))
}

fn run(kind: &str, input: &Value) -> Result<Value, String> {
    let text = |name: &str| input[name].as_str().unwrap_or_default();
    let (current, requested) = (text("current"), text("requested"));
    match kind {
        "builder-cmdline" => command_line(input),
        "builder-workdir" => classic::workdir(current, requested)
            .map(|path| json!({ "workdir": path }))
            .map_err(|error| error.to_string()),
        "builder-dest" => classic::destination(current, requested)
            .map(|path| json!({ "dest": path }))
            .map_err(|error| error.to_string()),
        other => Err(format!("no code for kind {other}")),
    }
}

fn command_line(input: &Value) -> Result<Value, String> {
    let text = input["dockerfile"].as_str().expect("a Dockerfile");
    let (directives, statements) = dockerfile::statements(text).map_err(|e| e.to_string())?;
    let last = statements.last().expect("an instruction");
    let shell: Option<Vec<String>> = serde_json::from_value(input["shell"].clone()).ok();
    let shell = shell.unwrap_or_else(|| ["cmd", "/S", "/C"].map(str::to_owned).to_vec());
    let before = input["argsEscaped"].as_bool().unwrap_or_default();
    let made = classic::command(last, directives.escape, &shell, before);
    let (cmd, escaped) = made.map_err(|fault| fault.rule)?;
    Ok(json!({ "argsEscaped": escaped, "cmd": cmd }))
}
