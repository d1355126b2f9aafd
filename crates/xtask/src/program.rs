//! Starting a program whose output is shown and read at once.
//!
//! For anything simpler there is `xshell`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::Context;

/// Runs it without stdin, passes its stdout on line by line, and gives each line to `read`.
/// Whether it succeeded is the answer.
pub(crate) fn tee(command: &mut Command, mut read: impl FnMut(&str)) -> anyhow::Result<bool> {
    println!("$ {}", shown(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        writeln!(std::io::stdout(), "{line}")?;
        read(&line);
    }
    Ok(child.wait()?.success())
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}
