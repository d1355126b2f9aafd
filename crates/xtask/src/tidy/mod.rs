//! `cargo xtask tidy`: the rules of the source that no compiler checks.
//!
//! ```text
//! arrows    which crate may use which
//! platform  no question about the OS above the engine
//! unsafety  where `unsafe` may stand, and what stands with it
//! prose     a module doc in every file, no path of somebody's machine in any
//! length    a report of what has grown long; it fails nothing
//! ```

mod arrows;
mod dependencies;
mod length;
mod platform;
mod prose;
mod sources;
mod unsafety;

use std::fmt;
use std::path::PathBuf;

use anyhow::bail;

use self::sources::Sources;
use crate::metadata::Metadata;
use crate::workspace::Workspace;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl Fault {
    fn new(file: impl Into<PathBuf>, line: usize, rule: impl Into<String>) -> Self {
        Self { file: file.into(), line, rule: rule.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

/// Reads every source, and fails when a rule is broken.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let metadata = Metadata::of_workspace(workspace)?;
    let sources = Sources::read(workspace)?;
    let mut faults = arrows::check(workspace, &metadata);
    faults.extend(dependencies::check(workspace)?);
    for file in sources.rust() {
        faults.extend(platform::check(file));
        faults.extend(unsafety::check(file, &sources));
        faults.extend(prose::has_module_doc(file));
    }
    for file in sources.all() {
        faults.extend(prose::names_no_machine(file, workspace.root()));
    }
    length::report(&sources);
    for fault in &faults {
        println!("{fault}");
    }
    match faults.len() {
        0 => Ok(()),
        1 => bail!("1 rule is broken"),
        many => bail!("{many} rules are broken"),
    }
}
