//! `build --check`: what a Dockerfile should not say, as buildx tells it.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use build::check::Checked;

/// Prints what was found, and gives the status to exit with.
pub(super) fn tell(checked: &Checked, file: &Path, text: &str) -> Result<u8> {
    let said = match checked.warnings.len() {
        0 => "Check complete, no warnings found.\n".to_owned(),
        1 => "Check complete, 1 warning has been found!\n".to_owned(),
        count => format!("Check complete, {count} warnings have been found!\n"),
    };
    let warnings = checked.warnings.iter().map(|found| {
        let (rule, url, detail) = (found.rule.name(), found.rule.url(), &found.detail);
        let source = excerpt(file, text, found.line, found.last_line);
        format!("\nWARNING: {rule} - {url}\n{detail}\n{source}")
    });
    let said: String = std::iter::once(said).chain(warnings).collect();
    io::stdout().write_all(said.as_bytes()).context("writing what was found")?;
    Ok(u8::from(!checked.warnings.is_empty()))
}

/// Lines of a Dockerfile, those that are meant marked, with a few around them.
pub(super) fn excerpt(file: &Path, text: &str, line: usize, last_line: usize) -> String {
    let rule = "-".repeat(20);
    let mut shown = format!("{}:{line}\n{rule}\n", file.display());
    let around = line.saturating_sub(3)..last_line + 2;
    for (at, source) in text.lines().enumerate().filter(|(at, _)| around.contains(at)) {
        let mark = if (line..=last_line).contains(&(at + 1)) { ">>>" } else { "   " };
        // Nothing that is written to memory fails.
        let _ = writeln!(shown, "{:>4} | {mark} {source}", at + 1);
    }
    shown + &rule + "\n"
}
