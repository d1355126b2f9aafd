//! How a Dockerfile is written: casing, empty lines, old forms, names that should not be.

use super::{Linter, Rule, Warning};
use crate::dockerfile::{Copy, Instruction, Statement};

/// Words in the names of variables that hold secrets.
const SECRETS: [&str; 10] = [
    "apikey",
    "auth",
    "credential",
    "credentials",
    "key",
    "password",
    "pword",
    "passwd",
    "secret",
    "token",
];

impl Linter<'_> {
    pub(super) fn file(&mut self) {
        self.casing();
        for (statement, instruction) in self.read {
            for line in &statement.gaps {
                let detail = "Empty continuation line".to_owned();
                let (rule, line, last_line) = (Rule::NoEmptyContinuation, *line, *line);
                self.found.push(Warning { rule, detail, line, last_line });
            }
            match instruction {
                Instruction::From(_) => self.stage_name(statement),
                Instruction::Maintainer(_) => {
                    let detail = "Maintainer instruction is deprecated in favor of using label";
                    self.warn(Rule::MaintainerDeprecated, statement, detail.to_owned());
                }
                Instruction::Env(pairs) => {
                    self.old_form(statement);
                    let names = pairs.iter().map(|(name, _)| name.as_str());
                    self.secrets("ENV", names, statement);
                }
                Instruction::Label(_) => self.old_form(statement),
                Instruction::Arg(args) => {
                    let names = args.iter().map(|(name, _)| name.as_str());
                    self.secrets("ARG", names, statement);
                }
                Instruction::Expose(ports) => self.ports(ports, statement),
                Instruction::Copy(copy) if copy.from.is_none() => {
                    self.ignored("Copy", copy, statement);
                }
                Instruction::Add(copy) => self.ignored("Add", copy, statement),
                _ => {}
            }
        }
    }

    /// The case that most instructions are written in is the file's.
    fn casing(&mut self) {
        let in_stages = |(_, instruction): &&(&Statement, Instruction)| {
            !matches!(instruction, Instruction::From(_))
        };
        let globals = self.read.iter().take_while(in_stages).count();
        let read = &self.read[globals..];
        let lower = read.iter().filter(|(statement, _)| is_lower(&statement.keyword)).count();
        let upper = read.iter().filter(|(statement, _)| is_upper(&statement.keyword)).count();
        let (holds, case): (fn(&str) -> bool, _) =
            if lower > upper { (is_lower, "lowercase") } else { (is_upper, "uppercase") };
        for (statement, _) in read.iter().filter(|(statement, _)| !holds(&statement.keyword)) {
            let detail = format!(
                "Command '{}' should match the case of the command majority ({case})",
                statement.keyword
            );
            self.warn(Rule::ConsistentInstructionCasing, statement, detail);
        }
    }

    /// `FROM image AS name`
    fn stage_name(&mut self, statement: &Statement) {
        let words: Vec<&str> = statement.text.split_whitespace().collect();
        let [.., as_, name] = words[..] else { return };
        if !as_.eq_ignore_ascii_case("as") {
            return;
        }
        let from = &statement.keyword;
        if is_upper(from) && !is_upper(as_) || is_lower(from) && !is_lower(as_) {
            let detail = format!("'{as_}' and '{from}' keywords' casing do not match");
            self.warn(Rule::FromAsCasing, statement, detail);
        }
        if name != name.to_lowercase() {
            let detail = format!("Stage name '{name}' should be lowercase");
            self.warn(Rule::StageNameCasing, statement, detail);
        }
        if let Some(reserved) = ["context", "scratch"].iter().find(|r| r.eq_ignore_ascii_case(name))
        {
            let detail =
                format!("Stage name should not use the same name as reserved stage \"{reserved}\"");
            self.warn(Rule::ReservedStageName, statement, detail);
        }
    }

    /// `ENV name value`
    fn old_form(&mut self, statement: &Statement) {
        let first = statement.text.split_whitespace().next().unwrap_or_default();
        if !first.contains('=') {
            let name = &statement.name;
            let detail = format!(
                "\"{name} key=value\" should be used instead of legacy \"{name} key value\" format"
            );
            self.warn(Rule::LegacyKeyValueFormat, statement, detail);
        }
    }

    fn secrets<'n>(
        &mut self,
        what: &str,
        names: impl Iterator<Item = &'n str>,
        statement: &Statement,
    ) {
        for name in names.filter(|name| is_secret(name)) {
            let detail = format!(
                "Do not use ARG or ENV instructions for sensitive data ({what} \"{name}\")"
            );
            self.warn(Rule::SecretsUsedInArgOrEnv, statement, detail);
        }
    }

    fn ports(&mut self, ports: &[String], statement: &Statement) {
        for port in ports.iter().filter(|port| !port.contains('$')) {
            if port.contains(':') {
                let detail = format!(
                    "EXPOSE instruction should not define an IP address or host-port mapping, \
                     found '{port}'"
                );
                self.warn(Rule::ExposeInvalidFormat, statement, detail);
            }
            let protocol = port.split_once('/').map_or("", |(_, protocol)| protocol);
            if protocol != protocol.to_lowercase() {
                let detail =
                    format!("Defined protocol '{port}' in EXPOSE instruction should be lowercase");
                self.warn(Rule::ExposeProtoCasing, statement, detail);
            }
        }
    }

    fn ignored(&mut self, verb: &str, copy: &Copy, statement: &Statement) {
        for source in copy.sources.iter().filter(|source| !source.contains(['$', ':'])) {
            let slashed = source.replace('\\', "/");
            let path = slashed.trim_start_matches("./").trim_start_matches('/');
            if self.asked.ignore.hides(path) {
                let detail = format!(
                    "Attempting to {verb} file \"{source}\" that is excluded by .dockerignore"
                );
                self.warn(Rule::CopyIgnoredFile, statement, detail);
            }
        }
    }
}

/// Whether a word of the name is one of those, and none says that everybody may know.
fn is_secret(name: &str) -> bool {
    let has = |known: &str| name.split('_').any(|word| word.eq_ignore_ascii_case(known));
    SECRETS.into_iter().any(has) && !has("public")
}

fn is_lower(word: &str) -> bool {
    word == word.to_lowercase()
}

fn is_upper(word: &str) -> bool {
    word == word.to_uppercase()
}
