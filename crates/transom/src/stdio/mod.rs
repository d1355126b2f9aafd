//! Standard streams between this program and a shim: FIFOs, as containerd uses them.

pub mod patient;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub use engine::os::fifo::{Input, Output, Receiver, Sender};

/// Which of a process' streams there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Into the process.
    pub stdin: bool,
    /// Out of it.
    pub output: bool,
    /// One console in the place of stdout and stderr.
    pub terminal: bool,
}

/// The FIFOs of one process; removed when dropped.
#[derive(Debug)]
pub struct Streams {
    folder: PathBuf,
    /// What the shim is told.
    pub names: shim::client::Stdio,
    /// Into the process.
    pub stdin: Option<Input>,
    /// Out of it.
    pub stdout: Option<Output>,
    /// Out of it.
    pub stderr: Option<Output>,
}

impl Streams {
    /// Makes the FIFOs in `folder`, which is made and removed with them.
    pub fn create(folder: &Path, wanted: Wanted) -> Result<Self> {
        crate::store::private_dir(folder)?;
        let mut streams = Self {
            folder: folder.to_owned(),
            names: shim::client::Stdio { terminal: wanted.terminal, ..Default::default() },
            stdin: None,
            stdout: None,
            stderr: None,
        };
        streams.fill(wanted).with_context(|| format!("making FIFOs in {}", folder.display()))?;
        Ok(streams)
    }

    fn fill(&mut self, wanted: Wanted) -> std::io::Result<()> {
        if wanted.stdin {
            let stdin = Input::create(&self.folder.join("stdin"))?;
            stdin.name().clone_into(&mut self.names.stdin);
            self.stdin = Some(stdin);
        }
        if wanted.output {
            let stdout = Output::create(&self.folder.join("stdout"))?;
            stdout.name().clone_into(&mut self.names.stdout);
            self.stdout = Some(stdout);
        }
        if wanted.output && !wanted.terminal {
            let stderr = Output::create(&self.folder.join("stderr"))?;
            stderr.name().clone_into(&mut self.names.stderr);
            self.stderr = Some(stderr);
        }
        Ok(())
    }

    /// The shim has opened its ends: from here on its closing of one is the end of that stream.
    pub fn hand_over(&mut self) -> std::io::Result<()> {
        if let Some(stdin) = &mut self.stdin {
            stdin.hand_over()?;
        }
        for output in [&mut self.stdout, &mut self.stderr].into_iter().flatten() {
            output.hand_over();
        }
        Ok(())
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        // Names only: both sides hold what they opened.
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
