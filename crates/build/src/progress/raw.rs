//! `BuildKit`'s `SolveStatus` messages, a line of JSON each: what `--progress=rawjson` gives.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Display, Event, Vertex};

/// Writes messages.
pub struct Raw<W>(W);

impl<W: Write + Send> Raw<W> {
    /// To `out`.
    pub fn to(out: W) -> Self {
        Self(out)
    }

    fn send(&mut self, message: &Value) {
        // Nobody to tell when it is gone.
        let _ = writeln!(self.0, "{message}").and_then(|()| self.0.flush());
    }
}

impl<W: Write + Send> Display for Raw<W> {
    fn step(&mut self, step: &Vertex, event: Event<'_>) {
        let now = Timestamp::now();
        let mut vertex = json!({
            "digest": step.digest,
            "name": step.name,
            "started": step.began,
        });
        match event {
            Event::Started => {}
            Event::Line { stderr, text } => {
                let log = json!({
                    "vertex": step.digest,
                    "stream": if stderr { 2 } else { 1 },
                    "data": STANDARD.encode(format!("{text}\n")),
                    "timestamp": now,
                });
                return self.send(&json!({ "logs": [log] }));
            }
            Event::Done => vertex["completed"] = json!(now),
            Event::Cached => {
                vertex["completed"] = json!(now);
                vertex["cached"] = json!(true);
            }
            Event::Failed(why) => {
                vertex["completed"] = json!(now);
                vertex["error"] = json!(why);
            }
        }
        self.send(&json!({ "vertexes": [vertex] }));
    }

    fn text(&mut self, text: &str) {
        let warning = json!({ "level": 1, "short": STANDARD.encode(text.trim_end()) });
        self.send(&json!({ "warnings": [warning] }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Progress;
    use super::super::tests::Written;
    use super::*;
    use crate::executor::Output;

    #[test]
    fn every_line_is_a_message_about_the_same_vertex() {
        let out = Written::default();
        let progress = Progress::new(Raw::to(out.clone()));
        let step = progress.step("[1/1] RUN x");
        step.write(true, b"words\n");
        drop(step.failed("exit code: 3"));
        let lines: Vec<Value> =
            out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let digest = &lines[0]["vertexes"][0]["digest"];
        assert_eq!(&lines[1]["logs"][0]["vertex"], digest);
        assert_eq!(lines[1]["logs"][0]["data"], STANDARD.encode("words\n"));
        assert_eq!(lines[1]["logs"][0]["stream"], 2);
        assert_eq!(&lines[2]["vertexes"][0]["digest"], digest);
        assert_eq!(lines[2]["vertexes"][0]["error"], "exit code: 3");
        assert!(lines[2]["vertexes"][0]["completed"].is_string());
    }
}
