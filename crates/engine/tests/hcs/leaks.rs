//! Round after round of create, start, run, exec, end and close holds on to nothing, for compute
//! systems and for job containers.
//!
//! `TRANSOM_E2E_FULL` makes it 500 rounds of each. What is counted is this process' handles, as Windows lists
//! them, and what Wine's host shows: its private memory, and the open files of Wine's server.

use std::time::{Duration, Instant};

use engine::{Engine as _, HostSystem, Process as _, System as _};
use schema::SystemId;
use schema::document::ComputeSystem;
use schema::process::ProcessParameters;
use tokio::io::AsyncReadExt as _;

use crate::jobs::job;
use crate::support::{document, engine, probe};

/// Rounds after which everything that stays has been made.
const WARM_UP: usize = 10;
/// One round in so many has a terminal, too: a console is a program of its own.
const CONSOLES: usize = 5;
/// What a round may leave on average, in bytes: less than any handle's record.
const SLACK: u64 = 4096;

/// How often the rounds are run: the tests beside this one are in the same process, and what they take
/// is there once. What is lost in every round is lost each time.
const TRIES: usize = 3;

/// Private memory of this process in bytes, and the session's open files; nothing where there is no
/// `/proc`.
type Held = Option<(u64, usize)>;

/// A file that Wine opens is opened by its server: `self` is that.
fn held() -> Held {
    let memory = std::fs::read_to_string(own_folder()?.join("smaps_rollup")).ok()?;
    let kilobytes = |line: &str| line.split_whitespace().nth(1)?.parse::<u64>().ok();
    let private = memory.lines().filter(|line| line.starts_with("Private_")).filter_map(kilobytes);
    let files = std::fs::read_dir(r"Z:\proc\self\fd").ok()?.count();
    Some((private.sum::<u64>() * 1024, files))
}

/// The handles of this process.
fn handles() -> usize {
    let mut probe = std::process::Command::new(r"C:\windows\system32\hcs-probe.exe");
    let told = probe.args(["handles", &std::process::id().to_string()]).output();
    let told = String::from_utf8(told.expect("the probe runs").stdout).expect("a number");
    told.trim().parse().expect("a number")
}

/// The host's folder of this process, by the name of its program.
fn own_folder() -> Option<std::path::PathBuf> {
    let own = std::env::current_exe().ok()?;
    let name = own.file_name()?.to_str()?;
    let processes = std::fs::read_dir(r"Z:\proc").ok()?.filter_map(Result::ok);
    let mut found = processes.map(|process| process.path()).filter(|process| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(program).contains(name)
    });
    found.next()
}

/// What is made in a round.
struct Kind {
    name: &'static str,
    document: fn(&SystemId) -> ComputeSystem,
}

const KINDS: [Kind; 2] = [
    Kind { name: "compute-system", document: |_| document() },
    Kind { name: "job-container", document: job },
];

async fn round(kind: &Kind, number: usize) {
    let id = format!("leak-{}-{}-{number}", kind.name, std::process::id());
    let id = SystemId::new(id).expect("a plain name");
    let system = engine().create(&id, &(kind.document)(&id)).await.expect("create");
    system.start().await.expect("start");
    let lasts = ProcessParameters { command_line: probe("last"), ..ProcessParameters::default() };
    let (first, _) = system.spawn(&lasts).await.expect("spawn");
    let parameters = ProcessParameters {
        command_line: probe("exit 3"),
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let (process, streams) = system.spawn(&parameters).await.expect("exec");
    let mut said = Vec::new();
    // A pipe whose writer has gone may end with an error on Windows.
    streams.stdout.expect("asked for").read_to_end(&mut said).await.ok();
    assert_eq!(process.wait().await.0, 3);
    if number.is_multiple_of(CONSOLES) {
        on_console(&system).await;
    }
    system.terminate().await.expect("terminate");
    first.wait().await;
}

/// An exec with a terminal, to its end.
async fn on_console(system: &HostSystem) {
    let parameters = ProcessParameters {
        command_line: probe("exit 4"),
        emulate_console: true,
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let (process, _streams) = system.spawn(&parameters).await.expect("exec on a console");
    assert_eq!(process.wait().await.0, 4);
}

/// How long what is being closed may take, beside the runtime and in Wine's server, whose files are
/// also those of the tests that run beside this one.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is held once it is within what was held before, or stays beyond it.
async fn settled(handles_before: usize, before: Held) -> (usize, Held) {
    let begun = Instant::now();
    loop {
        let (handles, held) = (handles(), held());
        let files = held.zip(before).is_none_or(|(then, before)| then.1 <= before.1 + 4);
        if (handles <= handles_before + 4 && files) || begun.elapsed() > PATIENCE {
            return (handles, held);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_leave_neither_memory_nor_handles() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let rounds = if std::env::var_os("TRANSOM_E2E_FULL").is_some() { 500 } else { 30 };
    // One kind after the other: what is counted is the whole process'.
    for kind in KINDS {
        leave_nothing(&kind, rounds).await;
    }
}

async fn leave_nothing(kind: &Kind, rounds: usize) {
    let name = kind.name;
    for number in 0..WARM_UP {
        round(kind, number).await;
    }
    for _ in 1..TRIES {
        if grown_by(kind, rounds).await < most(rounds) {
            return;
        }
    }
    let grown = grown_by(kind, rounds).await;
    assert!(grown < most(rounds), "{name}: {grown} bytes more than before {rounds} rounds");
}

/// What rounds may leave: less than the smallest leak in each would.
fn most(rounds: usize) -> u64 {
    SLACK * rounds as u64 + (1 << 20)
}

/// The memory that there is more of after so many rounds.
async fn grown_by(kind: &Kind, rounds: usize) -> u64 {
    let name = kind.name;
    let (before, handles_before) = (held(), handles());
    let begun = Instant::now();
    for number in WARM_UP..WARM_UP + rounds {
        round(kind, number).await;
    }
    let took = begun.elapsed();
    let (handles_then, then) = settled(handles_before, before).await;
    eprintln!("{name}, {rounds} rounds in {took:?}: {handles_before} then {handles_then} handles");
    assert!(handles_then <= handles_before + 4, "{handles_before} -> {handles_then} handles");
    let (Some((memory, files)), Some((memory_then, files_then))) = (before, then) else {
        eprintln!("skipped: no /proc to count by");
        return 0;
    };
    eprintln!("{name}: {memory} then {memory_then} bytes, {files} then {files_then} files");
    assert!(files_then <= files + 4, "{files} -> {files_then} files");
    memory_then.saturating_sub(memory)
}
