//! Containers that are started again, and logs that do not grow for ever.

use crate::support::container::{BASE, Container};
use crate::support::{host, wait};

#[test]
fn a_failing_container_is_started_again_as_often_as_its_policy_says() {
    let host = host::shared();
    let line = "for /l %i in (1,1,40) do @echo line %i of a run & exit /b 7";
    let flags = ["--restart=on-failure:2", "--log-opt=max-size=1k", "--log-opt=max-file=2"];
    let container = Container::run(&host, &flags, &[BASE, "cmd", "/c", line]);
    let state = wait::until("the last run", || {
        let all = container.inspect();
        (all["State"]["Status"] == "exited" && all["RestartCount"] == 2).then_some(all)
    });
    assert_eq!(state["State"]["ExitCode"], 7);
    let log = std::path::PathBuf::from(state["LogPath"].as_str().unwrap());
    let size = |path: &std::path::Path| std::fs::metadata(path).map(|found| found.len());
    assert!(size(&log).unwrap() <= 1024);
    assert!(size(&log.with_extension("log.1")).unwrap() <= 1024);
    assert!(size(&log.with_extension("log.2")).is_err(), "a third file");
    assert!(container.logs().text().ends_with("line 40 of a run"));
}

#[test]
fn what_the_user_stops_stays_stopped() {
    let host = host::shared();
    let container = Container::run(&host, &["--restart=always"], &[BASE, "cmd", "/c", "exit 0"]);
    wait::until("a second run", || {
        (container.inspect()["RestartCount"].as_u64() > Some(0)).then_some(())
    });
    container.transom("stop", &[]).succeed();
    let count = container.inspect()["RestartCount"].as_u64();
    assert_eq!(container.status(), "exited");
    assert_eq!(container.inspect()["RestartCount"].as_u64(), count);
}
