//! Which stages a stage needs, and which one a name means.

use std::collections::BTreeSet;

use engine::Engine;
use resources::Host;

use super::stages::Stages;
use crate::dockerfile::{Fault, Instruction, MountText, Stage, Step, nearest};
use crate::error::BuildError;

type Result<T> = std::result::Result<T, BuildError>;

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// A stage by its name or number. Of several of a name it is the last.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let stages = &self.file.stages;
        self.named(name, stages.len()).or_else(|| name.parse().ok().filter(|at| *at < stages.len()))
    }

    /// The stage before this one that its `FROM` names; numbers mean nothing there.
    pub(super) fn named(&self, name: &str, before: usize) -> Option<usize> {
        self.file.stages[..before].iter().rposition(|stage| {
            stage.from.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
        })
    }

    /// The stage that is wanted, and all that are needed for it.
    pub(super) fn needed(&self) -> Result<(usize, BTreeSet<usize>)> {
        let wanted = match &self.options.target {
            None => self.file.stages.len() - 1,
            Some(name) => self.find(name).ok_or_else(|| self.no_target(name))?,
        };
        let mut needed = BTreeSet::new();
        self.need(wanted, &mut needed)?;
        Ok((wanted, needed))
    }

    fn no_target(&self, name: &str) -> Fault {
        let names = self.file.stages.iter().filter_map(|stage| stage.from.name.as_deref());
        let near = nearest(name, names);
        let near = near.map_or_else(String::new, |near| format!(" (did you mean {near}?)"));
        Fault::new(0, format!("target stage \"{name}\" could not be found{near}"))
    }

    fn need(&self, at: usize, needed: &mut BTreeSet<usize>) -> Result<()> {
        if !needed.insert(at) {
            return Ok(());
        }
        let stage = &self.file.stages[at];
        let base = self.expand_global(&stage.from.image, stage.line)?;
        let before = |found: usize| found < at;
        let is_context = self.context(&base).is_some();
        if let Some(found) = self.named(&base, at).filter(|_| !is_context) {
            self.need(found, needed)?;
        }
        for step in &stage.steps {
            for from in sources(&step.instruction) {
                if self.context(from).is_some() {
                    continue;
                }
                let Some(found) = self.find(from) else { continue };
                if !before(found) {
                    return Err(later(at, stage, step, from).into());
                }
                self.need(found, needed)?;
            }
        }
        Ok(())
    }
}

/// What an instruction copies or mounts from.
fn sources(instruction: &Instruction) -> Vec<&str> {
    match instruction {
        Instruction::Copy(copy) => copy.from.as_deref().into_iter().collect(),
        Instruction::Run(run) => run.mounts.iter().filter_map(MountText::from).collect(),
        _ => Vec::new(),
    }
}

fn later(at: usize, stage: &Stage, step: &Step, from: &str) -> Fault {
    let own = stage.from.name.clone().unwrap_or_else(|| at.to_string());
    let rule = match &step.instruction {
        Instruction::Run(run) => {
            let mount = run.mounts.iter().find(|mount| mount.from() == Some(from));
            let target = mount.and_then(MountText::target).unwrap_or_default();
            format!(
                "cannot mount from stage \"{from}\" to \"{target}\", stage needs to be defined \
                 before current command"
            )
        }
        _ => format!(
            "cannot copy from stage \"{from}\", it needs to be defined before current stage \"{own}\""
        ),
    };
    Fault::new(step.line, rule)
}
