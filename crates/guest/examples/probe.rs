//! A Windows program for the guest's tests: tells what happens to it.
//!
//! ```text
//! probe events CODE   prints "ready", then each control event; ends with CODE at the first
//! probe stay          prints "ready", then each control event, and stays
//! probe map           needs a seed: fills a map
//! probe size          prints the console's size, and again for each line it reads
//! ```

#![cfg_attr(windows, expect(unsafe_code, reason = "it asks Windows itself"))]

#[cfg(not(windows))]
fn main() {}

#[cfg(windows)]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("events") => windows::events(arguments[2].parse().expect("a code")),
        Some("stay") => windows::stay(),
        Some("map") => windows::map(),
        Some("size") => windows::sizes(),
        other => panic!("cannot do {other:?}"),
    }
}

#[cfg(windows)]
mod windows {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU32, Ordering};

    use windows_sys::Win32::System::Console::{
        GetConsoleScreenBufferInfo, GetStdHandle, STD_OUTPUT_HANDLE, SetConsoleCtrlHandler,
    };
    use windows_sys::Win32::System::Threading::ExitProcess;

    static CODE: AtomicU32 = AtomicU32::new(0);

    pub(super) fn events(code: u32) {
        unsafe extern "system" fn handler(event: u32) -> i32 {
            println!("event {event}");
            // SAFETY: ends the process.
            unsafe { ExitProcess(CODE.load(Ordering::SeqCst)) }
        }
        CODE.store(code, Ordering::SeqCst);
        // SAFETY: the handler lives as long as the program.
        unsafe { SetConsoleCtrlHandler(Some(handler), 1) };
        println!("ready");
        std::thread::sleep(std::time::Duration::from_mins(10));
    }

    pub(super) fn stay() {
        unsafe extern "system" fn handler(event: u32) -> i32 {
            println!("event {event}");
            // The default handler, which would end the process, is not asked.
            1
        }
        // SAFETY: the handler lives as long as the program.
        unsafe { SetConsoleCtrlHandler(Some(handler), 1) };
        println!("ready");
        std::thread::sleep(std::time::Duration::from_mins(10));
    }

    pub(super) fn map() {
        let map: HashMap<u32, u32> = (0..10).map(|n| (n, n * n)).collect();
        println!("{}", map[&9]);
    }

    pub(super) fn sizes() {
        tell_size();
        for _ in std::io::stdin().lines() {
            tell_size();
        }
    }

    fn tell_size() {
        // SAFETY: all of the structure's fields may be zero; the call fills it.
        let size = unsafe {
            let mut info = std::mem::zeroed();
            GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &raw mut info);
            info.srWindow
        };
        println!("size={}x{}", size.Bottom - size.Top + 1, size.Right - size.Left + 1);
    }
}
