//! What goes into a container, always as a tar stream.
//!
//! Whoever writes into a running container is not the host's root any more and could not read its
//! files, so a local path is read by a thread of its own.

use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

/// What goes in.
#[derive(Debug)]
pub(super) enum Source {
    /// A tar stream.
    Stdin,
    /// A path of this host.
    Local(Local),
}

/// A path of this host.
#[derive(Debug)]
pub(super) struct Local {
    path: PathBuf,
    /// It is a directory.
    pub(super) directory: bool,
    /// It ended in `/.`: what is in it is meant.
    pub(super) contents: bool,
    /// Its own name.
    pub(super) name: String,
    /// If it is a link, what it leads to is meant.
    follow: bool,
}

impl Source {
    /// Looks at what `from` names.
    pub(super) fn open(from: &str, follow: bool) -> Result<Self> {
        if from == "-" {
            return Ok(Self::Stdin);
        }
        let opening = || format!("opening {from}");
        let contents = from == "." || from.ends_with("/.");
        let follow = follow || from.ends_with('/') || contents;
        let path = PathBuf::from(from);
        let found = if follow { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
        let directory = found.with_context(opening)?.is_dir();
        let absolute = std::path::absolute(&path).with_context(opening)?;
        let name = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self::Local(Local { path, directory, contents, name, follow }))
    }
}

impl Local {
    /// Begins to read it, as entries below `top`.
    pub(super) fn stream(self, top: &str) -> Result<(PipeReader, JoinHandle<io::Result<()>>)> {
        let (reader, writer) = io::pipe().context("making a pipe")?;
        let top = PathBuf::from(top);
        let thread = std::thread::Builder::new().name("read".to_owned());
        let thread = thread.spawn(move || self.pack(&top, writer)).context("starting a thread")?;
        Ok((reader, thread))
    }

    fn pack(&self, top: &Path, to: PipeWriter) -> io::Result<()> {
        let mut tar = tar::Builder::new(to);
        tar.follow_symlinks(false);
        if self.directory {
            tar.append_dir_all(top, &self.path)?;
        } else if self.follow {
            tar.append_file(top, &mut File::open(&self.path)?)?;
        } else {
            tar.append_path_with_name(&self.path, top)?;
        }
        tar.into_inner().map(drop)
    }
}

/// stdin, for as long as it takes.
pub(super) fn stdin() -> impl Read {
    io::stdin().lock()
}
