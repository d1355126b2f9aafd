//! The language of Dockerfiles.
//!
//! ```text
//! text --source--> statements (name, text, heredocs, lines) --instruction--> Instruction
//!                                                               |  words: flags, JSON, quoting
//!                                         expand: $variables, when the values are known
//! ```
//!
//! Instructions are kept as written: variables are expanded when a build reaches them, since their
//! values come from the instructions before.

mod expand;
mod fault;
mod flags;
mod glob;
mod healthcheck;
mod heredoc;
mod instruction;
mod mount;
mod source;
mod stages;
mod words;

pub use expand::{Names, expand, expand_text, unquote};
pub use fault::Fault;
pub(crate) use fault::nearest;
pub use flags::Flags;
pub use healthcheck::Healthcheck;
pub use heredoc::Heredoc;
pub(crate) use instruction::statement_command;
pub use instruction::{CommandLine, Copy, From, Instruction, Run, parse_one};
pub use mount::{Mount, MountKind, MountText, Sharing};
pub use source::{Directives, Statement};
pub use stages::{Stage, Step};

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq)]
pub struct Dockerfile {
    /// What its first lines say about itself.
    pub directives: Directives,
    /// `ARG`s before the first `FROM`.
    pub globals: Vec<Step>,
    /// What the `FROM`s begin.
    pub stages: Vec<Stage>,
}

impl Dockerfile {
    /// Reads a Dockerfile; the first fault ends it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (directives, statements) = source::read(text)?;
        stages::group(directives, &statements)
    }

    /// Whether an `ARG` of any stage names this variable.
    pub fn declares(&self, name: &str) -> bool {
        let steps = self.stages.iter().flat_map(|stage| &stage.steps).chain(&self.globals);
        steps.into_iter().any(|step| match &step.instruction {
            Instruction::Arg(args) => args.iter().any(|(arg, _)| arg == name),
            _ => false,
        })
    }
}

/// The statements of a Dockerfile, without asking whether they make sense.
pub fn statements(text: &str) -> Result<(Directives, Vec<Statement>), Fault> {
    source::read(text)
}
