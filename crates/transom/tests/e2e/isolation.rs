//! Out of a container nothing of the host is to be seen or reached, also not by Linux system
//! calls that Wine knows nothing of.

use std::collections::BTreeSet;

use crate::support::command::Output;
use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};
use crate::support::proc;

/// The first host id that containers' ids may stand for.
const FIRST_ID: u64 = 1_000_000_000;

fn ask(container: &Container<'_>, line: &[&str]) -> Output {
    container.exec(&[PROBE]).args(line).output()
}

#[test]
fn no_host_file_is_reached_by_a_windows_path() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let secret = host.folder().join("secret.txt");
    std::fs::write(&secret, "SECRET OF THE HOST").unwrap();
    let below_unix = secret.display().to_string().replace('/', r"\");
    let paths = [
        format!(r"\\?\unix{below_unix}"),
        format!(r"\\?\Z:{below_unix}"),
        format!(r"Z:{below_unix}"),
        format!(r"\\.\unix{below_unix}"),
        format!(r"C:\..\..\..\..{below_unix}"),
        format!(r"\\?\GLOBALROOT\??\unix{below_unix}"),
        r"\\?\unix\etc\shadow".to_owned(),
        r"\\?\unix\proc\1\environ".to_owned(),
    ];
    for path in &paths {
        let output = ask(&inside, &["look", path]);
        assert!(output.text().starts_with("error "), "{path}: {output:?}");
    }
    assert_eq!(ask(&inside, &["drives"]).text(), "C:");
}

#[test]
fn no_host_file_is_reached_by_a_linux_path() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let secret = host.folder().join("secret-linux.txt");
    std::fs::write(&secret, "SECRET OF THE HOST").unwrap();
    let below_root = format!("/proc/1/root{}", secret.display());
    let paths = [
        secret.to_str().unwrap(),
        &below_root,
        "/etc/shadow",
        "/etc/hostname-of-the-host",
        "/root/.bashrc",
        "/proc/kcore",
        "/proc/keys",
        "/proc/sysrq-trigger",
        "/dev/sda",
        "/dev/vda",
        "/dev/mem",
        "/dev/kmsg",
        "/sys/kernel/debug",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ];
    for path in paths {
        let text = ask(&inside, &["cat", path]).text();
        assert!(text.is_empty() || text.starts_with("errno "), "{path}: {text}");
    }
}

#[test]
fn the_root_folder_holds_what_wine_needs_and_no_more() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let of_host: BTreeSet<String> = std::fs::read_dir("/")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let names = ask(&inside, &["ls", "/"]).lines();
    for never in ["home", "root", "boot", "srv", "media", "mnt", "opt"] {
        let shown = of_host.contains(never) && names.iter().any(|name| name == never);
        assert!(!shown, "/{never} is there: {names:?}");
    }
    let output = ask(&inside, &["ls", "/dev"]);
    let allowed = ["null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd"];
    let also = ["stdin", "stdout", "stderr", "console", ".", "..", "mqueue"];
    for name in output.lines() {
        assert!(allowed.contains(&&*name) || also.contains(&&*name), "/dev/{name}");
    }
}

#[test]
fn the_runtime_cannot_be_written() {
    let host = host::shared();
    let inside = Container::idle(&host);
    for path in ["/usr/lib/wine/planted", "/etc/planted", "/planted", "/proc/sys/kernel/hostname"] {
        let text = ask(&inside, &["create", path]).text();
        assert!(text.starts_with("errno "), "{path}: {text}");
    }
}

#[test]
fn no_process_of_the_host_is_visible() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let pids = ask(&inside, &["pids"]).lines();
    assert!(pids.len() < 30, "{pids:?}");
    let shown = ask(&inside, &["ls", "/proc"]).lines();
    let of_host = std::process::id().to_string();
    let high = shown.iter().filter_map(|name| name.parse::<u32>().ok()).filter(|pid| *pid > 1000);
    assert_eq!(high.count(), 0, "{shown:?}");
    assert!(!shown.contains(&of_host));
}

#[test]
fn no_variable_of_the_host_is_visible_to_a_look_at_any_process() {
    let host = host::shared();
    let inside = Container::idle(&host);
    for pid in ["self", "1", "2"] {
        let path = format!("/proc/{pid}/environ");
        let exec = inside.exec(&[PROBE, "cat", &path]).env("SECRET_OF_THE_HOST", "leaked");
        let text = exec.output().text();
        assert!(!text.contains("SECRET_OF_THE_HOST") && !text.contains("TRANSOM_ROOT"), "{text}");
    }
}

#[test]
fn no_interface_of_the_host_is_visible() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let flags = ["run", "--rm", "--network", "none", &probe::mount(), BASE, PROBE, "interfaces"];
    assert_eq!(host.transom(&flags).succeed().text(), "lo");
    let connected = ask(&inside, &["interfaces"]).lines();
    assert!(connected.len() <= 2 && connected.contains(&"lo".to_owned()), "{connected:?}");
}

#[test]
fn root_inside_has_no_capability_no_new_privileges_and_a_filter() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let text = ask(&inside, &["cat", "/proc/self/status"]).text();
    let status = proc::status(&text);
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{set}");
    }
    assert_eq!(status["NoNewPrivs"], "1");
    assert_eq!(status["Seccomp"], "2");
    assert_eq!(status["Groups"], "", "groups of the host");
    let map = ask(&inside, &["cat", "/proc/self/uid_map"]).text();
    let numbers: Vec<u64> = map.split_whitespace().map(|word| word.parse().unwrap()).collect();
    assert_eq!(numbers[0], 0);
    assert!(numbers[1] >= FIRST_ID && numbers[2] <= 65536, "{map}");
}

#[test]
fn what_could_lead_out_is_refused_by_the_kernel() {
    let host = host::shared();
    let inside = Container::idle(&host);
    let output = ask(&inside, &["attempts"]);
    let lines = output.lines();
    assert!(lines.len() > 25, "{output:?}");
    for line in lines {
        let (name, answer) = line.split_once(' ').unwrap();
        // Not permitted, no access, or no such call.
        assert!(["-1", "-13", "-38"].contains(&answer), "{name} was answered with {answer}");
    }
}

#[test]
fn one_container_does_not_see_another() {
    let host = host::shared();
    let other = Container::run(&host, &[&probe::mount()], &[BASE, PROBE, "nap"]);
    other.wait_for_log("asleep");
    let tasks = host.transom(&["run", "--rm", BASE, "tasklist"]).succeed().text();
    assert!(!tasks.contains("probe.exe"), "{tasks}");
    let top = other.transom("top", &[]).succeed().text();
    assert!(top.contains("probe.exe"), "{top}");
}
