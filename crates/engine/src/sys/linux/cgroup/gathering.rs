//! Keeping a silo on one processor while it starts.
//!
//! Until its first own instruction a Windows program asks wineserver a thousand things, one by one.
//! Between two processors each question wakes one that sleeps, and so does its answer: in a virtual
//! machine that costs more than all the rest of a start. On one processor it is a switch. So pid 1
//! takes the silo to the processor that it was put on, and the silo host lets it go some time after
//! the first program was asked for. Programs are not told: the guest gives them what Windows says
//! of processors (`guest`'s `processors`).

use std::fs::File;
use std::io;
use std::path::PathBuf;

use super::files::read;
use super::{Cgroup, Version};

/// A silo's processors, while it is kept on one of them.
#[derive(Debug)]
pub(crate) struct Gathering {
    file: PathBuf,
    /// What the file said before.
    all: String,
}

impl Gathering {
    /// Of a silo that nobody is in yet; `None` where groups have no processors of their own.
    pub(crate) fn of(cgroup: &Cgroup) -> Option<Self> {
        let directory = match &cgroup.version {
            Version::V1(groups) => groups.cpuset()?,
            Version::V2(group) => group.directory(),
        };
        Self::at(directory.join("cpuset.cpus"))
    }

    fn at(file: PathBuf) -> Option<Self> {
        let all = read(&file).ok()?.trim().to_owned();
        Some(Self { file, all })
    }

    /// Takes the number of the processor to be on.
    pub(crate) fn door(&self) -> Option<File> {
        File::options().write(true).open(&self.file).ok()
    }

    /// Lets it use all processors again.
    pub(crate) fn end(&self) -> io::Result<()> {
        // With nothing but a line's end, version 2 goes back to what the parent has.
        std::fs::write(&self.file, format!("{}\n", self.all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_processors_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cpuset.cpus");
        assert!(Gathering::at(file.clone()).is_none(), "a host without cpusets has nothing to do");
        for (all, then) in [("0-3,8\n", "0-3,8\n"), ("\n", "\n")] {
            std::fs::write(&file, all).unwrap();
            let gathering = Gathering::at(file.clone()).unwrap();
            std::fs::write(&file, "2").unwrap();
            gathering.end().unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), then);
        }
    }
}
