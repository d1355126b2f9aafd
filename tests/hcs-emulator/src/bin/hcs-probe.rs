//! `hcs-probe.exe`: the program that the tests run in compute systems.
//!
//! `exit <code>` ends with it; `echo` copies lines; `last` runs until it is ended.

use std::io::{self, BufRead as _, Write as _};

fn main() {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("exit") => {
            let code = words.next().and_then(|code| code.parse::<u32>().ok()).unwrap_or(1);
            std::process::exit(code.cast_signed());
        }
        Some("echo") => {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                println!("{line}");
                io::stdout().flush().ok();
            }
        }
        Some("last") => loop {
            std::thread::park();
        },
        _ => std::process::exit(2),
    }
}
