#![expect(unsafe_code, reason = "a child's signals, session and terminal are set before its exec")]
//! Starting Wine's programs inside.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};

use super::children::{self, Ending};
use super::{raw, readable_before};
use crate::error::ErrorKind;
use crate::sys::plan::WinePlan;

/// All that a process inside inherits by way of Linux. No variable of the host is among them.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("WINEPREFIX", "/wine"),
    ("WINEDEBUG", "-all"),
    ("HOME", "/wine"),
    ("USER", "ContainerAdministrator"),
    // Without it Wine takes file names for ASCII.
    ("LC_ALL", "C.UTF-8"),
];

/// Spares the loader the start of itself again: it would first look for a helper that reserves low
/// addresses, which only 32-bit programs need and which a silo has not.
const AS_IT_IS: (&str, &str) = ("WINELOADERNOEXEC", "1");

/// The guest as Windows knows it.
const GUEST: &str = r"C:\windows\system32\transom-guest.exe";

/// The number by which a guest finds its socket.
const CONTROL: i32 = 3;

/// How long wineserver may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);

/// What starts programs.
pub(super) struct Wine {
    pub(super) plan: WinePlan,
    /// The processors that programs are told of, of the first 64.
    pub(super) processors: u64,
}

/// A program that was started, and whose end can be polled for.
pub(super) struct Program {
    pub(super) pid: Pid,
    pidfd: OwnedFd,
}

impl Program {
    pub(super) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    pub(super) fn ended_within(&self, time: Duration) -> bool {
        readable_before(&self.pidfd, Instant::now() + time)
    }

    /// How it ended, if it did and was not reaped.
    pub(super) fn ending(&self) -> Option<Ending> {
        Ending::of(self.pidfd.as_fd())
    }
}

impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

impl Wine {
    /// Starts wineserver, and waits until it listens: a client that comes too early waits long.
    pub(super) fn start_server(&self, log: &OwnedFd) -> Result<Program, ErrorKind> {
        let mut command = self.program(&self.plan.server, log)?;
        command.args(["-f", "-p"]);
        let server = start(command)?;
        let deadline = Instant::now() + LISTENS_WITHIN;
        while !listens() {
            if server.ended_within(Duration::from_micros(300)) {
                return Err(ErrorKind::Stillborn("wineserver ended at once".to_owned()));
            }
            if Instant::now() > deadline {
                return Err(ErrorKind::TimedOut {
                    what: "wineserver's socket",
                    after: LISTENS_WITHIN,
                });
            }
        }
        Ok(server)
    }

    /// Starts the resident guest.
    pub(super) fn start_guest(
        &self,
        control: OwnedFd,
        log: &OwnedFd,
    ) -> Result<Program, ErrorKind> {
        let mut command = self.guest(log)?;
        hand_over(&mut command, control, false);
        start(command)
    }

    /// Starts a guest on a terminal of its own, and gives the terminal's master.
    pub(super) fn start_on_terminal(
        &self,
        control: OwnedFd,
        height: u16,
        width: u16,
    ) -> Result<OwnedFd, ErrorKind> {
        let fail = |e: rustix::io::Errno| ErrorKind::io("open a terminal", e);
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).map_err(fail)?;
        unlockpt(&master).map_err(fail)?;
        let size = Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).map_err(fail)?;
        let slave = ioctl_tiocgptpeer(&master, flags).map_err(fail)?;
        // What is typed before Wine's console takes over must reach it as it was typed. Only Ctrl-C
        // is the terminal's: Wine takes it as the signal that it becomes. Ctrl-Z is Windows' end of
        // file, and Ctrl-\ a character.
        let mut modes = tcgetattr(&slave).map_err(fail)?;
        modes.make_raw();
        modes.local_modes.insert(LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        modes.special_codes[SpecialCodeIndex::VQUIT] = 0;
        tcsetattr(&slave, OptionalActions::Now, &modes).map_err(fail)?;
        let mut command = self.guest(&slave)?;
        command.stdin(Stdio::from(slave.try_clone().map_err(|e| ErrorKind::io("open it", e))?));
        command.env("TERM", "xterm");
        hand_over(&mut command, control, true);
        start(command)?;
        Ok(master)
    }

    fn guest(&self, output: &OwnedFd) -> Result<Command, ErrorKind> {
        let mut command = self.program(&self.plan.loader, output)?;
        command.arg(GUEST).envs([AS_IT_IS]);
        command.env(schema::guest::CONTROL_FD, CONTROL.to_string());
        command.env(schema::guest::PROCESSORS, format!("{:x}", self.processors));
        Ok(command)
    }

    fn program(&self, path: &Path, output: &OwnedFd) -> Result<Command, ErrorKind> {
        let clone = || output.try_clone().map_err(|e| ErrorKind::io("share a stream", e));
        let mut command = Command::new(path);
        command.env_clear().envs(ENVIRONMENT).envs(self.plan.variables.iter().cloned());
        command.current_dir("/wine/drive_c");
        command.stdin(Stdio::null()).stdout(clone()?).stderr(clone()?);
        Ok(command)
    }
}

/// Gives the child its socket, and a session; with `terminal`, standard input's.
fn hand_over(command: &mut Command, control: OwnedFd, terminal: bool) {
    let prepare = move || {
        // SAFETY: plain system calls on the child's own descriptors and signals.
        unsafe {
            libc::setsid();
            if terminal {
                libc::ioctl(0, libc::TIOCSCTTY, 0);
            }
            if raw(&control) == CONTROL {
                libc::fcntl(CONTROL, libc::F_SETFD, 0);
            } else if libc::dup2(raw(&control), CONTROL) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: pid 1 has one thread, so anything may run between fork and exec.
    unsafe { command.pre_exec(prepare) };
}

pub(super) fn start(mut command: Command) -> Result<Program, ErrorKind> {
    let what = command.get_program().to_string_lossy().into_owned();
    let fail = |e: io::Error| ErrorKind::io(format!("start {what}"), e);
    children::unblock_in(&mut command);
    let child = command.spawn().map_err(fail)?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("it is positive");
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|e| fail(e.into()))?;
    Ok(Program { pid, pidfd })
}

/// Whether wineserver has its socket: `/tmp/<some name>/server-<prefix>/socket`, where distributions
/// differ about the name. Nothing else has been in `/tmp` yet.
fn listens() -> bool {
    let inside = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut servers = inside("/tmp".into()).flat_map(|entry| inside(entry.path()));
    servers.any(|server| server.path().join("socket").exists())
}
