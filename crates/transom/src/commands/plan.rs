//! `plan`: what a bundle would become, before anything does.

use std::path::Path;

use anyhow::{Context, Result};
use schema::SystemId;

use crate::cli::system::Plan;

/// `plan`
pub(super) fn command(asked: &Plan) -> Result<()> {
    let folder = std::path::absolute(&asked.bundle).context("finding the bundle")?;
    let id = asked.id.clone().unwrap_or_else(|| name_of(&folder));
    let id = SystemId::new(id).context("using the folder's name as the task's id; give --id")?;
    let planned = shim::preview::preview(&folder, id)
        .with_context(|| format!("planning the bundle {}", folder.display()))?;
    let text = match asked.format.as_str() {
        "json" => serde_json::to_string_pretty(&planned.to_json()).context("writing the plan")?,
        _ => planned.to_table(),
    };
    println!("{}", text.trim_end());
    Ok(())
}

fn name_of(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
