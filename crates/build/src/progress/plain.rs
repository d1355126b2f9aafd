//! Lines, as `BuildKit` prints them without a terminal: each with the number of its step.

use std::io::Write;

use super::{Display, Event, Vertex, since};

/// Prints lines.
pub struct Plain<W>(W);

impl<W: Write + Send> Plain<W> {
    /// To `out`.
    pub fn to(out: W) -> Self {
        Self(out)
    }
}

impl<W: Write + Send> Display for Plain<W> {
    fn step(&mut self, step: &Vertex, event: Event<'_>) {
        let (number, time) = (step.number, since(step.began));
        self.text(&match event {
            Event::Started => format!("#{number} {}\n", step.name),
            Event::Line { text, .. } => format!("#{number} {time:.3} {text}\n"),
            Event::Done => format!("#{number} DONE {time:.1}s\n\n"),
            Event::Cached => format!("#{number} CACHED\n\n"),
            Event::Failed(why) => format!("#{number} ERROR: {why}\n"),
        });
    }

    fn text(&mut self, text: &str) {
        // Nobody to tell when it is gone.
        let _ = self.0.write_all(text.as_bytes()).and_then(|()| self.0.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::super::Progress;
    use super::super::tests::Written;
    use super::*;
    use crate::executor::Output;

    #[test]
    fn steps_have_numbers_times_and_ends() {
        let out = Written::default();
        let progress = Progress::new(Plain::to(out.clone()));
        let (one, two) = (progress.step("one"), progress.step("two"));
        one.write(false, b"hello\n");
        two.cached();
        one.done();
        let text = out.text();
        let parts = ["#1 one\n", "#2 two\n", "#1 0.0", " hello\n", "#2 CACHED\n", "#1 DONE 0."];
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}
