//! Instructions that only change an image's configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::Engine;
use resources::Host;
use serde_json::{Map, Value, json};

use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{CommandLine, Fault, Healthcheck, Instruction, Step, expand};
use crate::error::BuildError;

type Result<T> = std::result::Result<T, BuildError>;

/// What instructions look up beside the image so far.
pub(super) struct Scope<'a> {
    pub(super) escape: char,
    /// Values that were given for `ARG`s.
    pub(super) given: &'a BTreeMap<String, String>,
    pub(super) globals: &'a [(String, String)],
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    /// Does it, or gives `false`: it makes a layer.
    pub(super) fn metadata(&self, state: &mut State, step: &Step) -> Result<bool> {
        let escape = self.file.directives.escape;
        let scope = Scope { escape, given: &self.options.args, globals: self.globals() };
        scope.apply(state, step)
    }

    /// A word with its variables expanded.
    pub(super) fn word(&self, state: &State, text: &str, line: usize) -> Result<String> {
        word(state, self.file.directives.escape, text, line)
    }
}

fn word(state: &State, escape: char, text: &str, line: usize) -> Result<String> {
    let names = |name: &str| state.value(name);
    Ok(expand(text, escape, &names, line)?)
}

impl Scope<'_> {
    fn global(&self, name: &str) -> Option<String> {
        self.globals.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    /// Does it, or gives `false`: it makes a layer.
    pub(super) fn apply(&self, state: &mut State, step: &Step) -> Result<bool> {
        let word = |state: &State, text: &str| word(state, self.escape, text, step.line);
        match &step.instruction {
            Instruction::Env(pairs) => {
                // All of them see what was before the first.
                let values: Result<Vec<_>> = pairs
                    .iter()
                    .map(|(name, value)| Ok((word(state, name)?, word(state, value)?)))
                    .collect();
                for (name, value) in values? {
                    set_env(state, &name, &value);
                }
            }
            Instruction::Arg(args) => {
                for (name, default) in args {
                    let name = word(state, name)?;
                    let default = default.as_ref().map(|text| word(state, text)).transpose()?;
                    let given = self.given.get(&name).cloned();
                    if let Some(value) = given.or(default).or_else(|| self.global(&name)) {
                        state.args.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
                        state.args.push((name, value));
                    }
                }
            }
            Instruction::Label(pairs) => {
                for (name, value) in pairs {
                    let (name, value) = (word(state, name)?, word(state, value)?);
                    state.config.config.labels.get_or_insert_default().insert(name, value);
                }
            }
            Instruction::Maintainer(name) => state.config.author = Some(name.clone()),
            Instruction::Expose(ports) => {
                for port in ports {
                    for port in word(state, port)?.split_whitespace() {
                        let port = exposed(port, step.line)?;
                        let ports = state.config.config.exposed_ports.get_or_insert_default();
                        ports.extend(port.into_iter().map(|port| (port, json!({}))));
                    }
                }
            }
            Instruction::User(user) => state.config.config.user = Some(word(state, user)?),
            Instruction::Volume(paths) => {
                for path in paths {
                    let path = word(state, path)?;
                    state.config.config.volumes.get_or_insert_default().insert(path, json!({}));
                }
            }
            Instruction::Stopsignal(signal) => {
                let signal = word(state, signal)?;
                spec::signal::parse(&signal)
                    .map_err(|error| Fault::new(step.line, error.to_string()))?;
                state.config.config.stop_signal = Some(signal);
            }
            Instruction::Healthcheck(check) => {
                state.config.config.healthcheck = Some(health(check));
            }
            Instruction::Shell(shell) => state.config.config.shell = Some(shell.clone()),
            Instruction::Onbuild(trigger) => {
                state.config.config.on_build.get_or_insert_default().push(trigger.clone());
            }
            Instruction::Cmd(command) => {
                state.config.config.cmd = Some(line(state, command));
                state.has_cmd = true;
            }
            Instruction::Entrypoint(command) => {
                state.config.config.entrypoint = Some(line(state, command));
                if !state.has_cmd {
                    state.config.config.cmd = None;
                }
            }
            Instruction::From(_)
            | Instruction::Run(_)
            | Instruction::Workdir(_)
            | Instruction::Copy(_)
            | Instruction::Add(_) => return Ok(false),
        }
        state.note(step.text.clone(), None);
        Ok(true)
    }
}

/// As docker's older builder writes them, which every reader understands: a shell form is one line,
/// escaped already.
fn line(state: &mut State, command: &CommandLine) -> Vec<String> {
    match command {
        CommandLine::Exec(words) => {
            if !words.is_empty() {
                state.config.config.args_escaped = None;
            }
            words.clone()
        }
        CommandLine::Shell(line) => {
            state.config.config.args_escaped = Some(true);
            vec![format!("{} {line}", state.shell_line())]
        }
    }
}

fn set_env(state: &mut State, name: &str, value: &str) {
    let env = state.config.config.env.get_or_insert_default();
    let entry = format!("{name}={value}");
    let same = |other: &&mut String| {
        other.split_once('=').is_some_and(|(other, _)| other.eq_ignore_ascii_case(name))
    };
    match env.iter_mut().find(same) {
        Some(there) => *there = entry,
        None => env.push(entry),
    }
}

/// `80`, `80-82/udp`
fn exposed(text: &str, line: usize) -> Result<Vec<String>> {
    let bad = || Fault::new(line, format!("invalid port \"{text}\": N, N-M, N/tcp or N/udp"));
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(bad().into());
    }
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |text: &str| text.parse::<u16>().map_err(|_| bad());
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(bad().into());
    }
    Ok((first..=last).map(|port| format!("{port}/{protocol}")).collect())
}

fn health(check: &Healthcheck) -> Value {
    let mut value = Map::new();
    value.insert("Test".to_owned(), json!(check.test));
    let times = [
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ];
    for (name, time) in times {
        let nanoseconds = time.as_ref().map(Duration::as_nanos);
        if let Some(time) = nanoseconds.and_then(|time| u64::try_from(time).ok()) {
            value.insert(name.to_owned(), json!(time));
        }
    }
    if check.retries > 0 {
        value.insert("Retries".to_owned(), json!(check.retries));
    }
    Value::Object(value)
}
