//! Standard streams without a terminal: bytes in, bytes out, and nothing between.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use crate::support::command::Transom;
use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};
use crate::support::wait;

#[test]
fn stdin_reaches_the_program_and_so_does_its_end() {
    let host = host::shared();
    // Every byte there is, with what Windows text modes would change.
    let input: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[(n % 3) as usize]).collect();
    let flags = ["run", "--rm", "--interactive", &probe::mount(), BASE, PROBE, "echo"];
    let output = host.transom(&flags).input(input.clone()).succeed();
    assert!(output.stdout == input, "{} of {} bytes", output.stdout.len(), input.len());
}

#[test]
fn without_interactive_there_is_no_stdin() {
    let host = host::shared();
    let flags = ["run", "--rm", &probe::mount(), BASE, PROBE, "echo"];
    let output = host.transom(&flags).input("unheard").succeed();
    assert_eq!(output.text(), "");
}

#[test]
fn a_hundred_mebibytes_come_through_stdout_unchanged() {
    let host = host::shared();
    let flags = ["run", "--rm", &probe::mount(), BASE, PROBE, "spew", "100"];
    let mut child = host.transom(&flags).start(|command| {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
    });
    let mut stdout = child.stdout.take().unwrap();
    let different = first_difference(&mut stdout, 100);
    assert_eq!(different, None, "a piece of 64 KiB differs");
    assert!(child.wait().unwrap().success());
}

#[test]
fn stdout_and_stderr_stay_apart() {
    let host = host::shared();
    let flags = ["run", "--rm", &probe::mount(), BASE, PROBE, "say", "out", "err"];
    let output = host.transom(&flags).succeed();
    assert_eq!((output.text().as_str(), output.errors().as_str()), ("out", "err"));
}

#[test]
fn the_log_is_followed_while_the_container_runs() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "count", "99", "500"]);
    let mut follower = container.transom("logs", &["--follow"]).start(|command| {
        command.stdout(Stdio::piped());
    });
    let mut lines = lines_of(follower.stdout.take().unwrap());
    for number in 1..=3 {
        assert_eq!(lines.next().as_deref(), Some(&*format!("line {number}")));
    }
    assert_eq!(container.status(), "running");
    container.transom("kill", &[]).succeed();
    let ended = wait::until("the follower's end", || follower.try_wait().unwrap());
    assert!(ended.success());
}

#[test]
fn logs_can_be_stamped_and_keep_the_streams_apart() {
    let host = host::shared();
    let line = "echo one& echo two& echo three 1>&2& echo four";
    let container = Container::run(&host, &[], &[BASE, "cmd", "/c", line]);
    container.wait();
    let all = container.logs();
    assert_eq!(all.lines(), ["one", "two", "four"], "{all:?}");
    assert_eq!(all.errors().trim_end(), "three");
    let stamped = container.transom("logs", &["--timestamps"]).succeed().lines();
    assert!(stamped[0].starts_with("20") && stamped[0].ends_with("Z one"), "{stamped:?}");
}

#[test]
fn logs_can_be_cut() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "count", "3", "10"]);
    container.wait();
    let logs = |flags: &[&str]| container.transom("logs", flags).succeed().lines();
    assert_eq!(logs(&["--tail", "1"]), ["line 3"]);
    assert_eq!(logs(&["--tail", "0"]), [""; 0]);
    assert_eq!(logs(&["--since", "10m"]).len(), 3);
    assert_eq!(logs(&["--until", "10m"]).len(), 0);
}

#[test]
fn an_attached_start_passes_stdin_and_its_end() {
    let host = host::shared();
    let flags = ["--interactive", &probe::mount()];
    let container = Container::create(&host, &flags, &[BASE, PROBE, "echo"]);
    let start = container.transom("start", &["--attach", "--interactive"]);
    assert_eq!(start.input("through\n").succeed().text(), "through");
    assert_eq!(container.status(), "exited");
}

#[test]
fn who_attaches_may_leave_again() {
    let host = host::shared();
    let flags = ["--interactive", &probe::mount()];
    let container = Container::run(&host, &flags, &[BASE, PROBE, "echo"]);
    for word in ["first", "second"] {
        let mut child = container.transom("attach", &["--sig-proxy=false"]).start(|command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
        });
        let mut stdin = child.stdin.take().unwrap();
        let mut lines = lines_of(child.stdout.take().unwrap());
        // What is typed before the client is attached is lost, as it is at any terminal.
        let seen = std::thread::spawn(move || lines.next());
        wait::until("the line that comes back", || {
            writeln!(stdin, "{word}").unwrap();
            seen.is_finished().then_some(())
        });
        assert_eq!(seen.join().unwrap().as_deref(), Some(word));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(container.status(), "running");
    }
}

/// The index of the first 64 KiB that are not what `probe spew` makes.
fn first_difference(stream: &mut impl Read, mebibytes: usize) -> Option<usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut got = vec![0; 1 << 16];
    for block in 0..mebibytes * 16 {
        if stream.read_exact(&mut got).is_err() {
            return Some(block);
        }
        for word in got.chunks_exact(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if word != state.to_le_bytes() {
                return Some(block);
            }
        }
    }
    let rest = stream.read(&mut got).unwrap_or(1);
    (rest > 0).then_some(mebibytes * 16)
}

fn lines_of(stdout: ChildStdout) -> impl Iterator<Item = String> {
    BufReader::new(stdout).lines().map(|line| line.expect("it prints text").trim_end().to_owned())
}

#[test]
fn a_reader_that_stops_reading_does_not_keep_a_killed_container_from_ending() {
    let host = host::shared();
    let container = Container::create(&host, &[&probe::mount()], &[BASE, PROBE, "spew", "64"]);
    let mut child = container.transom("start", &["--attach"]).start(|command| {
        command.stdout(Stdio::piped());
    });
    let unread = child.stdout.take();
    wait::until("its start", || (container.status() == "running").then_some(()));
    container.transom("kill", &[]).succeed();
    wait::within(Duration::from_secs(30), "the end", || {
        (container.status() == "exited").then_some(())
    });
    drop(unread);
    // Its stdout is gone; how it ends is its own matter, that it does is not.
    child.wait().unwrap();
}

/// What is left when the program has ended is its reader's, however slow that is.
#[test]
fn a_reader_that_is_slow_gets_everything_and_the_exit_code() {
    let host = host::shared();
    let container = Container::create(&host, &[&probe::mount()], &[BASE, PROBE, "spew", "4"]);
    let mut start = Slow::start(container.transom("start", &["--attach"]));
    start.read_until(|| container.status() == "exited");
    assert!(start.left() > 1 << 20, "it was waited for: {} bytes are left", start.left());
    start.read_all();

    let container = Container::idle(&host);
    let mut exec = Slow::start(container.exec(&[PROBE, "spew", "4"]));
    let probes = || {
        let top = container.transom("top", &[]).succeed().text();
        top.matches("probe.exe").count()
    };
    exec.read_until(|| probes() == 1);
    exec.read_all();
}

/// Reads the 4 MiB that `probe spew 4` writes, in its own time.
struct Slow {
    child: std::process::Child,
    stdout: ChildStdout,
    got: Vec<u8>,
}

impl Slow {
    fn start(transom: Transom) -> Self {
        let mut child = transom.start(|command| {
            command.stdin(Stdio::null()).stdout(Stdio::piped());
        });
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut slow = Self { child, stdout, got: Vec::new() };
        slow.read(3 << 19);
        slow
    }

    fn left(&self) -> usize {
        (4 << 20) - self.got.len()
    }

    fn read(&mut self, count: usize) {
        let mut piece = vec![0; count];
        self.stdout.read_exact(&mut piece).expect("there is more");
        self.got.extend(piece);
    }

    /// A piece at a time, with a pause after each, until `over`.
    fn read_until(&mut self, mut over: impl FnMut() -> bool) {
        while !(0..10).any(|_| {
            over() || {
                std::thread::sleep(Duration::from_millis(50));
                false
            }
        }) {
            self.read(128 << 10);
        }
    }

    fn read_all(mut self) {
        let different = first_difference(&mut self.got.as_slice().chain(self.stdout), 4);
        assert_eq!(different, None, "a piece of 64 KiB differs");
        assert!(self.child.wait().expect("a child can be waited for").success());
    }
}
