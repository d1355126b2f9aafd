//! From statements to stages.

use super::source::{Directives, Statement};
use super::{Dockerfile, Fault, From, Instruction, parse_one};

/// What a `FROM` begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// The line of its `FROM`.
    pub line: usize,
    /// Its `FROM`.
    pub from: From,
    /// What follows.
    pub steps: Vec<Step>,
}

/// An instruction with where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its first line.
    pub line: usize,
    /// Its last line.
    pub last_line: usize,
    /// As it was written, continued lines joined.
    pub text: String,
    /// What it is.
    pub instruction: Instruction,
}

impl Step {
    /// Reads one statement.
    pub(super) fn of(statement: &Statement, escape: char) -> Result<Self, Fault> {
        Ok(Self {
            line: statement.line,
            last_line: statement.last_line,
            text: format!("{} {}", statement.name, statement.text).trim_end().to_owned(),
            instruction: parse_one(statement, escape)?,
        })
    }
}

pub(super) fn group(directives: Directives, statements: &[Statement]) -> Result<Dockerfile, Fault> {
    let (mut globals, mut stages): (Vec<Step>, Vec<Stage>) = (Vec::new(), Vec::new());
    for statement in statements {
        let step = Step::of(statement, directives.escape)?;
        match (&step.instruction, stages.last_mut()) {
            (Instruction::From(from), _) => {
                stages.push(Stage { line: step.line, from: from.clone(), steps: Vec::new() });
            }
            (_, Some(stage)) => stage.steps.push(step),
            (Instruction::Arg(_), None) => globals.push(step),
            (_, None) => {
                let name = &statement.name;
                let rule = format!("no build stage in current context: {name} stands before FROM");
                return Err(Fault::new(step.line, rule));
            }
        }
    }
    if stages.is_empty() {
        return Err(Fault::new(0, "file with no instructions: there is no FROM"));
    }
    Ok(Dockerfile { directives, globals, stages })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::CommandLine;

    fn fault(text: &str) -> String {
        Dockerfile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn instructions_belong_to_the_from_before_them() {
        let file = Dockerfile::parse(
            "ARG v=1\nFROM --platform=windows/amd64 a:$v AS Build\nRUN [\"a\", \"b c\"]\nfrom build\nCOPY --from=build x y z/\nCMD\nENTRYPOINT a  b\n",
        )
        .unwrap();
        assert_eq!((file.globals.len(), file.stages.len()), (1, 2));
        assert_eq!(file.stages[0].from.name.as_deref(), Some("build"));
        let Instruction::Run(run) = &file.stages[0].steps[0].instruction else { panic!() };
        assert_eq!(run.command, CommandLine::Exec(vec!["a".to_owned(), "b c".to_owned()]));
        let Instruction::Copy(copy) = &file.stages[1].steps[0].instruction else { panic!() };
        assert_eq!((copy.sources.len(), copy.destination.as_str()), (2, "z/"));
        assert_eq!(file.stages[1].steps[2].line, 7);
    }

    /// `DockerfileInvalidInstruction` among it.
    #[test]
    fn faults_name_their_line_and_what_was_meant() {
        let table = [
            ("FROM a\nCPY x y", "dockerfile line 2: unknown instruction: CPY (did you mean COPY?)"),
            (
                "RUN a",
                "dockerfile line 1: no build stage in current context: RUN stands before FROM",
            ),
            ("FROM a\nRUN --mont=x a", "unknown flag: --mont (did you mean mount?)"),
            ("FROM a b", "FROM requires either one or three arguments"),
            ("FROM a AS 1x", "invalid name for build stage"),
            ("FROM a\nSHELL cmd \\S", "must be doubled"),
            ("FROM a\nCOPY x", "requires at least two arguments"),
            ("FROM a\nENV a", "ENV must have two arguments"),
            ("FROM a\nLABEL a=b c", "can't find = in \"c\""),
            ("FROM a\nCMD [1]", "only string type"),
            ("FROM a\nONBUILD FROM b", "FROM isn't allowed as an ONBUILD trigger"),
            ("FROM a\nHEALTHCHECK --interval=1us CMD x", "cannot be less than 1ms"),
            ("FROM a\nVOLUME [\" \"]", "can not be an empty string"),
            ("FROM a\nUSER --x y", "unknown flag: --x"),
            ("", "no FROM"),
        ];
        for (text, wanted) in table {
            assert!(fault(text).contains(wanted), "{text}: {}", fault(text));
        }
    }
}
