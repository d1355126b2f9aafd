//! Where a shim's log lines go: into the pipe that containerd reads, else to stderr, which is the
//! bundle's `panic.log`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::proto::Options;

/// Starts logging. What containerd's pipe does not take at once is lost: a log stops no container.
pub(super) fn start(options: &Options, debug: bool) {
    let level = level(options, debug);
    // Another subscriber is there only in tests.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .with_writer(Target::open(Path::new("log")))
        .try_init();
}

fn level(options: &Options, debug: bool) -> Level {
    match options.log_level.to_ascii_lowercase().as_str() {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "info" => Level::INFO,
        "error" | "fatal" | "panic" => Level::ERROR,
        _ if debug || options.debug => Level::DEBUG,
        _ => Level::WARN,
    }
}

/// One of the two places.
struct Target {
    pipe: Option<Mutex<File>>,
}

impl Target {
    fn open(pipe: &Path) -> Self {
        Self { pipe: engine::pipes::open_log(pipe).ok().map(Mutex::new) }
    }
}

impl<'a> MakeWriter<'a> for Target {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

struct Line<'a>(&'a Target);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(pipe) = &self.0.pipe else { return io::stderr().write(bytes) };
        let mut pipe = pipe.lock().expect("no holder of this lock panics");
        let _ = pipe.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
