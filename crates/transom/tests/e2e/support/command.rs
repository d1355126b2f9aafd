//! Starting `transom`, with input, output and a limit of time.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::wait::LONG;

/// A command not yet started.
pub(crate) struct Transom {
    command: Command,
    input: Vec<u8>,
    limit: Duration,
}

/// How one ended.
pub(crate) struct Output {
    shown: String,
    status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) time: Duration,
}

impl Transom {
    pub(crate) fn new(command: Command) -> Self {
        Self { command, input: Vec::new(), limit: LONG * 2 }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<S: AsRef<std::ffi::OsStr>>(mut self, arguments: &[S]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What comes from stdin; nothing unless asked for.
    pub(crate) fn input(self, input: impl Into<Vec<u8>>) -> Self {
        Self { input: input.into(), ..self }
    }

    /// How long it may take.
    pub(crate) fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Starts it with the streams that the caller has set up.
    pub(crate) fn start(mut self, set_up: impl FnOnce(&mut Command)) -> Child {
        set_up(&mut self.command);
        self.command.spawn().expect("transom can be started")
    }

    /// Runs it to its end, and panics when that takes too long, or when somebody keeps its
    /// streams open after its end.
    pub(crate) fn output(self) -> Output {
        let (limit, input) = (self.limit, self.input.clone());
        let shown = format!("transom {}", words(&self.command));
        let started = Instant::now();
        let mut child = self.start(|command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        });
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A program may well end without reading all of it.
        std::thread::spawn(move || stdin.write_all(&input));
        let stdout = collect(child.stdout.take().expect("stdout is piped"));
        let stderr = collect(child.stderr.take().expect("stderr is piped"));
        let status = end_of(child, limit);
        let time = started.elapsed();
        let (stdout, stderr) = (all_of(&stdout), all_of(&stderr));
        let Some(status) = status else {
            panic!("{shown}: not over after {limit:?}; {}", streams(&stdout, &stderr));
        };
        Output { shown, status, stdout, stderr, time }
    }

    /// Runs it, and panics when it fails.
    pub(crate) fn succeed(self) -> Output {
        let output = self.output();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// Runs it, and panics when it does not end with this code.
    pub(crate) fn end_with(self, code: i32) -> Output {
        let output = self.output();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        output
    }

    /// Runs it, and panics when it succeeds.
    pub(crate) fn fail(self) -> Output {
        let output = self.output();
        assert!(!output.status.success(), "a success: {output:?}");
        output
    }
}

impl Output {
    /// stdout as text with Unix line ends, without white space around it.
    pub(crate) fn text(&self) -> String {
        text(&self.stdout)
    }

    /// stderr in the same way.
    pub(crate) fn errors(&self) -> String {
        text(&self.stderr)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.text().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}; {}", self.shown, self.status, streams(&self.stdout, &self.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").trim().to_owned()
}

fn words(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Both streams, short enough for a person.
fn streams(stdout: &[u8], stderr: &[u8]) -> String {
    let short = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
        if bytes.len() > 2000 { format!("{text}.. ({} bytes)", bytes.len()) } else { text }
    };
    format!("stdout: {:?}, stderr: {}", short(stdout), short(stderr))
}

fn collect(mut stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes);
        // Nobody listens any more when the test has failed already.
        end.is_ok().then(|| send.send(bytes))
    });
    receive
}

fn all_of(stream: &Receiver<Vec<u8>>) -> Vec<u8> {
    match stream.recv_timeout(LONG) {
        Ok(bytes) => bytes,
        Err(RecvTimeoutError::Timeout) => panic!("somebody keeps a stream of it open"),
        Err(RecvTimeoutError::Disconnected) => panic!("a stream of it cannot be read"),
    }
}

/// Nothing when it had to be killed.
fn end_of(mut child: Child, limit: Duration) -> Option<ExitStatus> {
    let pid = pid(&child);
    let (send, receive) = channel();
    std::thread::spawn(move || send.send(child.wait().expect("a child can be waited for")));
    let status = receive.recv_timeout(limit).ok();
    if status.is_none() {
        // It may have ended this very moment.
        let _ = kill_process(pid, Signal::KILL);
    }
    status
}

/// The pid of a child, for signals.
pub(crate) fn pid(child: &Child) -> Pid {
    let raw = i32::try_from(child.id()).expect("pids are small");
    Pid::from_raw(raw).expect("no child has pid 0")
}
