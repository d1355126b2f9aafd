//! Instructions and what each of them takes.

use super::flags::Flags;
use super::healthcheck::{self, Healthcheck};
use super::heredoc::Heredoc;
use super::mount::MountText;
use super::source::Statement;
use super::{Fault, fault, words};

const NAMES: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// One instruction. Words hold their variables, quotes and escapes still.
#[derive(Debug, Clone, PartialEq)]
pub enum Instruction {
    /// Begins a stage.
    From(From),
    /// Runs a program.
    Run(Run),
    /// What containers run.
    Cmd(CommandLine),
    /// What containers always run.
    Entrypoint(CommandLine),
    /// Sets variables of the image.
    Env(Vec<(String, String)>),
    /// Declares variables of the build.
    Arg(Vec<(String, Option<String>)>),
    /// Sets labels.
    Label(Vec<(String, String)>),
    /// Names the author.
    Maintainer(String),
    /// Names ports.
    Expose(Vec<String>),
    /// Changes the working directory.
    Workdir(String),
    /// Changes the account.
    User(String),
    /// Copies files.
    Copy(Copy),
    /// Copies files, fetches and unpacks.
    Add(Copy),
    /// Names paths that become volumes.
    Volume(Vec<String>),
    /// What `stop` sends.
    Stopsignal(String),
    /// How health is found out.
    Healthcheck(Healthcheck),
    /// What a shell form is put into.
    Shell(Vec<String>),
    /// An instruction for builds on top of the image.
    Onbuild(String),
}

impl Instruction {
    /// Whether it makes a layer; the others only change the configuration.
    pub fn makes_layer(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Copy(_) | Self::Add(_) | Self::Workdir(_))
    }
}

/// `FROM`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    /// `--platform`
    pub platform: Option<String>,
    /// An image, a stage or `scratch`.
    pub image: String,
    /// What the stage is called, in lower case.
    pub name: Option<String>,
}

/// A command, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A line for the shell.
    Shell(String),
    /// Program and arguments.
    Exec(Vec<String>),
}

/// `RUN`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What is run.
    pub command: CommandLine,
    /// `--mount`
    pub mounts: Vec<MountText>,
    /// `--network`
    pub network: Option<String>,
    /// `--security`
    pub security: Option<String>,
    /// Texts for the command.
    pub heredocs: Vec<Heredoc>,
}

/// `COPY` and `ADD`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copy {
    /// Paths in the source.
    pub sources: Vec<String>,
    /// Files whose text stands in the Dockerfile.
    pub heredocs: Vec<Heredoc>,
    /// The path in the image.
    pub destination: String,
    /// `--from`
    pub from: Option<String>,
    /// `--chown`
    pub chown: Option<String>,
    /// `--chmod`
    pub chmod: Option<String>,
    /// `--link`
    pub link: bool,
    /// `--parents`
    pub parents: bool,
    /// `--exclude`
    pub exclude: Vec<String>,
    /// `--checksum`
    pub checksum: Option<String>,
    /// `--keep-git-dir`
    pub keep_git_dir: bool,
    /// `--unpack`; decided by the source when not given.
    pub unpack: Option<bool>,
}

type Read<T> = Result<T, String>;

/// Reads one statement.
pub fn parse_one(statement: &Statement, escape: char) -> Result<Instruction, Fault> {
    read(statement, escape).map_err(|rule| Fault::new(statement.line, rule))
}

fn read(statement: &Statement, escape: char) -> Read<Instruction> {
    let name = statement.name.as_str();
    if !NAMES.contains(&name) {
        return Err(format!("unknown instruction: {name}{}", fault::suggestion(name, &NAMES)));
    }
    if statement.text.is_empty() && !matches!(name, "CMD" | "ENTRYPOINT" | "RUN") {
        return Err(format!("{name} requires at least one argument"));
    }
    // Behind ONBUILD stand the flags of another instruction.
    let (flags, text) = match name {
        "ONBUILD" => (Flags::default(), statement.text.clone()),
        _ => Flags::split(&statement.text, escape),
    };
    let text = text.as_str();
    if !matches!(name, "FROM" | "RUN" | "COPY" | "ADD" | "HEALTHCHECK") {
        flags.check(&[], &[])?;
    }
    Ok(match name {
        "FROM" => Instruction::From(from(&flags, text)?),
        "RUN" => Instruction::Run(run(statement, &flags, text)?),
        "CMD" => Instruction::Cmd(command(text)?),
        "ENTRYPOINT" => Instruction::Entrypoint(command(text)?),
        "ENV" => Instruction::Env(words::pairs(name, text, escape)?),
        "LABEL" => Instruction::Label(words::pairs(name, text, escape)?),
        "ARG" => Instruction::Arg(args(text, escape)?),
        "MAINTAINER" => Instruction::Maintainer(text.to_owned()),
        "EXPOSE" => Instruction::Expose(text.split_whitespace().map(str::to_owned).collect()),
        "WORKDIR" => Instruction::Workdir(text.to_owned()),
        "USER" => Instruction::User(text.to_owned()),
        "COPY" => Instruction::Copy(copy(statement, &flags, text, &COPY_FLAGS)?),
        "ADD" => Instruction::Add(copy(statement, &flags, text, &ADD_FLAGS)?),
        "VOLUME" => Instruction::Volume(volumes(text)?),
        "STOPSIGNAL" => Instruction::Stopsignal(text.to_owned()),
        "HEALTHCHECK" => Instruction::Healthcheck(healthcheck::read(&flags, text)?),
        "SHELL" => Instruction::Shell(shell(text)?),
        _ => Instruction::Onbuild(onbuild(statement)?),
    })
}

fn from(flags: &Flags, text: &str) -> Read<From> {
    flags.check(&["platform"], &[])?;
    let words: Vec<&str> = text.split_whitespace().collect();
    let (image, name) = match words[..] {
        [image] => (image, None),
        [image, as_, name] if as_.eq_ignore_ascii_case("as") => (image, Some(stage_name(name)?)),
        _ => return Err("FROM requires either one or three arguments".to_owned()),
    };
    Ok(From { platform: flags.value("platform")?, image: image.to_owned(), name })
}

fn stage_name(name: &str) -> Read<String> {
    let lower = name.to_lowercase();
    let first = lower.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if first && lower.chars().all(rest) {
        return Ok(lower);
    }
    Err(format!(
        "invalid name for build stage: \"{name}\", name can't start with a number or contain symbols"
    ))
}

fn run(statement: &Statement, flags: &Flags, text: &str) -> Read<Run> {
    flags.check(&["mount", "network", "security", "device"], &["mount", "device"])?;
    if !flags.values("device")?.is_empty() {
        return Err("--device is not supported: there is no device to give".to_owned());
    }
    let mounts =
        flags.values("mount")?.iter().map(|text| MountText::read(text)).collect::<Read<_>>()?;
    let network = flags.value("network")?;
    if let Some(other) = network.as_deref().filter(|n| !matches!(*n, "default" | "none" | "host")) {
        return Err(format!("invalid network mode: \"{other}\": default, none or host is wanted"));
    }
    let security = flags.value("security")?;
    if let Some(other) = security.as_deref().filter(|s| !matches!(*s, "sandbox" | "insecure")) {
        return Err(format!("security \"{other}\" is not valid: sandbox or insecure is wanted"));
    }
    if text.is_empty() {
        return Err("RUN requires a command".to_owned());
    }
    let heredocs = statement.heredocs.clone();
    Ok(Run { command: command(text)?, mounts, network, security, heredocs })
}

/// Program and arguments when it is a JSON array, a line for the shell when not.
fn command(text: &str) -> Read<CommandLine> {
    match words::json(text) {
        Some(words) => words.map(CommandLine::Exec),
        None if text.is_empty() => Ok(CommandLine::Exec(Vec::new())),
        None => Ok(CommandLine::Shell(text.to_owned())),
    }
}

/// The command that a statement's text is, its flags taken off.
pub(crate) fn statement_command(statement: &Statement, text: &str) -> Result<CommandLine, Fault> {
    command(text).map_err(|rule| Fault::new(statement.line, rule))
}

fn args(text: &str, escape: char) -> Read<Vec<(String, Option<String>)>> {
    let arg = |word: &String| match word.split_once('=') {
        Some(("", _)) => Err("ARG names can not be blank".to_owned()),
        Some((name, value)) => Ok((name.to_owned(), Some(value.to_owned()))),
        None => Ok((word.clone(), None)),
    };
    words::quoted(text, escape).iter().map(arg).collect()
}

const COPY_FLAGS: [&str; 6] = ["from", "chown", "chmod", "link", "parents", "exclude"];
const ADD_FLAGS: [&str; 7] =
    ["chown", "chmod", "link", "exclude", "checksum", "keep-git-dir", "unpack"];

fn copy(statement: &Statement, flags: &Flags, text: &str, known: &[&str]) -> Read<Copy> {
    flags.check(known, &["exclude"])?;
    let mut words = words::list(text)?;
    if words.len() < 2 {
        return Err(format!(
            "{} requires at least two arguments, but only one was provided. Destination could not \
             be determined",
            statement.name
        ));
    }
    let destination = words.pop().expect("there are two");
    let heredocs = statement.heredocs.clone();
    if heredocs.iter().any(|heredoc| heredoc.word == destination) {
        return Err(format!("{} cannot accept a heredoc as a destination", statement.name));
    }
    words.retain(|word| !heredocs.iter().any(|heredoc| heredoc.word == *word));
    let unpack = flags.value("unpack").ok().flatten().is_some() || flags.is_set("unpack")?;
    Ok(Copy {
        sources: words,
        heredocs,
        destination,
        from: flags.value("from")?,
        chown: flags.value("chown")?,
        chmod: flags.value("chmod")?,
        link: flags.is_set("link")?,
        parents: flags.is_set("parents")?,
        exclude: flags.values("exclude")?,
        checksum: flags.value("checksum")?,
        keep_git_dir: flags.is_set("keep-git-dir")?,
        unpack: if unpack { Some(flags.is_set("unpack")?) } else { None },
    })
}

fn volumes(text: &str) -> Read<Vec<String>> {
    let paths = words::list(text)?;
    if paths.iter().any(|path| path.trim().is_empty()) {
        return Err("VOLUME specified can not be an empty string".to_owned());
    }
    Ok(paths)
}

fn shell(text: &str) -> Read<Vec<String>> {
    let Some(words) = words::json(text) else {
        let hint = if text.contains('\\') { ": a backslash in JSON must be doubled" } else { "" };
        return Err(format!("SHELL requires the arguments to be in JSON form{hint}"));
    };
    let words = words?;
    if words.is_empty() {
        return Err("SHELL requires at least one argument".to_owned());
    }
    Ok(words)
}

fn onbuild(statement: &Statement) -> Read<String> {
    let text = &statement.text;
    let trigger = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
    match trigger.as_str() {
        "ONBUILD" => Err("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed".to_owned()),
        "FROM" | "MAINTAINER" => Err(format!("{trigger} isn't allowed as an ONBUILD trigger")),
        other if !NAMES.contains(&other) => {
            let near = fault::suggestion(other, &NAMES);
            Err(format!("unknown instruction: {other}{near}"))
        }
        _ => {
            let mut trigger = text.clone();
            for heredoc in &statement.heredocs {
                trigger.push('\n');
                trigger.push_str(&heredoc.content);
                trigger.push_str(&heredoc.name);
            }
            Ok(trigger)
        }
    }
}
