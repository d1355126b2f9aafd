//! A container's life: create, start, stop, kill, restart, pause, wait, remove.

use std::time::{Duration, Instant};

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};
use crate::support::wait;

#[test]
fn a_created_container_runs_when_it_is_started_and_can_be_started_again() {
    let host = host::shared();
    let container = Container::create(&host, &[], &[BASE, "cmd", "/c", "echo once more"]);
    assert_eq!(container.status(), "created");
    for _ in 0..2 {
        let output = container.transom("start", &["--attach"]).succeed();
        assert_eq!(output.text(), "once more");
        assert_eq!(container.status(), "exited");
    }
}

#[test]
fn what_was_written_to_c_is_there_after_a_restart_and_gone_with_the_container() {
    let host = host::shared();
    let line = r"if exist C:\kept.txt (type C:\kept.txt) else (echo written> C:\kept.txt)";
    let container = Container::create(&host, &[], &[BASE, "cmd", "/c", line]);
    assert_eq!(container.transom("start", &["--attach"]).succeed().text(), "");
    assert_eq!(container.transom("start", &["--attach"]).succeed().text(), "written");
    let other = host.transom(&["run", "--rm", BASE, "cmd", "/c", line]).succeed();
    assert_eq!(other.text(), "");
}

#[test]
fn stop_asks_and_the_program_may_clean_up() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "control"]);
    container.wait_for_log("ready");
    let stopped = container.transom("stop", &["--time", "20"]).succeed();
    assert!(stopped.time < Duration::from_secs(10), "it was killed: {stopped:?}");
    assert!(container.logs().text().contains("event "), "{:?}", container.logs());
    assert!(container.wait() >= 40, "it did not end by itself");
}

#[test]
fn stop_kills_what_does_not_end_in_time() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "stubborn"]);
    container.wait_for_log("ready");
    let begun = Instant::now();
    container.transom("stop", &["--time", "2"]).succeed();
    let took = begun.elapsed();
    assert!((2..15).contains(&took.as_secs()), "{took:?}");
    assert!(container.logs().text().contains("refused"), "it was not asked");
    assert_eq!(container.status(), "exited");
}

#[test]
fn kill_ends_it_at_once_and_ctrl_c_can_be_sent() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "control"]);
    container.wait_for_log("ready");
    container.transom("kill", &["--signal", "INT"]).succeed();
    assert_eq!(container.wait(), 40);

    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "stubborn"]);
    container.wait_for_log("ready");
    container.transom("kill", &[]).succeed();
    assert_ne!(container.wait(), 0);
    assert_eq!(container.status(), "exited");
}

#[test]
fn a_paused_container_stands_still() {
    let host = host::shared();
    // It never stops by itself.
    let line = "for /l %i in (1,1,100000000) do @echo %i";
    let container = Container::run(&host, &[], &[BASE, "cmd", "/c", line]);
    container.wait_for_log("1\n");
    container.transom("pause", &[]).succeed();
    assert_eq!(container.status(), "paused");
    // What was on its way when it froze may still arrive.
    wait::until_it_stays("what it has said", || container.logs().stdout.len());
    container.transom("unpause", &[]).succeed();
    assert_eq!(container.status(), "running");
    container.transom("kill", &[]).succeed();
}

#[test]
fn exec_runs_beside_the_first_program_and_gives_its_own_exit_code() {
    let host = host::shared();
    let container = Container::idle(&host);
    let output = container.exec(&["cmd", "/c", "echo beside& exit 42"]).end_with(42);
    assert_eq!(output.text(), "beside");
    let missing = container.exec(&["no-such-program.exe"]).end_with(127);
    assert!(missing.errors().contains("no-such-program.exe"), "{missing:?}");
    let flags = ["--env", "GIVEN=1", "--workdir", r"C:\Windows"];
    let output = container.exec_with(&flags, &["cmd", "/c", "echo %GIVEN% %CD%"]).succeed();
    assert_eq!(output.text().to_lowercase(), r"1 c:\windows");
    let echoed = container.exec_with(&["--interactive"], &[PROBE, "echo"]).input("a line");
    assert_eq!(echoed.succeed().text(), "a line");
    assert_eq!(container.status(), "running");
}

#[test]
fn a_running_container_is_removed_only_by_force() {
    let host = host::shared();
    let container = Container::idle(&host);
    let refused = container.transom("rm", &[]).fail();
    assert!(refused.errors().contains("running"), "{refused:?}");
    container.transom("rm", &["--force"]).succeed();
    container.transom("inspect", &[]).fail();
}

#[test]
fn restart_runs_it_anew() {
    let host = host::shared();
    let container = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "nap"]);
    container.wait_for_log("asleep");
    let first = container.inspect()["State"]["StartedAt"].clone();
    container.transom("restart", &["--time", "1"]).succeed();
    assert_eq!(container.status(), "running");
    assert_ne!(container.inspect()["State"]["StartedAt"], first);
}

#[test]
fn a_restart_policy_starts_it_again_so_often_and_no_more() {
    let host = host::shared();
    let flags = ["--restart", "on-failure:2"];
    let container = Container::run(&host, &flags, &[BASE, "cmd", "/c", "echo try& exit 9"]);
    crate::support::wait::until("the last try", || {
        let state = container.inspect();
        let over = state["State"]["Status"] == "exited" && state["RestartCount"] == 2;
        over.then_some(())
    });
    assert_eq!(container.logs().lines(), ["try", "try", "try"]);
}

#[test]
fn rm_takes_a_container_away_by_itself_after_its_end() {
    let host = host::shared();
    let container = Container::run(&host, &["--rm"], &[BASE, "cmd", "/c", "exit 0"]);
    crate::support::wait::until("its removal", || {
        let left = host.transom(&["ps", "--all", "--quiet", "--no-trunc"]).succeed();
        (!left.text().contains(container.id())).then_some(())
    });
}

#[test]
fn a_name_is_taken_once() {
    let host = host::shared();
    let name = format!("once{}", std::process::id());
    let first = Container::create(&host, &["--name", &name], &[BASE, "cmd"]);
    let second = host.transom(&["create", "--name", &name, BASE, "cmd"]).fail();
    assert!(second.errors().contains(&name), "{second:?}");
    first.remove();
    Container::create(&host, &["--name", &name], &[BASE, "cmd"]).remove();
}
