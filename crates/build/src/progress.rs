//! Progress as `BuildKit` prints it without a terminal: numbered steps, what they say, their times.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::executor::Output;

/// How much of a step's output is kept for telling of its failure.
const KEPT: usize = 256 << 10;

/// Where progress goes.
#[derive(Clone)]
pub struct Progress {
    out: Arc<Mutex<Box<dyn Write + Send>>>,
    steps: Arc<Mutex<usize>>,
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

/// A step that is being done.
#[derive(Debug, Clone)]
pub struct Step {
    number: usize,
    began: Instant,
    progress: Progress,
    said: Arc<Mutex<Said>>,
}

#[derive(Debug, Default)]
struct Said {
    lines: [Vec<u8>; 2],
    kept: Vec<u8>,
}

impl Progress {
    /// To `out`.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self { out: Arc::new(Mutex::new(Box::new(out))), steps: Arc::default() }
    }

    /// Begins a step.
    pub fn step(&self, title: &str) -> Step {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        *steps += 1;
        let step = Step {
            number: *steps,
            began: Instant::now(),
            progress: self.clone(),
            said: Arc::default(),
        };
        self.print(&format!("#{} {}\n", step.number, title.lines().next().unwrap_or_default()));
        step
    }

    /// Prints something that belongs to no step.
    pub fn print(&self, text: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody to tell when it is gone.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl Step {
    /// It has been done.
    pub fn done(&self) {
        self.flush();
        let time = self.began.elapsed().as_secs_f64();
        self.progress.print(&format!("#{} DONE {time:.1}s\n\n", self.number));
    }

    /// It had been done before.
    pub fn cached(&self) {
        self.progress.print(&format!("#{} CACHED\n\n", self.number));
    }

    /// It failed. Gives what it said.
    pub fn failed(&self, why: &str) -> String {
        self.flush();
        self.progress.print(&format!("#{} ERROR: {why}\n", self.number));
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said.kept).into_owned()
    }

    fn flush(&self) {
        for stderr in [false, true] {
            let unfinished = {
                let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                !said.lines[usize::from(stderr)].is_empty()
            };
            if unfinished {
                self.write(stderr, b"\n");
            }
        }
    }
}

impl Output for Step {
    fn write(&self, stderr: bool, bytes: &[u8]) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            let line = &mut said.lines[usize::from(stderr)];
            match byte {
                b'\r' => {}
                b'\n' => {
                    let line = std::mem::take(line);
                    let time = self.began.elapsed().as_secs_f64();
                    let text = format!("{time:.3} {}\n", String::from_utf8_lossy(&line));
                    self.progress.print(&format!("#{} {text}", self.number));
                    said.kept.extend(text.as_bytes());
                    let over = said.kept.len().saturating_sub(KEPT);
                    said.kept.drain(..over);
                }
                other => line.push(*other),
            }
        }
    }
}
