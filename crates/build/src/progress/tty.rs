//! Steps on a terminal: a line each with its time, below those that run the end of what they said.
//!
//! What has ended scrolls away above; what runs is drawn anew whenever something happens, below it.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;

use jiff::Timestamp;

use super::{Display, Event, Vertex, since};

/// How many lines of a running step are shown.
const TAIL: usize = 6;
/// What a terminal that does not tell its size is taken for.
const SIZE: (usize, usize) = (80, 24);

/// Draws on a terminal.
pub struct Tty<W> {
    out: W,
    /// Columns and rows, asked each time: terminals change their size.
    size: Box<dyn Fn() -> Option<(u16, u16)> + Send>,
    began: Timestamp,
    running: BTreeMap<usize, Running>,
    ended: usize,
    /// How many lines are drawn that will be drawn again.
    drawn: usize,
}

struct Running {
    vertex: Vertex,
    tail: VecDeque<String>,
}

impl<W: Write + Send> Tty<W> {
    /// On `out`, whose columns and rows `size` tells.
    pub fn on(out: W, size: impl Fn() -> Option<(u16, u16)> + Send + 'static) -> Self {
        Self {
            out,
            size: Box::new(size),
            began: Timestamp::now(),
            running: BTreeMap::new(),
            ended: 0,
            drawn: 0,
        }
    }

    fn size(&self) -> (usize, usize) {
        let told = (self.size)().map(|(columns, rows)| (columns.into(), rows.into()));
        told.filter(|(columns, rows)| *columns > 20 && *rows > 4).unwrap_or(SIZE)
    }

    /// Prints `above` for good, and what runs below it.
    fn draw(&mut self, above: &str) {
        let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
        // Without line wrap a long line cannot upset the counting.
        let mut text = format!("{up}\r\x1b[J\x1b[?7l{above}");
        let lines = self.lines();
        self.drawn = lines.len();
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str("\x1b[?7h");
        self.write(&text);
    }

    fn lines(&self) -> Vec<String> {
        let (columns, rows) = self.size();
        if self.running.is_empty() {
            return Vec::new();
        }
        let total = self.ended + self.running.len();
        let head = format!("[+] Building {:.1}s ({}/{total})", since(self.began), self.ended);
        let mut lines = vec![cut(&head, columns)];
        // A step's own line comes before the end of what it said, should there be too few rows.
        let room = rows.saturating_sub(2 + self.running.len());
        let each = (room / self.running.len()).min(TAIL);
        for Running { vertex, tail } in self.running.values() {
            lines.push(line(&vertex.name, since(vertex.began), columns));
            let from = tail.len().saturating_sub(each);
            lines.extend(tail.iter().skip(from).map(|text| {
                format!("\x1b[2m{}\x1b[0m", cut(&format!(" => => # {text}"), columns))
            }));
        }
        lines.truncate(rows.saturating_sub(1));
        lines
    }

    fn ended(&mut self, step: &Vertex, before: &str, colour: &str) {
        let name = format!("{before}{}", step.name);
        let line = line(&name, since(step.began), self.size().0);
        self.running.remove(&step.number);
        self.ended += 1;
        self.draw(&format!("\x1b[{colour}m{line}\x1b[0m\n"));
    }

    fn write(&mut self, text: &str) {
        // Nobody to tell when it is gone.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

impl<W: Write + Send> Display for Tty<W> {
    fn step(&mut self, step: &Vertex, event: Event<'_>) {
        match event {
            Event::Started => {
                let running = Running { vertex: step.clone(), tail: VecDeque::new() };
                self.running.insert(step.number, running);
                self.draw("");
            }
            Event::Line { text, .. } => {
                if let Some(running) = self.running.get_mut(&step.number) {
                    if running.tail.len() == TAIL {
                        running.tail.pop_front();
                    }
                    running.tail.push_back(harmless(text));
                }
            }
            Event::Done => self.ended(step, "", "34"),
            Event::Cached => self.ended(step, "CACHED ", "34"),
            Event::Failed(_) => self.ended(step, "ERROR ", "31"),
        }
    }

    fn text(&mut self, text: &str) {
        let text = text.replace('\n', "\r\n");
        self.draw(&text);
    }

    fn tick(&mut self) {
        if !self.running.is_empty() {
            self.draw("");
        }
    }

    fn end(&mut self) {
        self.running.clear();
        let head =
            format!("[+] Building {:.1}s ({1}/{1}) FINISHED\n", since(self.began), self.ended);
        self.draw(&head);
    }
}

/// A step's line: its name, and its time on the right.
fn line(name: &str, seconds: f64, columns: usize) -> String {
    let time = format!("{seconds:.1}s");
    let room = columns.saturating_sub(time.len() + 1);
    let name = cut(&format!(" => {}", harmless(name)), room);
    let space = room.saturating_sub(name.chars().count());
    format!("{name}{} {time}", " ".repeat(space))
}

fn cut(text: &str, columns: usize) -> String {
    text.chars().take(columns).collect()
}

/// What a program says must not move the cursor.
fn harmless(text: &str) -> String {
    let tabs = text.replace('\t', "    ");
    tabs.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Progress;
    use super::super::tests::Written;
    use super::*;
    use crate::executor::Output;

    #[test]
    fn what_has_ended_stays_and_the_tail_of_what_runs_is_drawn_again() {
        let out = Written::default();
        let progress = Progress::new(Tty::on(out.clone(), || Some((40, 10))));
        let (one, two) = (progress.step("[1/2] RUN one"), progress.step("[2/2] RUN two"));
        one.write(false, b"a\nb\nc\nd\ne\nf\ng\x1b[2J\n");
        progress.tick();
        let text = out.text();
        let last = text.rsplit("\x1b[J").next().unwrap();
        assert!(last.contains("Building 0.") && last.contains("(0/2)"), "{last:?}");
        assert!(last.contains("# g[2J") && !last.contains("# a"), "{last:?}");
        assert!(last.lines().count() <= 9, "{last:?}");
        two.cached();
        one.done();
        progress.end();
        let text = out.text();
        assert!(text.contains(" => CACHED [2/2] RUN two"), "{text:?}");
        assert!(text.ends_with("(2/2) FINISHED\n\x1b[?7h"), "{text:?}");
    }

    #[test]
    fn a_line_fits_its_terminal() {
        for columns in [21, 40, 200] {
            let line = line(&"ü".repeat(100), 12.34, columns);
            assert!(line.chars().count() <= columns && line.ends_with(" 12.3s"), "{line}");
        }
    }
}
