//! Where a shim's log lines go: into the pipe that containerd reads, else to stderr, which is the
//! bundle's `panic.log`.

use std::io::{self, Write};

use anyhow::bail;
use engine::pipes::LogPipe;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::Flags;
use crate::proto::Options;
use crate::proto::options::DebugType;

/// Starts logging. What containerd's pipe does not take at once is lost: a log stops no container.
pub(super) fn start(options: &Options, flags: &Flags) -> anyhow::Result<()> {
    match options.debug_type.enum_value() {
        Ok(DebugType::NPIPE) => {}
        Ok(other) => bail!("debug_type = {other:?}: this runtime logs to containerd's pipe, NPIPE"),
        Err(other) => bail!("debug_type = {other}: this runtime logs to containerd's pipe, NPIPE"),
    }
    let level = level(options, flags.debug)?;
    // Another subscriber is there only in tests.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .with_writer(Target { pipe: engine::pipes::open_log(&flags.namespace, &flags.id).ok() })
        .try_init();
    for option in crate::options::unused(options) {
        tracing::warn!(option, "this option changes nothing");
    }
    if options.debug && !options.log_level.is_empty() {
        tracing::warn!(level = options.log_level, "both debug and log_level are set; this holds");
    }
    Ok(())
}

fn level(options: &Options, debug: bool) -> anyhow::Result<Level> {
    Ok(match options.log_level.to_ascii_lowercase().as_str() {
        "trace" => Level::TRACE,
        "debug" => Level::DEBUG,
        "info" => Level::INFO,
        "error" | "fatal" | "panic" => Level::ERROR,
        "" if debug || options.debug => Level::DEBUG,
        "warn" | "warning" | "" => Level::WARN,
        other => bail!(
            "log_level = {other:?}: it must be trace, debug, info, warn, error, fatal or panic"
        ),
    })
}

/// One of the two places.
struct Target {
    pipe: Option<LogPipe>,
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
        pipe.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The level and the sink.
    #[test]
    fn a_level_overrides_debug_and_one_that_is_none_is_refused() {
        let with = |debug, log_level: &str| Options {
            debug,
            log_level: log_level.to_owned(),
            ..Options::default()
        };
        assert_eq!(level(&with(false, ""), false).unwrap(), Level::WARN);
        assert_eq!(level(&with(true, ""), false).unwrap(), Level::DEBUG);
        assert_eq!(level(&with(true, "Info"), false).unwrap(), Level::INFO);
        assert_eq!(level(&with(false, "panic"), true).unwrap(), Level::ERROR);
        let refused = level(&with(false, "loud"), false).unwrap_err().to_string();
        assert!(refused.contains("\"loud\""), "{refused}");
        let mut options = with(false, "");
        options.debug_type = protobuf::EnumOrUnknown::new(DebugType::ETW);
        let refused = start(&options, &Flags::default()).unwrap_err().to_string();
        assert!(refused.contains("debug_type = ETW"), "{refused}");
    }
}
