//! Terminals: keys one way, and all that a console shows the other, in HCS' systems and in jobs.
//!
//! Wine gives a program on a pseudo console no streams: the doubles' program opens them for it.

use std::time::Duration;

use engine::system::Reader;
use engine::{Engine as _, HostProcess, HostSystem, Process as _, Stdio, System as _};
use schema::document::ComputeSystem;
use schema::process::ProcessParameters;
use schema::{ExitCode, SystemId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::jobs::job;
use crate::support::{document, engine, probe};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this should not take so long")
}

async fn started(name: &str, document: fn(&SystemId) -> ComputeSystem) -> HostSystem {
    let id =
        SystemId::new(format!("terminal-{name}-{}", std::process::id())).expect("a plain name");
    let system = engine().create(&id, &document(&id)).await.expect("create");
    system.start().await.expect("start");
    system
}

fn on_terminal(line: &str) -> ProcessParameters {
    ProcessParameters {
        command_line: line.to_owned(),
        emulate_console: true,
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    }
}

async fn spawn(system: &HostSystem, parameters: &ProcessParameters) -> (HostProcess, Stdio) {
    within(system.spawn(parameters)).await.expect("spawn")
}

/// What a console shows, up to and with a text.
async fn see(shown: &mut Reader, wanted: &str) -> String {
    let mut seen = Vec::new();
    let look = async {
        while !String::from_utf8_lossy(&seen).contains(wanted) {
            let count = shown.read_buf(&mut seen).await.unwrap_or(0);
            assert!(count > 0, "it ended after {:?}", String::from_utf8_lossy(&seen));
        }
    };
    let came = tokio::time::timeout(PATIENCE, look).await.is_ok();
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(came, "no {wanted:?} in {seen:?}");
    seen
}

/// Everything that it still shows.
async fn rest(mut shown: Reader) -> String {
    let mut seen = Vec::new();
    // A pipe whose writer has gone may end with an error on Windows.
    within(shown.read_to_end(&mut seen)).await.ok();
    String::from_utf8_lossy(&seen).into_owned()
}

/// What it still shows after its end.
async fn type_at_a_shell(system: &HostSystem) -> Reader {
    let mut parameters = on_terminal(&probe("console cmd"));
    parameters.environment.insert("COLOUR".into(), "blue".into());
    parameters.console_size = Some([40, 0]);
    let (process, stdio) = spawn(system, &parameters).await;
    assert!(stdio.stderr.is_none());
    let (mut keys, mut shown) = (stdio.stdin.expect("keys"), stdio.stdout.expect("a screen"));
    let line = format!("echo it is %COLOUR%&{}&exit 7\r", probe("size"));
    keys.write_all(line.as_bytes()).await.expect("a pipe has room");
    let seen = see(&mut shown, "40 lines of 80").await;
    assert!(seen.contains("it is blue"), "{seen:?}");
    assert_eq!(within(process.wait()).await, ExitCode(7), "of {}", system.id());
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_on_a_terminal_takes_keys_and_ends_with_its_code() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    let (double, job) = (started("hcs", |_| document()).await, started("job", job).await);
    type_at_a_shell(&double).await;
    let shown = type_at_a_shell(&job).await;
    rest(shown).await;
    for system in [double, job] {
        system.terminate().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_nobody_types_at_shows_all_to_its_end() {
    let system = started("quiet", job).await;
    let mut parameters = on_terminal(&probe("console cmd /c echo shown&exit 5"));
    parameters.create_std_in_pipe = false;
    let (process, stdio) = spawn(&system, &parameters).await;
    assert!(stdio.stdin.is_none());
    let seen = rest(stdio.stdout.unwrap()).await;
    assert!(seen.contains("shown"), "{seen:?}");
    assert_eq!(within(process.wait()).await, ExitCode(5));
    parameters.create_std_out_pipe = false;
    let (process, stdio) = spawn(&system, &parameters).await;
    assert!(stdio.stdout.is_none());
    assert_eq!(within(process.wait()).await, ExitCode(5), "nor looks at");
    let size = schema::ConsoleSize { height: 30, width: 100 };
    assert!(within(process.resize(size)).await.is_err(), "it has gone");
    system.terminate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_told_although_nobody_reads_what_a_terminal_shows() {
    let system = started("unread", job).await;
    let line = probe("console cmd /c for /l %i in (1,1,50000) do @echo line %i");
    let (process, stdio) = spawn(&system, &on_terminal(&line)).await;
    let mut shown = stdio.stdout.unwrap();
    see(&mut shown, "line 9").await;
    assert!(within(process.terminate(ExitCode(9))).await.unwrap());
    assert_eq!(within(process.wait()).await, ExitCode(9));
    within(system.terminate()).await.unwrap();
    // Only now there is room for what it has shown.
    rest(shown).await;
}
