//! Attempts to break out of a silo, from a Windows program that makes Linux system calls.

use crate::subject::{Running, need_host};

const EPERM: i64 = -1;
const EACCES: i64 = -13;
const EROFS: i64 = -30;
const ENOSYS: i64 = -38;
const EAFNOSUPPORT: i64 = -97;

#[tokio::test(flavor = "multi_thread")]
async fn no_system_call_leads_out() {
    need_host!();
    let silo = Running::start("attack", |_| {}).await;
    let text = silo.probe("attack").await;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (what, answer) = line.split_once('=').unwrap();
        let answer: i64 = answer.parse().unwrap();
        let fine: &[i64] = match what {
            "clone3" => &[ENOSYS],
            // To send init a signal is allowed, and does nothing.
            "kill_init" | "own_file_fails" => &[0],
            "socket_packet" | "socket_vsock" => &[EPERM, EAFNOSUPPORT],
            "write_root" | "write_runtime" | "write_hosts" => &[EROFS, EACCES],
            // Some kernels are built without it.
            "write_sysrq" => &[EACCES, EROFS, -2],
            "setuid_other" => &[EPERM, -22],
            _ => &[EPERM, EACCES, EROFS],
        };
        assert!(fine.contains(&answer), "{what} answered {answer}");
    }
    assert!(text.lines().count() > 40, "the probe stopped early: {text}");
    // Init has outlived the signal.
    assert_eq!(silo.run("cmd /c exit 7").await.code, 7);
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_no_power_and_cannot_gain_any() {
    need_host!();
    let silo = Running::start("power", |_| {}).await;
    let status = silo.probe("file /proc/self/status").await;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().to_owned()
    };
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(field("NoNewPrivs"), "1");
    assert_eq!(field("Seccomp"), "2");
    let map = silo.probe("file /proc/self/uid_map").await;
    let map: Vec<&str> = map.split_whitespace().collect();
    assert_eq!(map, ["0", "1000000000", "65536"], "root inside is nobody outside");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_host_is_visible() {
    need_host!();
    let silo = Running::start("sight", |_| {}).await;

    let root = silo.probe("list /").await;
    for name in root.lines().filter(|name| !name.is_empty()) {
        let known = [
            ".", "..", "bin", "sbin", "lib", "lib64", "usr", "etc", "opt", "dev", "proc", "sys",
            "tmp", "run", "wine", "var",
        ];
        assert!(known.contains(&name), "/{name} is visible");
    }
    let devices = silo.probe("list /dev").await;
    for name in devices.lines().filter(|name| !name.is_empty()) {
        let known = [".", "..", "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts"];
        assert!(known.contains(&name), "/dev/{name} is visible");
    }
    let interfaces = silo.probe("list /proc/sys/net/ipv4/conf").await;
    for name in interfaces.lines().filter(|name| !name.is_empty()) {
        assert!([".", "..", "all", "default", "lo"].contains(&name), "{name} is visible");
    }
    let mounts = silo.probe("file /proc/self/mountinfo").await;
    for line in mounts.lines() {
        let kind = line.split(" - ").nth(1).unwrap_or_default();
        let upper = line.contains("upperdir=") && !line.contains("upperdir=s/upper");
        assert!(!upper && !kind.contains("lowerdir=/"), "a host path shows: {line}");
    }
    for masked in ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/latency_stats"] {
        let text = silo.probe(&format!("file {masked}")).await;
        assert!(text.trim().is_empty() || text.starts_with("open=-"), "{masked}: {text:?}");
    }
    let limits = silo.probe("file /proc/1/cgroup").await;
    assert!(!limits.contains("transom"), "the control group's name shows: {limits}");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_paths_reach_only_what_is_inside() {
    need_host!();
    let secret = tempfile::Builder::new().prefix("silo-secret-").tempdir().unwrap();
    std::fs::write(secret.path().join("key"), "host secret").unwrap();
    let silo = Running::start("paths", |_| {}).await;
    let path = secret.path().join("key").display().to_string().replace('/', r"\");
    for spelled in [
        format!(r"\\?\unix{path}"),
        format!(r"Z:{path}"),
        format!(r"\\?\Z:{path}"),
        format!(r"\\.\unix{path}"),
        r"\\?\unix\etc\shadow".to_owned(),
        r"\\?\unix\proc\1\environ".to_owned(),
        r"\\.\PhysicalDrive0".to_owned(),
    ] {
        let outcome = silo.run(&format!("cmd /c type {spelled}")).await;
        assert!(!outcome.out.contains("host secret"), "{spelled} leads out");
        assert!(outcome.out.trim().is_empty(), "{spelled}: {:?}", outcome.out);
    }
    assert!(silo.run("cmd /c dir Z:").await.code != 0, "there is a Z:");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_and_no_variable_of_the_host_is_visible() {
    need_host!();
    let silo = Running::start("env", |_| {}).await;
    let numbers = silo.probe("list /proc").await;
    let pids = numbers.lines().filter_map(|name| name.parse::<u32>().ok());
    assert!(pids.max().unwrap() < 1000, "host pids show");
    let environment = silo.run("cmd /c set").await.out;
    for (name, text) in std::env::vars() {
        if text.len() > 8 && !name.starts_with("PATH") {
            assert!(!environment.contains(&text), "{name} shows inside");
        }
    }
    let linux = silo.probe("file /proc/self/environ").await;
    assert!(!linux.contains("CARGO"), "{linux:?}");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_containers_do_not_see_each_other() {
    need_host!();
    let a = Running::start("one", |_| {}).await;
    let b = Running::start("two", |_| {}).await;
    a.run(r"cmd /c echo mine> C:\mine.txt").await;
    assert_eq!(b.run(r"cmd /c type C:\mine.txt").await.out.trim(), "");
    let (process, _streams) = {
        use engine::System;
        a.system.spawn(&crate::host::command(r"C:\probe.exe last")).await.unwrap()
    };
    assert!(!b.run("tasklist").await.out.contains("probe"), "a process of the other shows");
    drop(process);
    a.end().await;
    b.end().await;
}
