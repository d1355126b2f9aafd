//! Drives the real guest under the real Wine, in the place of a silo host.
//!
//! No namespaces and no platform layer: those are `engine`'s, and tested there. The prefix is one
//! that `wineboot` made, kept between runs.

use std::collections::VecDeque;
use std::io::{IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::termios::{Winsize, tcsetwinsize};
use schema::guest::{Answer, CONTROL_FD, Call, Event, Failure, Message, Request, Spawn};

const WINE: &str = "/usr/lib/wine/wine64";
const WINESERVER: &str = "/usr/lib/wine/wineserver64";
/// Longer than anything here takes, on the slowest host.
const PATIENCE: Duration = Duration::from_mins(1);

/// A resident guest and the host's end of its socket.
pub(crate) struct Guest {
    child: Child,
    socket: UnixStream,
    prefix: PathBuf,
    last_id: u64,
    events: VecDeque<Event>,
}

/// What a process wrote, and its code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: u32,
}

impl Guest {
    /// Starts one in its own copy of the prefix, and waits until it is ready.
    pub(crate) fn start(name: &str) -> Self {
        let prefix = fresh_prefix(name);
        Self::in_prefix(prefix, None)
    }

    /// Starts a second one in the same session on a terminal; gives the terminal's other side.
    pub(crate) fn start_on_terminal(&self, rows: u16, columns: u16) -> (Self, std::fs::File) {
        use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        (Self::in_prefix(self.prefix.clone(), Some(slave)), master.into())
    }

    fn in_prefix(prefix: PathBuf, terminal: Option<OwnedFd>) -> Self {
        let (mine, its) = UnixStream::pair().unwrap();
        let child = spawn_with(&prefix, &its, terminal);
        drop(its);
        mine.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut guest = Self { child, socket: mine, prefix, last_id: 0, events: VecDeque::new() };
        match guest.event() {
            Event::Ready { version } => assert_eq!(version, env!("CARGO_PKG_VERSION")),
            other => panic!("not ready but {other:?}"),
        }
        guest
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call(&mut self, call: Call, fds: &[OwnedFd]) -> Result<Answer, Failure> {
        let id = self.send(call, fds);
        loop {
            match self.receive() {
                Message::Reply { id: of, result } => {
                    assert_eq!(of, id, "a reply to another request");
                    return result;
                }
                Message::Event(event) => self.events.push_back(event),
            }
        }
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, call: Call, fds: &[OwnedFd]) -> u64 {
        self.last_id += 1;
        let body = serde_json::to_vec(&Request { id: self.last_id, call }).unwrap();
        let mut frame = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        frame.extend(body);
        let borrowed: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !borrowed.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(&borrowed)));
        }
        let sent = sendmsg(&self.socket, &[IoSlice::new(&frame)], &mut control, SendFlags::empty());
        assert_eq!(sent.unwrap(), frame.len());
        self.last_id
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Message {
        let mut head = [0; 4];
        self.socket.read_exact(&mut head).expect("the guest still answers");
        let mut body = vec![0; u32::from_le_bytes(head) as usize];
        self.socket.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// The next event.
    pub(crate) fn event(&mut self) -> Event {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        match self.receive() {
            Message::Event(event) => event,
            reply @ Message::Reply { .. } => panic!("an unasked reply: {reply:?}"),
        }
    }

    /// Starts a process with the given descriptors.
    pub(crate) fn spawn(&mut self, spawn: Spawn, fds: &[OwnedFd]) -> Result<u32, Failure> {
        match self.call(Call::Spawn(spawn), fds)? {
            Answer::Spawned { pid } => Ok(pid),
            other => panic!("not started but {other:?}"),
        }
    }

    /// Waits for a process' exit code.
    pub(crate) fn exit_of(&mut self, pid: u32) -> u32 {
        let mut kept = VecDeque::new();
        let code = loop {
            match self.event() {
                Event::Exited { pid: of, exit_code } if of == pid => break exit_code,
                other => kept.push_back(other),
            }
        };
        self.events.append(&mut kept);
        code
    }

    /// Runs a command line with `stdin` to its end.
    pub(crate) fn run(&mut self, spawn: Spawn, stdin: &[u8]) -> Output {
        let (in_read, in_write) = pipe();
        let (out_read, out_write) = pipe();
        let (err_read, err_write) = pipe();
        let spawn = Spawn { stdin: true, stdout: true, stderr: true, ..spawn };
        let pid = self.spawn(spawn, &[in_read, out_write, err_write]).unwrap();
        let stdin = stdin.to_vec();
        let writer = std::thread::spawn(move || write_all(in_write, &stdin));
        let errors = std::thread::spawn(move || read_all(err_read));
        let stdout = read_all(out_read);
        writer.join().unwrap();
        Output { stdout, stderr: errors.join().unwrap(), code: self.exit_of(pid) }
    }

    /// Whether the guest process has ended by itself.
    pub(crate) fn ended(&mut self) -> bool {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Puts the test program, and the module that it may need, into its `C:\\`.
    pub(crate) fn install_probe(&self) {
        let built = guest_exe().parent().expect("a program has a directory");
        let system32 = self.drive_c().join("windows/system32");
        std::fs::copy(built.join("examples/probe.exe"), self.drive_c().join("probe.exe")).unwrap();
        std::fs::copy(built.join("bcryptprimitives.dll"), system32.join("bcryptprimitives.dll"))
            .unwrap();
    }

    /// Where its `C:` is.
    pub(crate) fn drive_c(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = server(&self.prefix).arg("-k").status();
        let _ = self.child.wait();
        let _ = server(&self.prefix).arg("-w").status();
        let _ = std::fs::remove_dir_all(&self.prefix);
    }
}

/// A process from a command line.
pub(crate) fn command(line: &str) -> Spawn {
    Spawn { command_line: line.into(), ..Spawn::default() }
}

/// A pipe's two ends.
pub(crate) fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap()
}

/// Everything up to the end, as text.
pub(crate) fn read_all(fd: OwnedFd) -> String {
    let mut text = Vec::new();
    std::fs::File::from(fd).read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

fn write_all(fd: OwnedFd, bytes: &[u8]) {
    use std::io::Write as _;
    // A process that does not read its input is none of the tests' business.
    let _ = std::fs::File::from(fd).write_all(bytes);
}

/// Only one at a time: the descriptor is inheritable for a moment.
fn spawn_with(prefix: &Path, socket: &UnixStream, terminal: Option<OwnedFd>) -> Child {
    static SPAWNING: Mutex<()> = Mutex::new(());
    let program = guest_exe();
    let _one = SPAWNING.lock().unwrap_or_else(PoisonError::into_inner);
    fcntl_setfd(socket, FdFlags::empty()).unwrap();
    let mut command = wine(prefix);
    command.arg(program).env(CONTROL_FD, socket.as_raw_fd().to_string()).stdin(Stdio::null());
    if let Some(terminal) = terminal {
        let clone = || terminal.try_clone().unwrap();
        command.env("TERM", "xterm").stdin(clone()).stdout(clone()).stderr(clone());
    }
    let child = command.current_dir(prefix.join("drive_c")).spawn().expect("wine64 is installed");
    fcntl_setfd(socket, FdFlags::CLOEXEC).unwrap();
    child
}

/// Wine's server. Its socket is in the prefix: some Wines leave a folder for each in `/tmp`.
fn server(prefix: &Path) -> Command {
    let mut command = Command::new(WINESERVER);
    command.env("WINEPREFIX", prefix).env("TMPDIR", prefix);
    command
}

fn wine(prefix: &Path) -> Command {
    let mut command = Command::new(WINE);
    std::fs::create_dir_all(prefix).unwrap();
    command.env_clear().env("TMPDIR", prefix).env("WINEPREFIX", prefix).env("WINEDEBUG", "-all");
    command.env("HOME", "/nonexistent").env("USER", "ContainerAdministrator");
    command.env("WINEDLLOVERRIDES", "wineboot.exe,explorer.exe=d").env("LC_ALL", "C.UTF-8");
    command
}

/// The guest, built for Windows now if it is not up to date.
fn guest_exe() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let target = "x86_64-pc-windows-gnu";
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--package", "guest", "--release", "--target", target])
            .args(["--lib", "--bins", "--examples"])
            .status()
            .unwrap();
        assert!(status.success(), "the guest does not build for {target}");
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp");
        directory.join(target).join("release/transom-guest.exe")
    })
}

/// A copy of the prefix whose files are links to the first one's.
fn fresh_prefix(name: &str) -> PathBuf {
    let prefix =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("guest-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&prefix);
    let status =
        Command::new("cp").args(["--archive", "--link"]).arg(template()).arg(&prefix).status();
    assert!(status.unwrap().success(), "copying the prefix");
    for file in ["system.reg", "user.reg", "userdef.reg"] {
        let shared = prefix.join(file);
        let text = std::fs::read(&shared).unwrap();
        std::fs::remove_file(&shared).unwrap();
        std::fs::write(&shared, text).unwrap();
    }
    prefix
}

/// A prefix as `wineboot` makes it, made once.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let done = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest-prefix");
        if !done.join("system.reg").exists() {
            let making = done.with_extension(std::process::id().to_string());
            let boot = wine(&making)
                .args(["wineboot", "--init"])
                .env("WINEDLLOVERRIDES", "mshtml,mscoree,winemenubuilder.exe,explorer.exe=")
                .status();
            assert!(boot.unwrap().success(), "wineboot failed");
            let wait = server(&making).arg("-w").status();
            assert!(wait.unwrap().success());
            let _ = std::fs::remove_file(making.join("dosdevices/z:"));
            let _ = std::fs::rename(&making, &done);
        }
        done
    })
}
