//! Words with variables that nobody has set.

use std::cell::RefCell;
use std::collections::BTreeMap;

use image::ImageName;

use super::{Linter, Rule};
use crate::dockerfile::{Copy, From, Instruction, Names, Statement, Step, expand, nearest};

/// A stage's variables.
#[derive(Debug, Clone, Default)]
struct Scope {
    names: Vec<String>,
    /// What the base set is known.
    whole: bool,
}

/// Hears which variables are looked for.
struct Listener<'a> {
    known: &'a [String],
    missing: RefCell<Vec<String>>,
}

impl Names for Listener<'_> {
    fn value(&self, name: &str) -> Option<String> {
        // Any value keeps `${name:?…}` quiet.
        self.known.iter().any(|known| known.eq_ignore_ascii_case(name)).then(|| "x".to_owned())
    }

    fn missing(&self, name: &str) {
        let mut missing = self.missing.borrow_mut();
        if !missing.iter().any(|known| known == name) {
            missing.push(name.to_owned());
        }
    }
}

/// The values of `ARG`s before the first `FROM`, after those that are `predefined`, with what was
/// `given` for them or without.
pub(super) fn globals(
    steps: &[Step],
    escape: char,
    predefined: &[(String, String)],
    given: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, String> = predefined.iter().cloned().collect();
    for step in steps {
        let Instruction::Arg(args) = &step.instruction else { continue };
        for (name, default) in args {
            let default = default.as_ref().map(|text| expanded(text, escape, &values));
            let given = given.and_then(|given| given.get(name).cloned());
            values.extend(given.or(default).map(|value| (name.clone(), value)));
        }
    }
    values
}

/// A word with these values; empty where it makes no sense.
pub(super) fn expanded(text: &str, escape: char, values: &BTreeMap<String, String>) -> String {
    let names = |name: &str| values.get(name).cloned();
    expand(text, escape, &names, 0).unwrap_or_default()
}

impl Linter<'_> {
    pub(super) fn variables(&mut self) {
        let escape = self.directives.escape;
        let first = |(_, instruction): &&(&Statement, Instruction)| {
            !matches!(instruction, Instruction::From(_))
        };
        let before = self.read.iter().take_while(first).count();
        let steps: Vec<Step> = self.read[..before].iter().map(step).collect();
        let predefined = self.asked.predefined;
        let given = globals(&steps, escape, predefined, Some(self.asked.args));
        let defaults = globals(&steps, escape, predefined, None);
        let mut declared: Vec<String> = predefined.iter().map(|(name, _)| name.clone()).collect();
        for step in &steps {
            if let Instruction::Arg(args) = &step.instruction {
                declared.extend(args.iter().map(|(name, _)| name.clone()));
            }
        }
        let mut stages: BTreeMap<String, Scope> = BTreeMap::new();
        let (mut name, mut scope) = (None::<String>, Scope::default());
        for (statement, instruction) in &self.read[before..] {
            if let Instruction::From(from) = instruction {
                stages.extend(name.take().map(|name| (name, std::mem::take(&mut scope))));
                name.clone_from(&from.name);
                self.from(from, statement, &declared, &defaults);
                scope = self.begin(&expanded(&from.image, escape, &given), &stages);
                continue;
            }
            // Each `ARG` sees those before it, also in the same line.
            if let Instruction::Arg(args) = instruction {
                for (name, default) in args {
                    let one = Instruction::Arg(vec![(name.clone(), default.clone())]);
                    self.undefined(&one, statement, &scope);
                    scope.names.push(name.clone());
                }
                continue;
            }
            self.undefined(instruction, statement, &scope);
            if let Instruction::Env(pairs) = instruction {
                scope.names.extend(pairs.iter().map(|(name, _)| name.clone()));
            }
        }
    }

    /// What a stage has from what it begins with: another stage's, or an image's.
    fn begin(&self, image: &str, stages: &BTreeMap<String, Scope>) -> Scope {
        if let Some(scope) = stages.get(&image.to_lowercase()) {
            return scope.clone();
        }
        let variables = self.asked.bases.get(image);
        let names = variables.into_iter().flatten();
        let names = names.filter_map(|variable| variable.split_once('='));
        let names = names.map(|(name, _)| name.to_owned()).collect();
        Scope { names, whole: variables.is_some() }
    }

    fn from(
        &mut self,
        from: &From,
        statement: &Statement,
        declared: &[String],
        defaults: &BTreeMap<String, String>,
    ) {
        let escape = self.directives.escape;
        let platform = from.platform.as_deref().unwrap_or_default();
        for name in missing(&[&from.image, platform], escape, declared) {
            let near = nearest(&name, declared.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!(" (did you mean {near}?)"));
            let detail = format!("FROM argument '{name}' is not declared{near}");
            self.warn(Rule::UndefinedArgInFrom, statement, detail);
        }
        if from.image.contains('$')
            && ImageName::parse(&expanded(&from.image, escape, defaults)).is_err()
        {
            let detail = format!(
                "Default value for ARG {} results in empty or invalid base image name",
                from.image
            );
            self.warn(Rule::InvalidDefaultArgInFrom, statement, detail);
        }
        if matches!(platform, "$TARGETPLATFORM" | "${TARGETPLATFORM}") {
            let detail = format!(
                "Setting platform to predefined {platform} in FROM is redundant as this is the \
                 default behavior"
            );
            self.warn(Rule::RedundantTargetPlatform, statement, detail);
        }
        let name = from.name.as_deref().unwrap_or_default();
        let named = platform.split('/').any(|part| name.contains(part));
        if !platform.is_empty() && !platform.contains('$') && !named {
            let detail =
                format!("FROM --platform flag should not use constant value \"{platform}\"");
            self.warn(Rule::FromPlatformFlagConstDisallowed, statement, detail);
        }
    }

    fn undefined(&mut self, instruction: &Instruction, statement: &Statement, scope: &Scope) {
        if !scope.whole {
            return;
        }
        let listener = Listener { known: &scope.names, missing: RefCell::default() };
        listen(instruction, self.directives.escape, &listener);
        for name in listener.missing.into_inner() {
            let near = nearest(&name, scope.names.iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!(" (did you mean ${near}?)"));
            let detail = format!("Usage of undefined variable '${name}'{near}");
            self.warn(Rule::UndefinedVar, statement, detail);
        }
    }
}

fn step((statement, instruction): &(&Statement, Instruction)) -> Step {
    let (line, last_line) = (statement.line, statement.last_line);
    Step { line, last_line, text: String::new(), instruction: instruction.clone() }
}

fn missing(words: &[&str], escape: char, known: &[String]) -> Vec<String> {
    let listener = Listener { known, missing: RefCell::default() };
    for word in words {
        // What makes no sense is the build's to refuse.
        let _ = expand(word, escape, &listener, 0);
    }
    listener.missing.into_inner()
}

/// Lets `names` hear of every variable that the instruction is expanded with.
fn listen(instruction: &Instruction, escape: char, names: &dyn Names) {
    let words: Vec<&String> = match instruction {
        Instruction::Env(pairs) | Instruction::Label(pairs) => {
            pairs.iter().flat_map(|(name, value)| [name, value]).collect()
        }
        Instruction::Arg(args) => args.iter().filter_map(|(_, default)| default.as_ref()).collect(),
        Instruction::Expose(words) | Instruction::Volume(words) => words.iter().collect(),
        Instruction::User(word) | Instruction::Workdir(word) | Instruction::Stopsignal(word) => {
            vec![word]
        }
        Instruction::Copy(copy) | Instruction::Add(copy) => of_files(copy),
        Instruction::Run(run) => {
            // What makes no sense is the build's to refuse, here and below.
            for mount in &run.mounts {
                let _ = mount.decide(names, 0);
            }
            Vec::new()
        }
        _ => Vec::new(),
    };
    for word in words {
        let _ = expand(word, escape, names, 0);
    }
}

fn of_files(copy: &Copy) -> Vec<&String> {
    let texts = copy.heredocs.iter().filter(|heredoc| heredoc.expand);
    let texts = texts.map(|heredoc| &heredoc.content);
    let flags = copy.chown.iter().chain(&copy.checksum).chain(&copy.exclude);
    copy.sources.iter().chain([&copy.destination]).chain(flags).chain(texts).collect()
}
