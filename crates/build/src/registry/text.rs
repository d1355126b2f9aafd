//! Wine's files of the registry: read as what a container may have put in their place, and cut down
//! to the keys that differ before they are parsed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use engine::os::fs::{CWD, Mode, OFlags, openat};

/// A registry that is larger is a mistake, or meant to do harm.
const LARGEST: u64 = 512 << 20;

/// Reads a file that a container could write, and put something else in the place of: a link is not
/// followed, a pipe not waited for.
pub(super) fn read(path: &Path) -> io::Result<String> {
    let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, how, Mode::empty())?);
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::with_capacity(usize::try_from(about.len().min(LARGEST)).unwrap_or(0));
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {LARGEST} bytes")));
    }
    Ok(text)
}

/// The keys that are not word for word the same, with those above them: a registry has tens of
/// thousands, of which a step changes a few.
pub(super) fn only_different(old: &str, new: &str) -> (String, String) {
    let (old, new) = (blocks(old), blocks(new));
    let mut wanted: HashSet<&str> = HashSet::new();
    let both = [(&old, &new), (&new, &old)];
    for (one, other) in both {
        let there: HashMap<&str, &str> = other.1.iter().copied().collect();
        for (path, block) in &one.1 {
            if there.get(path) != Some(block) {
                let ends = path.match_indices('\\').map(|(at, _)| &path[..at]);
                wanted.extend(ends.chain([*path]));
            }
        }
    }
    let kept = |(head, blocks): &Blocks<'_>| {
        let blocks = blocks.iter().filter(|(path, _)| wanted.contains(path));
        let texts = blocks.map(|(_, block)| *block);
        std::iter::once(*head).chain(texts).collect::<String>()
    };
    (kept(&old), kept(&new))
}

/// What stands before the first key, and the text of each key by its path.
type Blocks<'a> = (&'a str, Vec<(&'a str, &'a str)>);

fn blocks(text: &str) -> Blocks<'_> {
    let mut starts: Vec<usize> = text.match_indices("\n[").map(|(at, _)| at + 1).collect();
    let head = &text[..starts.first().copied().unwrap_or(text.len())];
    starts.push(text.len());
    let block = |ends: &[usize]| {
        let block = &text[ends[0]..ends[1]];
        let line = block.lines().next().unwrap_or_default();
        let end = line.rfind(']').unwrap_or(line.len());
        (line.get(1..end).unwrap_or_default(), block)
    };
    (head, starts.windows(2).map(block).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_a_pipe_and_what_is_too_large_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("system.reg");
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(read(&path).is_err(), "a link was followed");
        std::fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(CWD, &path, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is no file");
        std::fs::remove_file(&path).unwrap();
        File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("larger than"));
    }
}
