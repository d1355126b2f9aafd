//! Starting a program whose output is shown and read at once.
//!
//! For anything simpler there is `xshell`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::Context;

/// How long a program that has ended is listened to, for what it left behind in its pipe.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs it without stdin, passes its stdout on line by line, and gives each line to `read`.
/// Whether it succeeded is the answer. What it started and left behind is not waited for.
pub(crate) fn tee(command: &mut Command, mut read: impl FnMut(&str)) -> anyhow::Result<bool> {
    println!("$ {}", shown(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let lines = lines(child.stdout.take().expect("stdout is piped"));
    let mut ended = None;
    loop {
        match lines.recv_timeout(LAST_WORDS) {
            Ok(line) => {
                let line = line?;
                let line = String::from_utf8_lossy(&line);
                writeln!(std::io::stdout(), "{line}")?;
                read(&line);
            }
            Err(RecvTimeoutError::Timeout) if ended.is_none() => ended = child.try_wait()?,
            // Silent since it had ended.
            Err(_) => return Ok(child.wait()?.success()),
        }
    }
}

/// Read by a thread of its own: the end of a pipe comes when the last who has it is gone.
fn lines(from: impl Read + Send + 'static) -> Receiver<std::io::Result<Vec<u8>>> {
    let (said, heard) = channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(from).split(b'\n');
        lines.try_for_each(|line| said.send(line))
    });
    heard
}

/// The command as a person would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(line: &str) -> (bool, Vec<String>) {
        let mut said = Vec::new();
        let mut command = Command::new("sh");
        let went_well = tee(command.args(["-c", line]), |line| said.push(line.to_owned()));
        (went_well.unwrap(), said)
    }

    #[test]
    fn every_line_is_read_and_a_failure_told() {
        assert_eq!(
            sh("echo one; sleep 1.5; printf two; exit 3"),
            (false, vec!["one".into(), "two".into()])
        );
    }

    #[test]
    fn what_a_program_leaves_behind_is_not_waited_for() {
        let (went_well, said) = sh("sleep 600 & echo $!");
        let still_there = std::path::Path::new("/proc").join(&said[0]).exists();
        let _ = Command::new("kill").arg(&said[0]).status();
        assert!(went_well && still_there);
    }
}
