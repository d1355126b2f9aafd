//! `doctor`: what this host lacks, and how to mend it.

mod checks;
mod kernel;
mod programs;

use anyhow::Result;
use serde::Serialize;

use crate::format;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Finding {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub status: Verdict,
    /// What was found.
    pub found: String,
    /// How to mend it; empty when there is nothing to mend.
    pub mend: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it must be.
    Good,
    /// Something is not possible, but containers run.
    Warning,
    /// Containers do not run.
    Bad,
}

impl Finding {
    fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Verdict::Good, found: found.into(), mend: String::new() }
    }

    fn warning(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Verdict::Warning, found: found.into(), mend: mend.into() }
    }

    fn bad(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Verdict::Bad, found: found.into(), mend: mend.into() }
    }
}

/// `doctor`: the status is 1 when containers cannot run here.
pub async fn command(format: Option<&str>) -> Result<u8> {
    let findings = tokio::task::spawn_blocking(checks::all).await?;
    match format {
        Some(format) => {
            println!("{}", format::one(Some(format), &serde_json::to_value(&findings)?)?);
        }
        None => findings.iter().for_each(print),
    }
    let bad = findings.iter().any(|finding| finding.status == Verdict::Bad);
    Ok(u8::from(bad))
}

fn print(finding: &Finding) {
    let mark = match finding.status {
        Verdict::Good => "ok  ",
        Verdict::Warning => "warn",
        Verdict::Bad => "FAIL",
    };
    println!("{mark}  {:<22} {}", finding.name, finding.found);
    if !finding.mend.is_empty() {
        println!("      {:<22} mend: {}", "", finding.mend);
    }
}
