//! What is told of a step that fails, and what is left when a build is given up.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Context, build, spoke};
use crate::support::host;
use crate::support::leaks::Footprint;
use crate::support::wait;

/// `DockerfileInvalidCommand`.
#[test]
fn a_failed_step_shows_its_output_its_line_and_its_exit_code() {
    let host = host::shared();
    let context = Context::new("FROM transom/base\n# two\nRUN echo one && \\\n    exit 42\n");
    let output = build(&host, &context, &[]).end_with(1);
    let said = output.errors();
    for wanted in [
        "process \"cmd /S /C echo one &&     exit 42\" did not complete successfully: exit code: 42",
        "Dockerfile:3",
        "   3 | >>> RUN echo one && \\",
        "   4 | >>>     exit 42",
        "   2 |     # two",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert!(spoke(&said, "one"), "{said}");
    let context = Context::new("FROM transom/base\nRUN invalidcmd\n");
    let said = build(&host, &context, &[]).end_with(1).errors();
    assert!(said.contains("cmd /S /C invalidcmd"), "{said}");
    // In the words of Wine's cmd.
    assert!(said.contains("'invalidcmd' as an internal or external command"), "{said}");
}

#[test]
fn an_interrupt_ends_the_step_and_nothing_is_left() {
    let host = host::alone();
    // Whatever the first build of a host makes stays.
    let context = Context::new("FROM transom/base\nRUN echo ready\n");
    host.transom(&["build"]).arg(context.0.path()).succeed();
    let before = Footprint::of(&host);
    let context = Context::new(
        "FROM transom/base\nRUN --mount=type=cache,target=C:\\\\c echo begun && ping -n 600 127.0.0.1\n",
    );
    let mut child =
        host.transom(&["build", "--progress", "plain"]).arg(context.0.path()).start(|command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        });
    let mut lines = std::io::BufReader::new(child.stderr.take().expect("stderr is piped"));
    let (mut line, mut said) = (String::new(), String::new());
    while !line.trim_end().ends_with(" begun") {
        line.clear();
        let read = std::io::BufRead::read_line(&mut lines, &mut line).expect("it is text");
        assert!(read > 0, "it ended: {said}");
        said.push_str(&line);
    }
    interrupt(&mut child);
    std::io::Read::read_to_string(&mut lines, &mut said).expect("it is text");
    assert!(said.contains("canceled"), "{said}");
    before.expect_again(&host);
    let runs = std::fs::read_dir(host.root().join("build/run")).expect("there were runs");
    let left: Vec<_> = runs.flatten().filter(|entry| entry.path().is_dir()).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Pulling, fetching and pushing wait for others, who may never answer.
#[test]
fn an_interrupt_ends_what_waits_for_a_server_that_says_nothing() {
    let host = host::shared();
    let silent = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    silent.set_nonblocking(true).expect("a socket can be asked");
    let address = silent.local_addr().expect("a bound socket has an address");
    let name = format!("{address}/test/pushed:1");
    for (dockerfile, flags) in [
        (format!("FROM {address}/test/base:1\n"), &[][..]),
        (format!("FROM transom/base\nADD http://{address}/x C:/x\n"), &[]),
        (format!("FROM transom/base\nADD http://{address}/x.git C:/x\n"), &[]),
        ("FROM transom/base\nLABEL a=b\n".to_owned(), &["--push", "-t", &name]),
    ] {
        let context = Context::new(&dockerfile);
        let mut child = build(&host, &context, flags).start(|command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        });
        let _client = wait::until("a connection", || silent.accept().ok());
        interrupt(&mut child);
        let (mut stderr, mut said) = (child.stderr.take().expect("it is piped"), String::new());
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("it is text");
        assert!(said.contains("canceled"), "{dockerfile}: {said}");
    }
}

/// Interrupts a build, which then fails.
fn interrupt(child: &mut Child) {
    kill_process(Pid::from_child(child), Signal::INT).expect("it runs");
    let status = wait::within(Duration::from_mins(1), "the end of the build", || {
        child.try_wait().expect("it is our child")
    });
    assert!(!status.success(), "{status}");
}
