//! Checks of a Dockerfile that could be built: what `--check` tells, and a build at its end.
//!
//! ```text
//! text --dockerfile--> statements --file--> casing, forms, names of stages
//!                          |-------stages--> what a stage has said before
//!                          '-------variables-> words with `$`
//! ```
//!
//! The rules, their names and their words are `BuildKit`'s. Left out: a base image of another
//! platform, which is refused here anyway, and descriptions for `--call=outline`.

mod file;
mod rule;
mod settings;
mod stages;
mod variables;

use std::collections::BTreeMap;

use crate::dockerfile::{Directives, Fault, Instruction, Statement, parse_one, statements};
use crate::ignore::Ignore;

pub use rule::Rule;
use settings::Settings;

/// The argument of a build that stands for a `check` directive.
pub(crate) const ARGUMENT: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// What a Dockerfile is checked with.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its text.
    pub text: &'a str,
    /// Values that were given for `ARG`s.
    pub args: &'a BTreeMap<String, String>,
    /// Variables that are there before the first `ARG`, in `FROM`, and their values.
    pub predefined: &'a [(String, String)],
    /// What of the context is not there.
    pub ignore: &'a Ignore,
    /// Variables of base images, by the images' names. Where a base is not known, what it may have
    /// set is not told to be missing.
    pub bases: &'a BTreeMap<String, Vec<String>>,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// In the order of their lines.
    pub warnings: Vec<Warning>,
    /// `error=true`: with warnings nothing is built.
    pub forbids: bool,
}

/// Something that may be built and should not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The rule that it breaks.
    pub rule: Rule,
    /// What breaks it.
    pub detail: String,
    /// Its first line.
    pub line: usize,
    /// Its last line.
    pub last_line: usize,
}

impl Checked {
    /// Why nothing is built, where warnings forbid it.
    pub fn refusal(&self) -> Option<String> {
        if !self.forbids || self.warnings.is_empty() {
            return None;
        }
        let mut names: Vec<&str> = self.warnings.iter().map(|found| found.rule.name()).collect();
        names.sort_unstable();
        names.dedup();
        Some(format!("lint violation found for rules: {}", names.join(", ")))
    }

    /// What a build says at its end; empty when there is nothing to say.
    pub fn summary(&self) -> String {
        let count = self.warnings.len();
        if count == 0 {
            return String::new();
        }
        let plural = if count == 1 { "" } else { "s" };
        let lines = self.warnings.iter().map(|found| {
            format!(" - {}: {} (line {})\n", found.rule.name(), found.detail, found.line)
        });
        let lines: String = lines.collect();
        format!("\n {count} warning{plural} found (use --check to see their lines):\n{lines}")
    }
}

/// Checks a Dockerfile. One that cannot be read is a fault.
pub fn check(asked: &Asked<'_>) -> Result<Checked, Fault> {
    let (directives, statements) = statements(asked.text)?;
    let read = statements.iter().map(|statement| {
        parse_one(statement, directives.escape).map(|instruction| (statement, instruction))
    });
    let read = read.collect::<Result<Vec<_>, Fault>>()?;
    let given = asked.args.get(ARGUMENT).or(directives.check.as_ref());
    let settings = Settings::parse(given.map_or("", String::as_str))?;
    let mut linter = Linter { asked, directives: &directives, read: &read, found: Vec::new() };
    linter.file();
    linter.stages();
    linter.variables();
    let mut warnings = linter.found;
    warnings.retain(|found| settings.wants(found.rule));
    warnings.sort_by_key(|found| found.line);
    Ok(Checked { warnings, forbids: settings.error })
}

/// The images that stages begin from, by the names that [`Asked::bases`] is asked for.
pub fn bases(asked: &Asked<'_>) -> Result<Vec<String>, Fault> {
    let file = crate::dockerfile::Dockerfile::parse(asked.text)?;
    let escape = file.directives.escape;
    let globals = variables::globals(&file.globals, escape, asked.predefined, Some(asked.args));
    let images =
        file.stages.iter().map(|stage| variables::expanded(&stage.from.image, escape, &globals));
    Ok(images.collect())
}

/// A check on its way.
struct Linter<'a> {
    asked: &'a Asked<'a>,
    directives: &'a Directives,
    read: &'a [(&'a Statement, Instruction)],
    found: Vec<Warning>,
}

impl Linter<'_> {
    fn warn(&mut self, rule: Rule, statement: &Statement, detail: String) {
        let (line, last_line) = (statement.line, statement.last_line);
        self.found.push(Warning { rule, detail, line, last_line });
    }
}

#[cfg(test)]
mod tests;
