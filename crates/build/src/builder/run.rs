//! `RUN`: what is run, and what of it makes its layer another one.

use engine::Engine;
use resources::Host;
use serde_json::json;

use super::layers::{Work, working_dir};
use super::mounts::{Mounts, Wanted};
use super::stages::Stages;
use super::state::State;
use crate::dockerfile::{CommandLine, Fault, Heredoc, Run, Step};
use crate::error::Cause;
use crate::executor::{Meta, NetMode};
use crate::paths;

type Result<T> = std::result::Result<T, Cause>;

/// Variables that every `RUN` sees without an `ARG`, and that make no difference to its layer.
pub(super) const PROXIES: [&str; 5] =
    ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/// The build argument that names the computer.
const HOST_NAME: &str = "BUILDKIT_SANDBOX_HOSTNAME";

/// A decided `RUN`.
pub(super) struct Running {
    pub(super) meta: Meta,
    pub(super) mounts: Mounts,
    /// Variables that are no part of what the layer is.
    pub(super) proxies: Vec<String>,
}

/// What a heredoc makes of a command.
enum Command {
    Exec(Vec<String>),
    /// A raw command line.
    Line(String),
    /// The same, with the text of a batch file for a place in the container.
    Batch {
        line: String,
        place: String,
        text: String,
    },
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    pub(super) async fn run(
        &self,
        state: &State,
        at: usize,
        run: &Run,
        step: &Step,
    ) -> Result<(Work, String)> {
        let refuse = |rule: &str| Err(Cause::Fault(Fault::new(step.line, rule)));
        if run.security.as_deref() == Some("insecure") {
            return refuse("no support for running in insecure mode on Windows");
        }
        if run.network.as_deref() == Some("host") {
            return refuse(
                "RUN --network=host: unknown network mode HOST: Windows has no host network",
            );
        }
        if state.layers.is_empty() {
            return refuse("RUN needs a Windows to run on: FROM scratch has none");
        }
        let none = self.options.no_network || run.network.as_deref() == Some("none");
        let mut meta = Meta {
            env: state.environment(),
            cwd: format!("C:{}", paths::workdir(&working_dir(state), "")?),
            user: state.config.config.user.clone().unwrap_or_default(),
            hostname: self.options.args.get(HOST_NAME).cloned().unwrap_or_default(),
            network: if none { NetMode::None } else { NetMode::Default },
            hosts: self.options.hosts.clone(),
            ..Meta::default()
        };
        let mut mounts = self.mounts(state, at, run, step).await?;
        match command(state, run).map_err(|rule| Fault::new(step.line, rule))? {
            Command::Exec(words) => meta.args = words,
            Command::Line(line) => meta.command_line = line,
            Command::Batch { line, place, text } => {
                meta.command_line = line;
                mounts.key.push(json!(["script", place, text]));
                mounts.wanted.push(Wanted::script(place, text));
            }
        }
        let running = Running { meta, mounts, proxies: self.proxies() };
        Ok((Work::Run(Box::new(running)), told(state, run)))
    }

    /// Those that were given as build arguments, in the two spellings that programs look for.
    fn proxies(&self) -> Vec<String> {
        let mut found = Vec::new();
        for name in PROXIES {
            let given = [name.to_owned(), name.to_ascii_lowercase()]
                .into_iter()
                .find_map(|name| self.options.args.get(&name));
            found.extend(given.map(|value| format!("{name}={value}")));
        }
        found
    }
}

/// A `RUN` as the history tells it.
fn told(state: &State, run: &Run) -> String {
    let mut by = String::from("RUN ");
    if !state.args.is_empty() {
        by = format!("RUN |{} ", state.args.len());
        for (name, value) in &state.args {
            by.extend([name, "=", value, " "]);
        }
    }
    by.extend([&shell_line(state, run), " # buildkit"]);
    by
}

/// The command as one line, for people.
pub(super) fn shell_line(state: &State, run: &Run) -> String {
    match &run.command {
        CommandLine::Exec(words) => words.join(" "),
        CommandLine::Shell(line) => {
            let line = match only_heredoc(line, &run.heredocs) {
                Some(heredoc) => heredoc.content.trim_end(),
                None => line,
            };
            format!("{} {line}", state.shell_line())
        }
    }
}

fn command(state: &State, run: &Run) -> std::result::Result<Command, String> {
    let line = match &run.command {
        CommandLine::Exec(words) if words.is_empty() => return Err("RUN requires a command".into()),
        CommandLine::Exec(words) => return Ok(Command::Exec(words.clone())),
        CommandLine::Shell(line) => line,
    };
    let shell = state.shell_line();
    let in_shell = |text: &str| Command::Line(format!("{shell} {text}"));
    if run.heredocs.is_empty() {
        return Ok(in_shell(line));
    }
    let is_cmd = is_cmd(&state.shell());
    match only_heredoc(line, &run.heredocs) {
        Some(heredoc) if heredoc.content.starts_with("#!") => {
            Err("a heredoc that begins with #! is no program on Windows: name its shell with SHELL"
                .to_owned())
        }
        // cmd takes one line only, and would pass over the others without a word.
        Some(heredoc) if is_cmd && heredoc.content.trim_end().contains('\n') => {
            Ok(batch(&shell, &heredoc.content))
        }
        Some(heredoc) => Ok(in_shell(heredoc.content.trim_end_matches('\n'))),
        None if is_cmd => {
            Err("cmd knows no heredocs: write `RUN <<EOF` and nothing behind it, or \
                               name a shell that does with SHELL"
                .to_owned())
        }
        None => Ok(in_shell(&with_bodies(line, &run.heredocs))),
    }
}

/// The heredoc, when the command is nothing else.
fn only_heredoc<'a>(line: &str, heredocs: &'a [Heredoc]) -> Option<&'a Heredoc> {
    match heredocs {
        [heredoc] if heredoc.word == line.trim() => Some(heredoc),
        _ => None,
    }
}

fn is_cmd(shell: &[String]) -> bool {
    let program = shell.first().map_or("", String::as_str);
    let name = program.rsplit(['\\', '/']).next().unwrap_or(program).to_ascii_lowercase();
    matches!(name.as_str(), "cmd" | "cmd.exe")
}

/// Several lines become a batch file, which runs them one after the other.
fn batch(shell: &str, content: &str) -> Command {
    let text = format!("@echo off\r\n{}", content.replace("\r\n", "\n").replace('\n', "\r\n"));
    let digest = image::Digest::of(text.as_bytes());
    let place = format!(r"C:\Windows\Temp\heredoc-{}.cmd", &digest.hex()[..12]);
    Command::Batch { line: format!("{shell} {place}"), place, text }
}

/// The text as it stood in the Dockerfile, for a shell that reads heredocs itself.
fn with_bodies(line: &str, heredocs: &[Heredoc]) -> String {
    let mut text = line.to_owned();
    for heredoc in heredocs {
        text.extend(["\n", heredoc.content.as_str(), heredoc.name.as_str()]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::{Dockerfile, Instruction};

    fn decided(text: &str, shell: Option<&[&str]>) -> std::result::Result<Command, String> {
        let file = Dockerfile::parse(&format!("FROM x\n{text}")).unwrap();
        let Instruction::Run(run) = &file.stages[0].steps[0].instruction else { panic!("no RUN") };
        let mut state = State::default();
        state.config.config.shell =
            shell.map(|words| words.iter().map(ToString::to_string).collect());
        command(&state, run)
    }

    fn line(text: &str, shell: Option<&[&str]>) -> String {
        match decided(text, shell).unwrap() {
            Command::Line(line) => line,
            Command::Exec(_) | Command::Batch { .. } => panic!("no line"),
        }
    }

    #[test]
    fn a_heredoc_of_one_line_is_the_shells_argument() {
        let text = "RUN <<EOF\n(echo i am&echo done)> C:\\dest\nEOF\n";
        assert_eq!(line(text, None), r"cmd /S /C (echo i am&echo done)> C:\dest");
        let shell = ["powershell", "-Command"];
        let text = "RUN <<EOF\n$a = 1\nWrite-Host $a\nEOF\n";
        assert_eq!(line(text, Some(&shell)), "powershell -Command $a = 1\nWrite-Host $a");
    }

    #[test]
    fn a_shell_whose_path_has_blanks_is_quoted_once() {
        for (program, wanted) in [
            ("C:/Program Files/pwsh.exe", "\"C:/Program Files/pwsh.exe\" -c x"),
            ("\"C:/Program Files/pwsh.exe\"", "\"C:/Program Files/pwsh.exe\" -c x"),
            ("C:/pwsh.exe -NoLogo", "C:/pwsh.exe -NoLogo -c x"),
        ] {
            assert_eq!(line("RUN x\n", Some(&[program, "-c"])), wanted);
        }
    }

    #[test]
    fn several_lines_for_cmd_are_a_batch_file() {
        let Command::Batch { line, place, text } =
            decided("RUN <<EOF\necho a\necho b\nEOF\n", None).unwrap()
        else {
            panic!("no batch file")
        };
        assert_eq!(text, "@echo off\r\necho a\r\necho b\r\n");
        assert_eq!(line, format!("cmd /S /C {place}"));
    }

    /// `RunFakeHeredoc` among it.
    #[test]
    fn what_cmd_cannot_do_with_a_heredoc_is_refused() {
        let rule = |text| decided(text, None).err().unwrap();
        assert!(rule("RUN python <<EOF\nx\nEOF\n").contains("cmd knows no heredocs"));
        assert!(rule("RUN <<EOF\n#!/bin/sh\nx\nEOF\n").contains("#!"));
        let shell = ["bash.exe", "-c"];
        assert_eq!(line("RUN cat <<A\nx\nA\n", Some(&shell)), "bash.exe -c cat <<A\nx\nA");
    }
}
