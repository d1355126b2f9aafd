//! Finding the service, or starting it.

use std::io::BufReader;
use std::net::TcpStream;
use std::os::windows::io::{FromRawHandle as _, OwnedHandle};
use std::path::PathBuf;
use std::ptr;
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CreateProcessW, DETACHED_PROCESS, PROCESS_INFORMATION,
    STARTF_USESTDHANDLES, STARTUPINFOW,
};
use windows_sys::w;

use super::text;
use crate::wire::{self, GREETING, PORT_FILE, Request};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long one start of it, or its greeting, may take.
const STARTING: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

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

/// Beside the DLLs, in `system32`. It inherits nothing: it outlives whoever asks first, and somebody may
/// wait for the end of that one's streams. Whoever waits for it sees whether it came up.
fn start() {
    let root =
        std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\windows"), PathBuf::from);
    let program = root.join("system32").join("hcs-emulator.exe");
    let mut line = text::wide(&format!("\"{}\"", program.display()));
    // Without streams.
    let startup = STARTUPINFOW {
        cb: u32::try_from(size_of::<STARTUPINFOW>()).expect("a small structure"),
        dwFlags: STARTF_USESTDHANDLES,
        ..STARTUPINFOW::default()
    };
    let mut made = PROCESS_INFORMATION::default();
    // SAFETY: the texts end with zeros and live through the call, and the answer has a place.
    unsafe {
        let flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
        let (folder, nothing) = (w!(r"C:\"), ptr::null());
        let line = line.as_mut_ptr();
        if CreateProcessW(
            ptr::null(),
            line,
            nothing,
            nothing,
            0,
            flags,
            nothing.cast(),
            folder,
            &raw const startup,
            &raw mut made,
        ) != 0
        {
            drop([made.hProcess, made.hThread].map(|handle| OwnedHandle::from_raw_handle(handle)));
        }
    }
}
