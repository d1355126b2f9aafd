//! What we stand on: licences and doubled versions, by the rules of `deny.toml`.
//!
//! `cargo deny` judges where it is installed. It takes minutes to build, so without it the two
//! rules that need no network are applied here, by the same file. Advisories then go unread, and
//! the output says so.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::Deserialize;
use spdx::Expression;
use xshell::cmd;

use crate::metadata::{Metadata, Package};
use crate::workspace::Workspace;
use crate::{host, windows};

/// What we are built for.
const TARGETS: &[&str] = &["x86_64-unknown-linux-gnu", windows::TARGET];

/// The part of `deny.toml` that is applied here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    #[serde(default)]
    skip: Vec<Skip>,
}

/// A version that may stand beside a newer one of the same crate.
#[derive(Deserialize)]
struct Skip {
    #[serde(rename = "crate")]
    name: String,
}

/// Judges all dependencies.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let shell = workspace.shell()?;
    if host::has_program("cargo-deny") {
        cmd!(shell, "cargo deny --workspace check").run()?;
        return Ok(());
    }
    println!("cargo-deny is not installed: licences and versions only, no advisories");
    let text = shell.read_file("deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("cannot read deny.toml")?;
    let packages = dependencies(workspace)?;
    let mut faults = forbidden_licences(&packages, &rules.licenses.allow);
    faults.extend(doubled(&packages, &rules.bans.skip));
    if faults.is_empty() {
        println!("{} packages", packages.len());
        return Ok(());
    }
    for fault in &faults {
        println!("{fault}");
    }
    bail!("{} of {} packages break a rule of deny.toml", faults.len(), packages.len());
}

/// Every package that any target needs, by name and version.
fn dependencies(workspace: &Workspace) -> anyhow::Result<BTreeMap<(String, String), Package>> {
    let mut packages = BTreeMap::new();
    for target in TARGETS {
        let metadata = Metadata::with_dependencies(workspace, target)?;
        for package in metadata.packages {
            packages.insert((package.name.clone(), package.version.clone()), package);
        }
    }
    Ok(packages)
}

fn forbidden_licences(
    packages: &BTreeMap<(String, String), Package>,
    allowed: &[String],
) -> Vec<String> {
    packages
        .values()
        .filter_map(|package| {
            let reason = forbidden(package.license.as_deref(), allowed)?;
            Some(format!("{} {}: {reason}", package.name, package.version))
        })
        .collect()
}

/// Why a package's licence expression is refused.
fn forbidden(licence: Option<&str>, allowed: &[String]) -> Option<String> {
    let Some(licence) = licence else { return Some("names no licence".to_owned()) };
    match Expression::parse_mode(licence, spdx::ParseMode::LAX) {
        Err(_) => Some(format!("`{licence}` is no licence expression")),
        Ok(expression) => {
            let fits = expression.evaluate(|asked| allowed.contains(&asked.to_string()));
            (!fits).then(|| format!("`{licence}` is not among the allowed licences"))
        }
    }
}

fn doubled(packages: &BTreeMap<(String, String), Package>, skips: &[Skip]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version) in packages.keys() {
        if !skips.iter().any(|skip| skip.names(name, version)) {
            versions.entry(name).or_default().push(version);
        }
    }
    versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| format!("{name} is there twice: {}", versions.join(", ")))
        .collect()
}

impl Skip {
    /// `name`, or `name@version`.
    fn names(&self, name: &str, version: &str) -> bool {
        match self.name.split_once('@') {
            None => self.name == name,
            Some((skipped, which)) => skipped == name && which == version,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<String> {
        vec!["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()]
    }

    #[test]
    fn one_allowed_licence_of_a_choice_is_enough() {
        assert_eq!(forbidden(Some("MIT OR GPL-3.0-only"), &allowed()), None);
        assert_eq!(forbidden(Some("MIT/Apache-2.0"), &allowed()), None);
    }

    #[test]
    fn every_licence_of_a_conjunction_must_be_allowed() {
        assert!(forbidden(Some("MIT AND GPL-3.0-only"), &allowed()).is_some());
    }

    #[test]
    fn an_exception_is_part_of_the_licence() {
        assert_eq!(forbidden(Some("Apache-2.0 WITH LLVM-exception"), &allowed()), None);
        assert!(forbidden(Some("Apache-2.0"), &allowed()).is_some());
    }

    #[test]
    fn a_package_without_a_licence_is_refused() {
        assert_eq!(forbidden(None, &allowed()).as_deref(), Some("names no licence"));
    }

    #[test]
    fn a_skip_names_all_versions_or_one() {
        let one = Skip { name: "syn@2.0.1".to_owned() };
        assert!(one.names("syn", "2.0.1") && !one.names("syn", "3.0.0"));
        let all = Skip { name: "syn".to_owned() };
        assert!(all.names("syn", "3.0.0") && !all.names("sync", "3.0.0"));
    }
}
