//! What a person does with `ctr` beside running a container to its end: terminals, attaching, metrics,
//! logs in files.

use super::daemon::Daemon;
use super::images::RUN;
use crate::support::container::BASE;
use crate::support::containerd::Told;
use crate::support::host::{self, Host};
use crate::support::probe;
use crate::support::terminal::Terminal;
use crate::support::wait;

const RUNTIME: [&str; 2] = ["--runtime", "io.containerd.runhcs.v1"];
const IMAGE: &str = "docker.io/transom/base:latest";
const PROBE: &str = r"C:\probe\probe.exe";

fn daemon(host: &Host) -> Daemon {
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let daemon = Daemon::start(host);
    daemon.convert(host, "default", &["--drop-user"], BASE);
    daemon
}

fn mount() -> String {
    format!("type=bind,src={},dst=/C:/probe,options=rbind:ro", probe::folder().display())
}

#[test]
fn a_person_sits_at_a_container_at_an_exec_and_at_one_that_ran_before() {
    let host = host::shared();
    let daemon = daemon(&host);
    let at = |line: &[&str]| Terminal::with(&daemon.ctr(line));

    let mount = mount();
    let flags = ["--tty", "--mount", &mount, IMAGE, "pty", PROBE, "console"];
    let mut sized = at(&[&RUN[..], &flags].concat());
    sized.wait_for("size 100x25");
    sized.resize(90, 40);
    // The program looks when a line comes.
    wait::until("the new size", || {
        sized.line("");
        sized.screen().contains("size 90x40").then_some(())
    });
    daemon.succeed(&["task", "kill", "--signal", "9", "pty"]);
    assert_ne!(sized.end(), 0);

    let detached = ["run", "--detach", "--tty"];
    let made = at(&[&detached[..], &RUNTIME, &[IMAGE, "kept", "cmd"]].concat());
    assert_eq!(made.end(), 0);
    let mut exec = at(&["task", "exec", "--tty", "--exec-id", "e", "kept", "cmd"]);
    exec.wait_for(r"C:\>");
    exec.line("exit 6");
    assert_eq!(exec.end(), 6);
    let metrics = daemon.succeed(&["task", "metrics", "kept"]);
    for word in ["memory.usage_in_bytes", "cpuacct.usage", "pids.current"] {
        let row = metrics.lines().find(|line| line.starts_with(word)).expect(&metrics);
        let value = row.split_whitespace().nth(1).and_then(|value| value.parse::<u64>().ok());
        assert!(value.is_some_and(|value| value > 0), "{row}");
    }
    let mut attached = at(&["task", "attach", "kept"]);
    attached.wait_for(r"C:\>");
    attached.line("exit 8");
    assert_eq!(attached.end(), 8);
    daemon.ended(&["task", "delete", "kept"]);
    daemon.succeed(&["container", "delete", "kept"]);
}

#[test]
fn a_log_is_written_where_its_address_says_and_running_out_of_memory_is_told() {
    let host = host::shared();
    let daemon = daemon(&host);
    let log = daemon.folder("my logs").join("für c.txt");
    // As it is typed; `ctr` escapes it.
    let address = format!("file://{}", log.display());
    let flags = ["--log-uri", &address, IMAGE, "logged", "cmd", "/c", "echo told"];
    daemon.succeed(&[&RUN[..], &flags].concat());
    assert_eq!(std::fs::read_to_string(&log).unwrap().trim_end(), "told");

    let mut events = daemon.events();
    let mount = mount();
    let flags = ["--memory-limit", "268435456", "--mount", &mount, IMAGE, "hungry"];
    let (status, text) = daemon.ended(&[&RUN[..], &flags, &[PROBE, "eat", "2000"]].concat());
    assert!(status != Some(0) && !text.contains("ate 2000"), "{status:?}: {text}");
    let told = wait::until("the deletion", || {
        let told = events.of_task("hungry");
        told.iter().any(|told| told.topic == "delete").then_some(told)
    });
    let topics: Vec<&str> = told.iter().map(|Told { topic, .. }| topic.as_str()).collect();
    let place = |topic| topics.iter().position(|told| *told == topic).expect(topic);
    assert!(place("start") < place("oom") && place("oom") < place("delete"), "{topics:?}");
}
