//! Finding the service, or starting it.

use std::io::BufReader;
use std::net::TcpStream;
use std::os::windows::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::wire::{self, GREETING, PORT_FILE, Request};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one start of it, or its greeting, may take.
const STARTING: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);
/// In no console and no group of the caller's.
const DETACHED: u32 = 0x0000_0008 | 0x0000_0200;

pub(super) fn connect() -> Option<TcpStream> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(stream) = attempt() {
            return Some(stream);
        }
        // One that finds another still dying ends at once: it takes a second attempt.
        start();
        let started = Instant::now();
        while started.elapsed() < STARTING {
            if let Some(stream) = attempt() {
                return Some(stream);
            }
            std::thread::sleep(LOOK);
        }
    }
    None
}

/// A connection to the service; somebody else may have its old port.
fn attempt() -> Option<TcpStream> {
    let port = std::fs::read_to_string(std::env::temp_dir().join(PORT_FILE)).ok()?;
    let mut stream = TcpStream::connect(("127.0.0.1", port.trim().parse::<u16>().ok()?)).ok()?;
    stream.set_nodelay(true).ok()?;
    let hello = Request {
        call: "Hello".to_owned(),
        number: u64::from(std::process::id()),
        ..Request::default()
    };
    wire::send(&mut stream, &hello).ok()?;
    stream.set_read_timeout(Some(STARTING)).ok()?;
    let greeting = wire::receive::<String>(&mut BufReader::new(&stream)).ok()??;
    stream.set_read_timeout(None).ok()?;
    (greeting == GREETING).then_some(stream)
}

/// Beside the DLLs, in `system32`.
fn start() {
    let root =
        std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\windows"), PathBuf::from);
    let mut command = Command::new(root.join("system32").join("hcs-emulator.exe"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Who waits for it sees whether it came up.
    let _ = command.creation_flags(DETACHED).current_dir(r"C:\").spawn();
}
