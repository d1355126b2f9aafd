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
use std::path::{Path, PathBuf};

use super::files::read;
use super::{Cgroup, Version};

/// Every processor that this host may ever have.
const POSSIBLE: &str = "/sys/devices/system/cpu/possible";

/// A silo's processors, while it is kept on one of them.
#[derive(Debug)]
pub(crate) struct Gathering {
    file: PathBuf,
    /// What lets it use all that it may.
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
        let mut all = read(&file).ok()?.trim().to_owned();
        if all.is_empty() {
            // Version 2 says so of what its parent has, and never lets a group with processes in it go
            // back to that. Of what is named beyond the parent's, the parent's counts.
            read(Path::new(POSSIBLE)).ok()?.trim().clone_into(&mut all);
        }
        Some(Self { file, all })
    }

    /// Takes the number of the processor to be on.
    pub(crate) fn door(&self) -> Option<File> {
        File::options().write(true).open(&self.file).ok()
    }

    /// Lets it use all processors again.
    pub(crate) fn end(&self) -> io::Result<()> {
        std::fs::write(&self.file, &self.all).or_else(|error| {
            // Version 1 takes no more than the parent has, which may be less by now.
            let parent = self.file.parent().and_then(Path::parent).ok_or(error)?;
            let now = std::fs::read_to_string(parent.join("cpuset.cpus"))?;
            std::fs::write(&self.file, now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_processors_come_back_by_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cpuset.cpus");
        assert!(Gathering::at(file.clone()).is_none(), "a host without cpusets has nothing to do");
        let possible = std::fs::read_to_string(POSSIBLE).unwrap();
        for (all, then) in [("0-3,8\n", "0-3,8"), ("\n", possible.trim())] {
            std::fs::write(&file, all).unwrap();
            let gathering = Gathering::at(file.clone()).unwrap();
            std::fs::write(&file, "2").unwrap();
            gathering.end().unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), then);
        }
    }

    /// The kernel refuses a group of version 1 what its parent has not: a true one shows it.
    #[test]
    fn what_the_parent_has_left_is_enough() {
        let name = format!("transom-shrinks-{}", std::process::id());
        let parent = Path::new("/sys/fs/cgroup/cpuset").join(name);
        let own = parent.join("own");
        let several = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        if !several || std::fs::create_dir_all(&own).is_err() {
            eprintln!("not run: this host has no cpusets of version 1, or one processor");
            return;
        }
        let all = std::fs::read_to_string("/sys/fs/cgroup/cpuset/cpuset.cpus").unwrap();
        for folder in [&parent, &own] {
            std::fs::write(folder.join("cpuset.cpus"), &all).unwrap();
        }
        let file = own.join("cpuset.cpus");
        let gathering = Gathering::at(file.clone()).unwrap();
        // The host's first, whichever that is.
        let first = all.trim().split([',', '-']).next().unwrap();
        let left = [&own, &parent].map(|folder| std::fs::write(folder.join("cpuset.cpus"), first));
        let ended = gathering.end();
        let now = std::fs::read_to_string(&file);
        let (_, _) = (std::fs::remove_dir(&own), std::fs::remove_dir(&parent));
        left.into_iter().for_each(std::io::Result::unwrap);
        ended.unwrap();
        assert_eq!(now.unwrap().trim(), first);
    }
}
