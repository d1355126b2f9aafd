#![expect(unsafe_code, reason = "a process' signals and descriptors are set by hand")]
//! From host root in new namespaces to the container's root without any power.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{LinkNameSpaceType, sched_getaffinity, sched_getcpu};

use crate::error::ErrorKind;
use crate::sys::mounts::{EtcFiles, Ingredients};
use crate::sys::namespaces;
use crate::sys::plan::WinePlan;
use crate::sys::seccomp::Filters;

/// What pid 1 is given by the silo host, whose copy it is.
#[derive(Debug)]
pub(crate) struct Setup {
    /// To the silo host.
    pub(crate) link: OwnedFd,
    /// The resident guest's end of its socket.
    pub(crate) control: OwnedFd,
    /// Takes what Wine says while it starts.
    pub(crate) log: OwnedFd,
    /// What joins the control groups.
    pub(crate) doors: Vec<File>,
    /// Takes the silo to one processor.
    pub(crate) gathering: Option<File>,
    /// The network namespace, or `None` when the process is in a new one.
    pub(crate) network: Option<File>,
    /// The silo's user namespace.
    pub(crate) user_namespace: OwnedFd,
    /// The host name inside.
    pub(crate) host_name: String,
    /// An empty host directory to build the mount tree on.
    pub(crate) stage: PathBuf,
    /// What the tree is made of.
    pub(crate) ingredients: Ingredients,
    /// The silo's own files of `/etc`.
    pub(crate) etc: EtcFiles,
    /// Wine's programs.
    pub(crate) wine: WinePlan,
    /// The system call filters.
    pub(crate) filters: Filters,
}

/// What starts the resident guest.
#[derive(Debug)]
pub(super) struct Resident {
    pub(super) control: OwnedFd,
    pub(super) log: OwnedFd,
    /// The processors of the silo, of the first 64; 0 when that is not known.
    pub(super) processors: u64,
}

impl Setup {
    /// Carries it out; the link comes back so that a failure can be told.
    pub(super) fn carry_out(self) -> (OwnedFd, Result<Resident, ErrorKind>) {
        let Self { link, control, log, .. } = &self;
        // Descriptors that stay are moved to the front, so that all others can be closed at once.
        let kept = [link, control, log].map(|fd| rustix::io::fcntl_dupfd_cloexec(fd, 64));
        let [Ok(link), Ok(control), Ok(log)] = kept else {
            return (self.link, Err(ErrorKind::io("keep descriptors", io::Error::last_os_error())));
        };
        let processors = match self.become_pid_one() {
            Ok(processors) => processors,
            Err(kind) => return (link, Err(kind)),
        };
        match close_all_but([link, control, log]) {
            Ok([link, control, log]) => (link, Ok(Resident { control, log, processors })),
            Err((link, kind)) => (link, Err(kind)),
        }
    }

    /// Tells which processors the silo has.
    fn become_pid_one(self) -> Result<u64, ErrorKind> {
        for mut door in &self.doors {
            door.write_all(b"0").map_err(|e| ErrorKind::io("join the control group", e))?;
        }
        let processors = self.gather();
        namespaces::unshare_cgroup()?;
        match &self.network {
            Some(pin) => {
                namespaces::enter(pin, LinkNameSpaceType::Network, "the network namespace")?;
            }
            None => namespaces::loopback_up()?,
        }
        namespaces::open_network_to_all();
        rustix::system::sethostname(self.host_name.as_bytes())
            .map_err(|e| ErrorKind::io("set the host name", e))?;
        self.ingredients.enter(&self.stage, &self.etc)?;
        set_process_attributes()?;
        namespaces::become_container_root(&self.user_namespace)?;
        // Becoming someone else has cleared these two.
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .and_then(|()| rustix::process::set_parent_process_death_signal(Some(Signal::KILL)))
            .map_err(|e| ErrorKind::io("tie pid 1 to the silo host", e))?;
        self.filters.apply()?;
        Ok(processors)
    }

    /// Takes the silo to the processor that the kernel chose for its first process. One that stays
    /// where it is only starts more slowly: so it does on a host with more processors than can be
    /// asked for, where programs could not be told of them afterwards.
    fn gather(&self) -> u64 {
        let Ok(all) = sched_getaffinity(None) else { return 0 };
        let here = sched_getcpu();
        // Wine knows 64 of them, and could not tell anybody where it is beyond.
        if let Some(mut door) = self.gathering.as_ref().filter(|_| here < 64) {
            let _ = door.write_all(here.to_string().as_bytes());
        }
        (0..64).filter(|number| all.is_set(*number)).fold(0, |mask, bit| mask | 1 << bit)
    }
}

fn set_process_attributes() -> Result<(), ErrorKind> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let files = rustix::process::getrlimit(Resource::Nofile).maximum.unwrap_or(1 << 20);
    let files = Some(files.min(1 << 20));
    for (resource, limit) in [(Resource::Nofile, files), (Resource::Core, Some(0))] {
        rustix::process::setrlimit(resource, Rlimit { current: limit, maximum: limit })
            .map_err(|e| ErrorKind::io("set resource limits", e))?;
    }
    // A shim may be exempt from the kernel's choice when memory is short; a container is not.
    fs::write("/proc/self/oom_score_adj", "0")
        .map_err(|e| ErrorKind::io("set the out-of-memory score", e))?;
    let null = File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(|e| ErrorKind::io("open /dev/null", e))?;
    rustix::stdio::dup2_stdin(&null)
        .and_then(|()| rustix::stdio::dup2_stdout(&null))
        .and_then(|()| rustix::stdio::dup2_stderr(&null))
        .map_err(|e| ErrorKind::io("give pid 1 no streams", e))
}

type Kept = [OwnedFd; 3];

/// Closes every descriptor but the three standard ones and these, which get the next numbers.
fn close_all_but(kept: Kept) -> Result<Kept, (OwnedFd, ErrorKind)> {
    let mut next = 3;
    let moved = kept.map(|fd| {
        let to = next;
        next += 1;
        // SAFETY: all three are numbered 64 or more, so no number from 3 to 5 is one of them;
        // whoever owned those numbers has been dropped or is never touched again.
        unsafe {
            libc::dup3(fd.as_raw_fd(), to, libc::O_CLOEXEC);
            drop(fd);
            OwnedFd::from_raw_fd(to)
        }
    });
    // SAFETY: as above; nothing in this process uses any later descriptor.
    if unsafe { libc::close_range(6, libc::c_uint::MAX, 0) } != 0 {
        let error = io::Error::last_os_error();
        let [link, control, log] = moved;
        let _ = (control.into_raw_fd(), log.into_raw_fd());
        return Err((link, ErrorKind::io("close inherited descriptors", error)));
    }
    Ok(moved)
}
