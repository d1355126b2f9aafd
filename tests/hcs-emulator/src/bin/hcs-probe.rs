//! `hcs-probe.exe`: the program that the tests run in compute systems.
//!
//! `exit <code>` ends with it; `echo` copies lines; `last` runs until it is ended; `endpoint` makes
//! an endpoint on a network of its own, as a network plugin would, and prints its id; `log <file>` is
//! a logger, which writes what it hears of a container to the file; `handles <pid>` counts a process'
//! handles; `event` waits for a control event and ends with 100 more than its number; `console <line>`
//! runs a command line on its console; `size` prints how large the console is that it is on; `sweep`
//! takes away what silos show that are gone.

use std::io::{self, BufRead as _, Read as _, Write as _};

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
        Some("event") => event(),
        Some("size") => size(),
        Some("console") => std::process::exit(on_console(words).expect("it is on a console")),
        Some("endpoint") => endpoint(),
        Some("sweep") => sweep(),
        Some("handles") => handles(&words.next().expect("a pid")),
        Some("log") => log(&words.next().expect("a file")).expect("it can log"),
        _ => std::process::exit(2),
    }
}

/// The pipes' names are in the environment; closing the third says that it is ready.
fn log(file: &str) -> io::Result<()> {
    let open = |variable: &str| {
        let pipe = std::env::var_os(variable).unwrap_or_default();
        std::fs::OpenOptions::new().read(true).write(true).open(pipe)
    };
    let (mut stdout, _stderr) = (open("CONTAINER_STDOUT")?, open("CONTAINER_STDERR")?);
    drop(open("CONTAINER_WAIT")?);
    let mut file = std::fs::File::create(file)?;
    let mut bytes = [0; 4096];
    // A pipe whose writer has gone is at its end.
    while let Ok(count @ 1..) = stdout.read(&mut bytes) {
        file.write_all(&bytes[..count])?;
    }
    writeln!(file, "(the end)")
}

/// Wine puts a program on its pseudo console and gives it no streams to that: here they are opened by
/// name, as Windows gives them unasked.
fn on_console(mut line: impl Iterator<Item = String>) -> io::Result<i32> {
    let open = |name| std::fs::OpenOptions::new().read(true).write(true).open(name);
    let mut command = std::process::Command::new(line.next().unwrap_or_default());
    command.args(line).stdin(open("CONIN$")?).stdout(open("CONOUT$")?).stderr(open("CONOUT$")?);
    Ok(command.status()?.code().unwrap_or(1))
}

#[cfg(windows)]
fn event() {
    hcs_emulator::events::listen();
    println!("listening");
    loop {
        std::thread::park();
    }
}

#[cfg(not(windows))]
fn event() {
    std::process::exit(2);
}

#[cfg(windows)]
fn size() {
    match hcs_emulator::screen::size() {
        Some((lines, columns)) => println!("{lines} lines of {columns}"),
        None => println!("no console"),
    }
}

#[cfg(not(windows))]
fn size() {
    std::process::exit(2);
}

#[cfg(windows)]
fn handles(pid: &str) {
    let count = hcs_emulator::handles::count(pid.parse().expect("a number"));
    println!("{}", count.expect("Windows tells"));
}

#[cfg(not(windows))]
fn handles(_pid: &str) {
    std::process::exit(2);
}

#[cfg(windows)]
fn endpoint() {
    use hcs_emulator::client;
    use hcs_emulator::wire::Request;

    let client = client::client().expect("the service can be reached");
    let ask = |call: &str, handle: u64, settings: &str| {
        let new_handle = client.handle();
        let texts = vec![uuid::Uuid::nil().to_string(), settings.to_owned()];
        let request =
            Request { call: call.to_owned(), handle, new_handle, texts, number: 0, seq: 0 };
        let answer = client.ask(request);
        assert_eq!(answer.result, 0, "{call}: {}", answer.document);
        new_handle
    };
    let network = ask("HcnCreateNetwork", 0, r#"{"Name":"test","Type":"NAT"}"#);
    let settings = r#"{"Name":"eth0","MacAddress":"00-15-5D-00-00-01",
        "IpConfigurations":[{"IpAddress":"10.0.0.4","PrefixLength":24}]}"#;
    let endpoint = ask("HcnCreateEndpoint", network, settings);
    let query = Request {
        call: "HcnQueryEndpointProperties".to_owned(),
        handle: endpoint,
        texts: vec!["{}".to_owned()],
        ..Request::default()
    };
    let told = client.ask(query).document;
    let told = serde_json::from_str::<serde_json::Value>(&told).expect("a document");
    println!("{}", told["ID"].as_str().expect("an id"));
}

#[cfg(not(windows))]
fn endpoint() {
    std::process::exit(2);
}

#[cfg(windows)]
fn sweep() {
    hcs_emulator::silos::sweep();
}

#[cfg(not(windows))]
fn sweep() {
    std::process::exit(2);
}
