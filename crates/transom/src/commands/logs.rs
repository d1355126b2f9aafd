//! `logs`

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use crate::cli::container::Logs;
use crate::host::Host;
use crate::monitor::log::{Entry, Follow, Stream, read_all, read_older};
use crate::output;
use crate::settings::time;
use crate::store::Found;

/// `logs`
pub(super) async fn command(host: &Host, args: Logs) -> Result<()> {
    let found = host.find(&args.container).await?;
    if found.record.host_config.log_config.driver == "none" {
        bail!("configured logging driver does not support reading");
    }
    let mut printer = Printer::new(&args)?;
    if args.follow {
        follow(host, &found, printer).await
    } else {
        printer.print_all(&found.folder.log())
    }
}

/// Prints lines until the container has ended, or is gone.
async fn follow(host: &Host, found: &Found, mut printer: Printer) -> Result<()> {
    let log = found.folder.log();
    // Watching begins before the first look, so that nothing falls between the two.
    let mut follow = Follow::open(&log).context("following the log")?;
    printer.holds = printer.tail.is_some();
    read_older(&log, &mut |entry| printer.on(entry)).context("reading the log")?;
    follow.read(&mut |entry| printer.on(entry)).context("reading the log")?;
    printer.let_go();
    loop {
        printer.flush();
        let ended = !runs(host, found);
        follow.read(&mut |entry| printer.on(entry)).context("reading the log")?;
        if ended || printer.past_until {
            printer.flush();
            return Ok(());
        }
        follow.changed().await.context("following the log")?;
    }
}

/// Its monitor writes the last line before it records the end.
fn runs(host: &Host, found: &Found) -> bool {
    let now = host.store.load(&found.record.id);
    now.is_ok_and(|now| now.state.status.is_active() && now.folder.is_held())
}

/// Prints lines as the flags ask.
struct Printer {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    tail: Option<usize>,
    timestamps: bool,
    /// The last lines so far, while it is not known which are the last.
    held: VecDeque<(Stream, String)>,
    holds: bool,
    past_until: bool,
    error: Option<io::Error>,
}

impl Printer {
    fn new(args: &Logs) -> Result<Self> {
        let moment = |text: &Option<String>| text.as_deref().map(time::parse).transpose();
        let tail = match args.tail.as_str() {
            "all" => None,
            // Docker takes a negative number for all.
            text => match text
                .parse::<i64>()
                .with_context(|| format!("invalid value of --tail: \"{text}\""))?
            {
                number if number < 0 => None,
                number => Some(usize::try_from(number).unwrap_or(usize::MAX)),
            },
        };
        Ok(Self {
            since: moment(&args.since)?,
            until: moment(&args.until)?,
            tail,
            timestamps: args.timestamps,
            held: VecDeque::new(),
            holds: tail.is_some(),
            past_until: false,
            error: None,
        })
    }

    fn print_all(&mut self, log: &Path) -> Result<()> {
        read_all(log, &mut |entry| self.on(entry)).context("reading the log")?;
        self.let_go();
        self.flush();
        Ok(())
    }

    fn on(&mut self, entry: &Entry<'_>) {
        if self.until.is_some_and(|until| entry.time > until) {
            self.past_until = true;
            return;
        }
        if self.since.is_some_and(|since| entry.time < since) {
            return;
        }
        let text = if self.timestamps {
            format!("{:.9} {}", entry.time, entry.log)
        } else {
            entry.log.to_string()
        };
        match (self.holds, self.tail) {
            (true, Some(tail)) => {
                self.held.push_back((entry.stream, text));
                if self.held.len() > tail {
                    self.held.pop_front();
                }
            }
            _ => self.write(entry.stream, &text),
        }
    }

    /// The lines that are held are the last ones.
    fn let_go(&mut self) {
        self.holds = false;
        for (stream, text) in std::mem::take(&mut self.held) {
            self.write(stream, &text);
        }
    }

    fn write(&mut self, stream: Stream, text: &str) {
        let written = match stream {
            Stream::Stdout => io::stdout().write_all(text.as_bytes()),
            Stream::Stderr => io::stderr().write_all(text.as_bytes()),
        };
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
    }

    fn flush(&mut self) {
        let flushed = io::stdout().flush();
        output::written(self.error.take().map_or(flushed, Err));
    }
}
