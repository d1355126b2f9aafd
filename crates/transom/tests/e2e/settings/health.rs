//! Health checks run inside, and what they tell is shown.

use crate::support::container::{BASE, Container};
use crate::support::{host, wait};

const OFTEN: [&str; 3] = ["--interactive", "--health-interval=300ms", "--health-retries=2"];

fn flags(check: &str) -> Vec<&str> {
    OFTEN.into_iter().chain([check]).collect()
}

#[test]
fn a_container_is_healthy_unhealthy_and_healthy_again() {
    let host = host::shared();
    let check = r#"--health-cmd=echo checked "it" & if exist C:\sick exit 9"#;
    let container = Container::run(&host, &flags(check), &[BASE, "cmd"]);
    let status = |wanted: &str| {
        wait::until(wanted, || {
            let health = container.inspect()["State"]["Health"].take();
            (health["Status"] == wanted).then_some(health)
        })
    };
    let health = status("healthy");
    let output = health["Log"][0]["Output"].as_str().unwrap_or_default();
    assert!(output.contains(r#"checked "it""#), "{health}");
    container.exec(&["cmd", "/c", r"echo x > C:\sick"]).succeed();
    let health = status("unhealthy");
    assert!(health["FailingStreak"].as_u64().is_some_and(|streak| streak >= 2), "{health}");
    assert!(health["Log"].as_array().is_some_and(|log| log.len() <= 5), "{health}");
    let line =
        ["ps", "--filter", "health=unhealthy", "--no-trunc", "--format", "{{.ID}} {{.Status}}"];
    let listed = host.transom(&line).succeed().text();
    let own = listed.lines().find(|line| line.starts_with(container.id())).unwrap_or_default();
    assert!(own.ends_with("(unhealthy)"), "{listed}");
    container.exec(&["cmd", "/c", r"del C:\sick"]).succeed();
    status("healthy");
    let filter = format!("container={}", container.id());
    let line = ["events", "--since", "5m", "--until", "0s", "--filter", &filter];
    let events =
        host.transom(&line).args(&["--filter", "event=health_status", "--format", "{{.Action}}"]);
    let expected = ["health_status: healthy", "health_status: unhealthy", "health_status: healthy"];
    assert_eq!(events.succeed().lines(), expected);
}

#[test]
fn a_check_that_hangs_has_failed() {
    let host = host::shared();
    let mut flags = flags("--health-cmd=ping -n 100 127.0.0.1");
    flags.push("--health-timeout=500ms");
    let container = Container::run(&host, &flags, &[BASE, "cmd"]);
    let health = wait::until("unhealthy", || {
        let health = container.inspect()["State"]["Health"].take();
        (health["Status"] == "unhealthy").then_some(health)
    });
    assert_eq!(health["Log"][0]["ExitCode"], -1, "{health}");
    let text = health["Log"][0]["Output"].as_str().unwrap_or_default();
    assert!(text.contains("exceeded timeout"), "{health}");
}
