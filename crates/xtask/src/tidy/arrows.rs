//! Which crate may use which: the design's table of crates.
//!
//! A crate may also use what those that it may use may use, since it meets their types. Tests are
//! free: they look across.

use std::collections::BTreeSet;

use super::Fault;
use crate::metadata::{Metadata, Package};
use crate::workspace::Workspace;

const MAY_USE: &[(&str, &[&str])] = &[
    ("schema", &[]),
    ("spec", &["schema"]),
    ("plan", &["schema"]),
    ("lifecycle", &["schema"]),
    ("engine", &["schema"]),
    ("resources", &["plan", "engine"]),
    ("image", &["engine"]),
    ("shim", &["spec", "lifecycle", "resources", "image"]),
    ("build", &["spec", "image", "resources", "lifecycle"]),
    ("guest", &["schema"]),
    ("transom", &["shim", "image", "build", "spec"]),
    ("hcs-emulator", &[]),
    ("xtask", &[]),
];

/// Crates that may hold what is only right on one OS.
pub(super) const KNOWS_THE_OS: &[&str] = &["engine", "guest", "hcs-emulator", "xtask"];

pub(super) fn check(workspace: &Workspace, metadata: &Metadata) -> Vec<Fault> {
    metadata
        .members()
        .flat_map(|package| {
            let manifest = package.manifest_path.strip_prefix(workspace.root());
            let manifest = manifest.unwrap_or(&package.manifest_path);
            broken(package)
                .into_iter()
                .map(|rule| Fault::new(manifest, 1, rule))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn broken(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let Some(allowed) = reach(name) else {
        return vec![format!("crate `{name}` is not in the design's table of crates")];
    };
    let mut rules = Vec::new();
    for dependency in &package.dependencies {
        let used = dependency.name.as_str();
        let in_tests = dependency.kind.as_deref() == Some("dev");
        if dependency.path.is_some() && !in_tests && !allowed.contains(used) {
            rules.push(format!("`{name}` may not use `{used}`"));
        }
        if let Some(target) = &dependency.target
            && !KNOWS_THE_OS.contains(&name)
        {
            rules.push(format!("`{name}` uses `{used}` only for {target}: that is for `engine`"));
        }
    }
    rules
}

/// Everything that a crate may use.
fn reach(name: &str) -> Option<BTreeSet<&'static str>> {
    let (_, direct) = MAY_USE.iter().find(|(user, _)| *user == name)?;
    let further = direct.iter().filter_map(|used| reach(used)).flatten();
    Some(direct.iter().copied().chain(further).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &serde_json::Value) -> Package {
        serde_json::from_value(json!({
            "id": name, "name": name, "version": "0.1.0", "license": null,
            "dependencies": dependencies, "targets": [], "manifest_path": "/x/Cargo.toml",
        }))
        .expect("the package has every field that is read")
    }

    #[test]
    fn an_arrow_against_the_table_is_a_fault() {
        let up = json!([{ "name": "engine", "path": "/x/engine" }]);
        assert_eq!(broken(&package("plan", &up)), ["`plan` may not use `engine`"]);
        let down = json!([{ "name": "plan", "path": "/x/plan" }]);
        assert!(broken(&package("shim", &down)).is_empty());
    }

    #[test]
    fn tests_may_look_across() {
        let dev = json!([{ "name": "engine", "kind": "dev", "path": "/x/engine" }]);
        assert!(broken(&package("plan", &dev)).is_empty());
    }

    #[test]
    fn a_dependency_for_one_os_is_for_those_that_know_it() {
        let windows = json!([{ "name": "windows-sys", "target": "cfg(windows)" }]);
        assert_eq!(broken(&package("shim", &windows)).len(), 1);
        assert!(broken(&package("engine", &windows)).is_empty());
    }

    #[test]
    fn a_crate_outside_the_table_is_a_fault() {
        assert_eq!(broken(&package("util", &json!([]))).len(), 1);
    }
}
