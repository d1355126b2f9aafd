//! Writing a log.

use engine::os::unix::fs::OpenOptionsExt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Entry, LogOptions, Stream};

/// A line longer than this is split, as docker does.
const MAX_LINE: usize = 16 << 10;

/// A log file that rotates.
///
/// Writes block, but only on the page cache: the monitor's one thread has nothing better to do
/// than to keep order between a container's output and its log.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    options: LogOptions,
    file: File,
    size: u64,
    failed: bool,
}

impl LogWriter {
    /// Opens the log at `path`, after what is in it.
    pub fn open(path: &Path, options: LogOptions) -> io::Result<Self> {
        let file = append(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), options, file, size, failed: false })
    }

    /// Appends lines. A log that cannot be written (a full disk) never stops the container: what
    /// did not fit is missing, and the next write tries again.
    fn append(&mut self, lines: &[u8]) {
        match self.try_append(lines) {
            Ok(()) => self.failed = false,
            Err(error) if !self.failed => {
                self.failed = true;
                tracing::error!(%error, path = %self.path.display(), "output is not logged");
            }
            Err(_) => {}
        }
    }

    fn try_append(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            let mut part = self.fitting(lines);
            if part.is_empty() && self.size > 0 {
                self.rotate()?;
                part = self.fitting(lines);
            }
            if part.is_empty() {
                // A line that is longer than a file may be has one of its own.
                part = lines.split_inclusive(|byte| *byte == b'\n').next().unwrap_or(lines);
            }
            self.write(part)?;
            lines = &lines[part.len()..];
        }
        Ok(())
    }

    /// The lines that the file has room for.
    fn fitting<'l>(&self, lines: &'l [u8]) -> &'l [u8] {
        let Some(max) = self.options.max_size else { return lines };
        let room = usize::try_from(max.saturating_sub(self.size)).unwrap_or(usize::MAX);
        if lines.len() <= room {
            return lines;
        }
        let end = lines[..room].iter().rposition(|byte| *byte == b'\n');
        end.map_or(&[], |end| &lines[..=end])
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.failed {
            // What the failed write left behind would make the next line unreadable.
            self.file.write_all(b"\n")?;
            self.failed = false;
        }
        self.file.write_all(lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |number: u32| match number {
            0 => self.path.clone(),
            number => PathBuf::from(format!("{}.{number}", self.path.display())),
        };
        for number in (1..self.options.max_file).rev() {
            match std::fs::rename(numbered(number - 1), numbered(number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.options.max_file == 1 {
            std::fs::remove_file(&self.path)?;
        }
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// One stream's way into a log: cuts what comes into lines.
#[derive(Debug)]
pub struct LogSink {
    stream: Stream,
    pending: Vec<u8>,
}

impl LogSink {
    /// For `stream`.
    pub fn new(stream: Stream) -> Self {
        Self { stream, pending: Vec::new() }
    }

    /// Takes in what a process wrote.
    pub fn push(&mut self, log: &mut LogWriter, data: &[u8]) {
        self.pending.extend_from_slice(data);
        let now = Timestamp::now();
        let mut lines = Vec::with_capacity(data.len() + data.len() / 2 + 128);
        let mut taken = 0;
        while let Some(line) = next_line(&self.pending[taken..]) {
            taken += line.len();
            write_line(&mut lines, line, self.stream, now);
        }
        self.pending.drain(..taken);
        if !lines.is_empty() {
            log.append(&lines);
        }
    }

    /// The stream has ended: what is left is a line too.
    pub fn end(&mut self, log: &mut LogWriter) {
        if !self.pending.is_empty() {
            let mut line = Vec::new();
            write_line(&mut line, &self.pending, self.stream, Timestamp::now());
            self.pending.clear();
            log.append(&line);
        }
    }
}

fn next_line(data: &[u8]) -> Option<&[u8]> {
    let searched = &data[..data.len().min(MAX_LINE)];
    match searched.iter().position(|&byte| byte == b'\n') {
        Some(end) => Some(&data[..=end]),
        None if data.len() > MAX_LINE => Some(&data[..char_boundary(data, MAX_LINE)]),
        None => None,
    }
}

/// The last place up to `limit` that is not inside of a character.
fn char_boundary(data: &[u8], limit: usize) -> usize {
    let continues = |&at: &usize| data[at] & 0b1100_0000 == 0b1000_0000;
    (limit - 3..=limit).rev().find(|at| !continues(at)).unwrap_or(limit)
}

fn write_line(to: &mut Vec<u8>, line: &[u8], stream: Stream, time: Timestamp) {
    let entry = Entry { log: String::from_utf8_lossy(line), stream, time };
    serde_json::to_writer(&mut *to, &entry).expect("a line has string keys and goes to memory");
    to.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::read_all;
    use super::*;

    fn options(max_size: Option<u64>, max_file: u32) -> LogOptions {
        LogOptions { max_size, max_file }
    }

    fn texts(path: &Path) -> Vec<String> {
        let mut texts = Vec::new();
        read_all(path, &mut |entry| texts.push(entry.log.to_string())).unwrap();
        texts
    }

    #[test]
    fn output_is_cut_into_lines_wherever_its_pieces_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogWriter::open(&path, options(None, 1)).unwrap();
        let mut sink = LogSink::new(Stream::Stdout);
        for piece in ["a", "b\nc\r\n", "", "d"] {
            sink.push(&mut log, piece.as_bytes());
        }
        sink.end(&mut log);
        assert_eq!(texts(&path), ["ab\n", "c\r\n", "d"]);
    }

    #[test]
    fn a_long_line_is_split_between_characters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogWriter::open(&path, options(None, 1)).unwrap();
        let mut sink = LogSink::new(Stream::Stdout);
        let line = format!("x{}\n", "\u{20ac}".repeat(MAX_LINE / 2));
        sink.push(&mut log, line.as_bytes());
        assert_eq!(texts(&path).concat(), line);
        assert!(texts(&path).iter().all(|part| part.len() <= MAX_LINE));
    }

    #[test]
    fn many_lines_at_once_are_spread_over_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogWriter::open(&path, options(Some(200), 3)).unwrap();
        let mut sink = LogSink::new(Stream::Stdout);
        let wide = "x".repeat(300);
        let lines = (0..20).map(|number| number.to_string()).collect::<Vec<_>>().join("\n") + "\n";
        sink.push(&mut log, format!("{lines}{wide}\nlast\n").as_bytes());
        assert_eq!(texts(&path).last().unwrap(), "last\n");
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            assert!(text.len() <= 200 || text.lines().count() == 1, "{text}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn files_rotate_at_their_size_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogWriter::open(&path, options(Some(100), 2)).unwrap();
        let mut sink = LogSink::new(Stream::Stderr);
        for number in 0..5 {
            sink.push(&mut log, format!("{number}\n").as_bytes());
        }
        assert_eq!(texts(&path), ["3\n", "4\n"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
