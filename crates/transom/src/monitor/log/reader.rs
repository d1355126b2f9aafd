//! Reading a log, and waiting for more of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use engine::os::fs::{identity, identity_of};
pub use engine::os::watch::Watch;

use super::Entry;

/// Hears lines, one at a time.
pub(super) type Each<'a> = &'a mut dyn FnMut(&Entry<'_>);

/// All lines that a log still has, the oldest first. A log that is not there has none.
pub fn read_all(path: &Path, each: Each<'_>) -> io::Result<()> {
    read_older(path, each)?;
    read_file(path, each)
}

/// The lines of the files that were rotated away, the oldest first.
pub fn read_older(path: &Path, each: Each<'_>) -> io::Result<()> {
    let numbered = (1..).map(|number| PathBuf::from(format!("{}.{number}", path.display())));
    let mut files: Vec<_> = numbered.take_while(|file| file.exists()).collect();
    files.reverse();
    files.iter().try_for_each(|file| read_file(file, each))
}

fn read_file(path: &Path, each: Each<'_>) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => Tail::new(file)?.read(each),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A file that grows.
#[derive(Debug)]
struct Tail {
    file: BufReader<File>,
    identity: (u64, u64),
    pending: Vec<u8>,
}

impl Tail {
    fn new(file: File) -> io::Result<Self> {
        let identity = identity(&file)?;
        Ok(Self { file: BufReader::with_capacity(64 << 10, file), identity, pending: Vec::new() })
    }

    /// The lines that have come since.
    fn read(&mut self, each: Each<'_>) -> io::Result<()> {
        while self.file.read_until(b'\n', &mut self.pending)? > 0 && self.pending.ends_with(b"\n") {
            // A line that was cut off by a full disk is the only kind that cannot be read.
            if let Ok(entry) = serde_json::from_slice(&self.pending) {
                each(&entry);
            }
            self.pending.clear();
        }
        Ok(())
    }
}

/// Reads the newest file of a log from its beginning, and what is written after, across rotations.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    tail: Option<Tail>,
    watch: Watch,
}

impl Follow {
    /// Follows the file at `path`, which may come later; its folder must exist.
    pub fn open(path: &Path) -> io::Result<Self> {
        let watch = Watch::open(path.parent().unwrap_or(Path::new("/")))?;
        Ok(Self { path: path.to_owned(), tail: None, watch })
    }

    /// The lines that have come since, without waiting.
    pub fn read(&mut self, each: Each<'_>) -> io::Result<()> {
        loop {
            if let Some(tail) = &mut self.tail {
                tail.read(each)?;
            }
            if !self.reopen()? {
                return Ok(());
            }
        }
    }

    /// Waits until something happens in the log's folder: more lines, or another state.
    pub async fn changed(&mut self) -> io::Result<()> {
        self.watch.changed().await
    }

    /// Goes on to a new file if there is one.
    fn reopen(&mut self) -> io::Result<bool> {
        let now = match identity_of(&self.path) {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if self.tail.as_ref().is_some_and(|tail| tail.identity == now) {
            return Ok(false);
        }
        self.tail = Some(Tail::new(File::open(&self.path)?)?);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LogOptions, LogSink, LogWriter, Stream};
    use super::*;

    #[tokio::test]
    async fn a_follower_sees_every_line_once_also_across_a_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let options = LogOptions { max_size: Some(120), max_file: 2 };
        let mut log = LogWriter::open(&path, options).unwrap();
        let mut sink = LogSink::new(Stream::Stdout);
        let mut follow = Follow::open(&path).unwrap();
        let mut seen = Vec::new();
        for number in 0..6 {
            sink.push(&mut log, format!("{number}\n").as_bytes());
            follow.changed().await.unwrap();
            follow.read(&mut |entry| seen.push(entry.log.to_string())).unwrap();
        }
        assert_eq!(seen, ["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]);
    }
}
