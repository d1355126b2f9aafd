//! A terminal with a person at it: a pty, and a screen that is read as a person would read it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use vt100::Parser;

use super::host::{Host, program};
use super::wait;

const ROWS: u16 = 25;
const COLUMNS: u16 = 100;

/// A program at a terminal: `transom`, for the most part.
pub(crate) struct Terminal {
    keys: File,
    screen: Arc<Mutex<Parser>>,
    child: Child,
}

impl Terminal {
    /// Starts it there.
    pub(crate) fn start(host: &Host, arguments: &[&str]) -> Self {
        let mut transom = Command::new(program("transom"));
        host.equip(transom.args(arguments));
        Self::with(&transom)
    }

    /// The same with another program.
    pub(crate) fn with(program: &Command) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are ptys");
        grantpt(&keys).and_then(|()| unlockpt(&keys)).expect("a pty of ours can be unlocked");
        tcsetwinsize(&keys, size(COLUMNS, ROWS)).expect("a pty has a size");
        let child = start_on(&keys, program);
        let screen = Arc::new(Mutex::new(Parser::new(ROWS, COLUMNS, 1000)));
        let keys = File::from(keys);
        let output = keys.try_clone().expect("descriptors can be doubled");
        std::thread::spawn({
            let screen = Arc::clone(&screen);
            move || show(output, &screen)
        });
        Self { keys, screen, child }
    }

    /// Types.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a line and Enter.
    pub(crate) fn line(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// What is on the screen, line by line.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }

    /// Waits until this is to be seen.
    pub(crate) fn wait_for(&self, text: &str) {
        let seen = std::panic::catch_unwind(|| {
            wait::until("text on the screen", || self.screen().contains(text).then_some(()));
        });
        assert!(seen.is_ok(), "`{text}` is not to be seen on:\n{}", self.screen());
    }

    /// Whether the terminal itself shows what is typed.
    pub(crate) fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.keys).expect("a pty has modes").local_modes;
        modes.contains(LocalModes::ECHO)
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        // `setsid` has become it.
        kill_process(Pid::from_child(&self.child), signal).expect("it has not been waited for");
    }

    /// Pulls at the window's corner.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        tcsetwinsize(&self.keys, size(columns, rows)).expect("a pty has a size");
        let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        screen.screen_mut().set_size(rows, columns);
    }

    /// Waits for the end, and gives the exit code.
    pub(crate) fn end(mut self) -> i32 {
        let screen = Arc::clone(&self.screen);
        let ended = wait::until("the end of what runs at the terminal", || {
            self.child.try_wait().expect("a child can be waited for")
        });
        let shown = screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents();
        ended.code().unwrap_or_else(|| panic!("killed; the screen:\n{shown}"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Both fail when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `setsid` makes the pty its controlling terminal.
fn start_on(keys: &OwnedFd, program: &Command) -> Child {
    let name = ptsname(keys, Vec::new()).expect("a pty has a name");
    let name = name.to_str().expect("its name is ASCII");
    let open = || File::options().read(true).write(true).open(name).expect("a pty can be opened");
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("TERM", "xterm-256color").stdin(open()).stdout(open()).stderr(open());
    command.spawn().expect("setsid is a part of every Linux")
}

/// Until the last process at the terminal has gone.
fn show(mut output: File, screen: &Mutex<Parser>) {
    let mut bytes = [0; 4096];
    while let Ok(got @ 1..) = output.read(&mut bytes) {
        screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..got]);
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}
