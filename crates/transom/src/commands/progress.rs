//! How far a transfer is, on stderr.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::sync::Mutex;

use image::{Event, Progress, State};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

const BAR: &str = "{wide_bar} {bytes}/{total_bytes}";
const SPINNER: &str = "{spinner} {bytes}";

/// A bar per layer.
#[derive(Debug, Default)]
pub(super) struct Bars {
    all: MultiProgress,
    layers: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress for Bars {
    fn layer(&self, event: Event<'_>) {
        let id = event.blob.short().to_owned();
        let mut layers = self.layers.lock().expect("drawing a bar does not panic");
        let bar = layers.entry(id).or_insert_with_key(|id| {
            let style =
                ProgressStyle::with_template("{prefix}: {msg:18} {wide_bar} {bytes}/{total_bytes}");
            let style = style.expect("the template is a literal").progress_chars("=> ");
            self.all.add(ProgressBar::new(0).with_style(style).with_prefix(id.clone()))
        });
        bar.set_message(words(event.state));
        if let Some((done, total)) = amount(event.state) {
            bar.set_length(total);
            bar.set_position(done);
        }
        if is_last(event.state) {
            bar.finish();
        }
    }

    fn status(&self, line: &str) {
        // A terminal that is gone shows nothing.
        self.all.println(line).ok();
    }
}

/// The same, with a bar on a terminal for how much of it was read.
pub(super) fn reader(
    from: impl Read + Send + 'static,
    length: Option<u64>,
) -> Box<dyn Read + Send> {
    if !std::io::stderr().is_terminal() {
        return Box::new(from);
    }
    let template = if length.is_some() { BAR } else { SPINNER };
    let style = ProgressStyle::with_template(template).expect("the template is a literal");
    let bar = ProgressBar::new(length.unwrap_or_default()).with_style(style.progress_chars("=> "));
    Box::new(bar.wrap_read(from))
}

/// A line for each step of each layer.
#[derive(Debug, Default)]
pub(super) struct Lines;

impl Progress for Lines {
    fn layer(&self, event: Event<'_>) {
        let begins = amount(event.state).is_none_or(|(done, _)| done == 0);
        if begins {
            eprintln!("{}: {}", event.blob.short(), words(event.state));
        }
    }

    fn status(&self, line: &str) {
        eprintln!("{line}");
    }
}

fn words(state: State) -> &'static str {
    match state {
        State::Waiting => "Waiting",
        State::Exists => "Already exists",
        State::Downloading { .. } => "Downloading",
        State::Downloaded => "Download complete",
        State::Extracting { .. } => "Extracting",
        State::Complete => "Pull complete",
        State::Pushing { .. } => "Pushing",
        State::Pushed => "Pushed",
        State::Mounted => "Mounted",
        State::AlreadyThere => "Layer already exists",
    }
}

fn amount(state: State) -> Option<(u64, u64)> {
    match state {
        State::Downloading { done, total }
        | State::Extracting { done, total }
        | State::Pushing { done, total } => Some((done, total)),
        _ => None,
    }
}

fn is_last(state: State) -> bool {
    matches!(
        state,
        State::Exists | State::Complete | State::Pushed | State::Mounted | State::AlreadyThere
    )
}
