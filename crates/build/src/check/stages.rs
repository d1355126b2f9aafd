//! What a stage has said before, or one that it begins from.

use std::collections::BTreeMap;

use super::{Linter, Rule};
use crate::dockerfile::{CommandLine, Instruction, Statement};

/// How far a stage is.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    shell: bool,
    workdir: bool,
}

impl Linter<'_> {
    pub(super) fn stages(&mut self) {
        let mut stages: BTreeMap<String, Said> = BTreeMap::new();
        let mut name = None;
        let mut said = Said::default();
        let mut used: BTreeMap<&str, &Statement> = BTreeMap::new();
        for (statement, instruction) in self.read {
            match instruction {
                Instruction::From(from) => {
                    stages.extend(name.take().map(|name| (name, said)));
                    said = stages.get(&from.image.to_lowercase()).copied().unwrap_or_default();
                    name.clone_from(&from.name);
                    if let Some(name) = name.as_deref().filter(|name| stages.contains_key(*name)) {
                        let detail = format!(
                            "Duplicate stage name \"{name}\", stage names should be unique"
                        );
                        self.warn(Rule::DuplicateStageName, statement, detail);
                    }
                    used.clear();
                }
                Instruction::Shell(_) => said.shell = true,
                Instruction::Cmd(command) | Instruction::Entrypoint(command) => {
                    self.once(&mut used, statement);
                    if matches!(command, CommandLine::Shell(_)) && !said.shell {
                        let detail = format!(
                            "JSON arguments recommended for {} to prevent unintended behavior \
                             related to OS signals",
                            statement.name
                        );
                        self.warn(Rule::JsonArgsRecommended, statement, detail);
                    }
                }
                Instruction::Healthcheck(_) => self.once(&mut used, statement),
                Instruction::Workdir(path) => {
                    if !said.workdir && !is_absolute(path) {
                        let detail = format!(
                            "Relative workdir \"{path}\" can have unexpected results if the base \
                             image changes"
                        );
                        self.warn(Rule::WorkdirRelativePath, statement, detail);
                    }
                    // The first decides what those after it are relative to.
                    said.workdir = true;
                }
                _ => {}
            }
        }
    }

    /// Of several the last counts: those before it are named.
    fn once<'s>(&mut self, used: &mut BTreeMap<&'s str, &'s Statement>, statement: &'s Statement) {
        if let Some(before) = used.insert(&statement.name, statement) {
            let detail = format!(
                "Multiple {} instructions should not be used in the same stage because only the \
                 last one will be used",
                statement.name
            );
            self.warn(Rule::MultipleInstructionsDisallowed, before, detail);
        }
    }
}

/// What begins with a variable may be.
fn is_absolute(path: &str) -> bool {
    let path = path.trim_start_matches(['"', '\'']);
    let rest = match path.split_once(':') {
        Some((drive, rest)) if drive.len() == 1 => rest,
        _ => path,
    };
    rest.starts_with(['/', '\\', '$'])
}
