//! Every dependency of the workspace has its row in `docs/dependencies.md`: why, and its licence.

use std::collections::BTreeSet;

use anyhow::Context;
use toml::Table;

use super::Fault;
use crate::workspace::Workspace;

const TABLE: &str = "docs/dependencies.md";

pub(super) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Fault>> {
    let shell = workspace.shell()?;
    let manifest: Table = toml::from_str(&shell.read_file("Cargo.toml")?)?;
    let table = shell.read_file(TABLE).unwrap_or_default();
    let named = foreign(&manifest).context("the workspace names no dependencies")?;
    let told = rows(&table);
    let without = named.difference(&told).map(|name| format!("no row for `{name}`"));
    let beyond = told.difference(&named).map(|name| format!("`{name}` is not used any more"));
    Ok(without.chain(beyond).map(|rule| Fault::new(TABLE, 1, rule)).collect())
}

/// Dependencies that are not crates of this workspace.
fn foreign(manifest: &Table) -> Option<BTreeSet<String>> {
    let dependencies = manifest.get("workspace")?.get("dependencies")?.as_table()?;
    let foreign = dependencies.iter().filter(|(_, what)| what.get("path").is_none());
    Some(foreign.map(|(name, _)| name.clone()).collect())
}

/// The first cell of every row below the table's head.
fn rows(table: &str) -> BTreeSet<String> {
    table
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.split('|').next())
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .filter(|name| name != "crate" && !name.starts_with('-'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cells_of_a_table_are_its_crates() {
        let table = "# T\n\n| crate | why |\n|---|---|\n| `tar` | layers |\n| zstd | layers |\n";
        assert_eq!(rows(table), BTreeSet::from(["tar".to_owned(), "zstd".to_owned()]));
    }

    #[test]
    fn our_own_crates_need_no_row() {
        let manifest = "[workspace.dependencies]\nplan = { path = \"crates/plan\" }\ntar = \"1\"\n";
        let manifest = toml::from_str(manifest).unwrap();
        assert_eq!(foreign(&manifest), Some(BTreeSet::from(["tar".to_owned()])));
    }
}
