//! Progress of a build: steps that begin, say something, and end.
//!
//! [`Progress`] and [`Step`] are what the builder speaks to; a [`Display`] shows what it hears:
//! [`Plain`] in lines, [`Raw`] as `BuildKit`'s status messages in JSON, [`Tty`] on a terminal.

mod plain;
mod raw;
mod tty;

use std::sync::{Arc, Mutex, PoisonError};

use image::Digest;
use jiff::Timestamp;

use crate::executor::Output;

pub use plain::Plain;
pub use raw::Raw;
pub use tty::Tty;

/// How much of a step's output is kept for telling of its failure.
const KEPT: usize = 256 << 10;

/// What is shown of a step.
#[derive(Debug, Clone)]
pub struct Vertex {
    /// From 1, in the order in which they began.
    pub number: usize,
    /// A name that no other step of any build has.
    pub digest: Digest,
    /// What it is called.
    pub name: String,
    /// When it began.
    pub began: Timestamp,
}

/// What happens to a step.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// It begins.
    Started,
    /// It said a line, or what it had begun of one when it ended.
    Line {
        /// On stderr.
        stderr: bool,
        /// Without its end.
        text: &'a str,
    },
    /// It has been done.
    Done,
    /// It had been done before.
    Cached,
    /// It failed.
    Failed(&'a str),
}

/// Shows progress.
pub trait Display: Send {
    /// Something happened to a step.
    fn step(&mut self, step: &Vertex, event: Event<'_>);
    /// Something that belongs to no step.
    fn text(&mut self, text: &str);
    /// Time has passed.
    fn tick(&mut self) {}
    /// There is no more to come.
    fn end(&mut self) {}
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Display for Quiet {
    fn step(&mut self, _: &Vertex, _: Event<'_>) {}
    fn text(&mut self, _: &str) {}
}

/// Where progress goes.
#[derive(Clone)]
pub struct Progress {
    display: Arc<Mutex<Box<dyn Display>>>,
    steps: Arc<Mutex<usize>>,
    seed: Arc<str>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

/// A step that is being done.
#[derive(Debug, Clone)]
pub struct Step {
    vertex: Arc<Vertex>,
    progress: Progress,
    said: Arc<Mutex<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    lines: [Vec<u8>; 2],
    kept: Vec<u8>,
}

impl Progress {
    /// To this display.
    pub fn new(display: impl Display + 'static) -> Self {
        Self {
            display: Arc::new(Mutex::new(Box::new(display))),
            steps: Arc::default(),
            seed: uuid::Uuid::new_v4().to_string().into(),
        }
    }

    /// Begins a step.
    pub fn step(&self, title: &str) -> Step {
        let number = {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            *steps += 1;
            *steps
        };
        let vertex = Vertex {
            number,
            digest: Digest::of(format!("{} {number}", self.seed).as_bytes()),
            name: title.lines().next().unwrap_or_default().to_owned(),
            began: Timestamp::now(),
        };
        let (progress, said) = (self.clone(), Arc::default());
        let step = Step { vertex: Arc::new(vertex), progress, said };
        step.tell(Event::Started);
        step
    }

    /// Shows something that belongs to no step.
    pub fn print(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.shown(|display| display.text(text));
    }

    /// Lets a display show that time passes.
    pub fn tick(&self) {
        self.shown(|display| display.tick());
    }

    /// There is no more to come.
    pub fn end(&self) {
        self.shown(|display| display.end());
    }

    fn shown(&self, show: impl FnOnce(&mut dyn Display)) {
        show(&mut **self.display.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Step {
    /// It has been done.
    pub fn done(&self) {
        self.flush();
        self.tell(Event::Done);
    }

    /// It had been done before.
    pub fn cached(&self) {
        self.tell(Event::Cached);
    }

    /// It failed. Gives what it said.
    pub fn failed(&self, why: &str) -> String {
        self.flush();
        self.tell(Event::Failed(why));
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said.kept).into_owned()
    }

    fn tell(&self, event: Event<'_>) {
        self.progress.shown(|display| display.step(&self.vertex, event));
    }

    fn flush(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for stderr in [false, true] {
            let line = std::mem::take(&mut said.lines[usize::from(stderr)]);
            if !line.is_empty() {
                self.line(&mut said, stderr, &line);
            }
        }
    }

    fn line(&self, said: &mut Said, stderr: bool, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        said.kept.extend(format!("{:.3} {text}\n", since(self.vertex.began)).bytes());
        let over = said.kept.len().saturating_sub(KEPT);
        said.kept.drain(..over);
        self.tell(Event::Line { stderr, text: &text });
    }
}

impl Output for Step {
    fn write(&self, stderr: bool, bytes: &[u8]) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            match byte {
                b'\r' => {}
                b'\n' => {
                    let line = std::mem::take(&mut said.lines[usize::from(stderr)]);
                    self.line(&mut said, stderr, &line);
                }
                other => {
                    let line = &mut said.lines[usize::from(stderr)];
                    line.push(*other);
                    // What never ends a line shall not fill the memory.
                    if line.len() >= KEPT {
                        let line = std::mem::take(line);
                        self.line(&mut said, stderr, &line);
                    }
                }
            }
        }
    }
}

/// Seconds since then.
fn since(then: Timestamp) -> f64 {
    Timestamp::now().duration_since(then).as_secs_f64().max(0.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{self, Write};

    use super::*;

    /// What was written, for tests to look at.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn a_failed_step_gives_back_what_it_said_with_the_line_that_it_had_begun() {
        let progress = Progress::new(Quiet);
        let step = progress.step("[1/2] RUN x\nmore");
        step.write(false, b"one\r\ntw");
        step.write(true, b"no end");
        step.write(false, b"o\n");
        let said = step.failed("why");
        let words: Vec<_> = said.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(words, ["one", "two", "no end"]);
    }

    #[test]
    fn a_line_without_an_end_does_not_grow_for_ever() {
        let step = Progress::new(Quiet).step("x");
        for _ in 0..40 {
            step.write(false, &[b'x'; 16 << 10]);
        }
        let said = step.said.lock().unwrap();
        assert!(said.lines[0].len() < KEPT && said.kept.len() <= KEPT);
    }
}
