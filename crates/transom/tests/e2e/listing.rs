//! What is told of containers: ps, inspect, stats, top, events, info, version, doctor.

use std::process::Stdio;

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};

#[test]
fn ps_shows_what_runs_and_with_all_the_rest() {
    let host = host::shared();
    let flags = ["--label", "test=listing"];
    let mount = probe::mount();
    let mounted = ["--label", "test=listing", &mount];
    let running = Container::run(&host, &mounted, &[BASE, PROBE, "nap"]);
    let created = Container::create(&host, &flags, &[BASE, "cmd"]);
    let ids = |flags: &[&str]| {
        let filter = ["ps", "--quiet", "--no-trunc", "--filter", "label=test=listing"];
        host.transom(&[&filter, flags].concat()).succeed().lines()
    };
    assert_eq!(ids(&[]), [running.id()]);
    let mut all = ids(&["--all"]);
    all.sort();
    let mut both = [running.id(), created.id()];
    both.sort_unstable();
    assert_eq!(all, both);
    assert_eq!(ids(&["--filter", "status=created"]), [created.id()]);
    let format = ["ps", "--filter", "label=test=listing", "--format", "{{.Image}} {{.Status}}"];
    let table = host.transom(&format).succeed().text();
    assert!(table.starts_with("transom/base Up "), "{table}");
}

/// As with a shell's own tools: `transom ps | head -0`.
#[test]
fn a_reader_that_has_gone_is_no_reason_to_complain() {
    let host = host::shared();
    let container = Container::run(&host, &[], &[BASE, "cmd", "/c", "echo said"]);
    container.wait();
    let lines: [&[&str]; 5] = [
        &["ps", "--all"],
        &["images"],
        &["inspect", container.id()],
        &["logs", container.id()],
        &["completion", "bash"],
    ];
    for line in lines {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = host.transom(line).start(|command| {
            command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        });
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*errors), (Some(141), ""), "{line:?}");
    }
}

#[test]
fn an_id_may_be_cut_short_and_a_format_picks_a_field() {
    let host = host::shared();
    let container = Container::create(&host, &[], &[BASE, "cmd"]);
    let short = &container.id()[..12];
    let line = ["inspect", "--format", "{{.Id}} {{.State.Status}}", short];
    let output = host.transom(&line).succeed();
    assert_eq!(output.text(), format!("{} created", container.id()));
}

#[test]
fn top_and_stats_show_the_processes_and_what_they_take() {
    let host = host::shared();
    let container = Container::idle(&host);
    let top = container.transom("top", &[]).succeed().text().to_lowercase();
    assert!(top.contains("probe.exe"), "{top}");
    let flags = ["--no-stream", "--format", "json"];
    let stats = container.transom("stats", &flags).succeed().json();
    let memory = stats["MemUsage"].as_str().or(stats["PrivWorkingSet"].as_str());
    assert!(memory.is_some_and(|memory| !memory.starts_with("0B")), "{stats}");
    assert!(stats["NetIO"].as_str().is_some_and(|traffic| traffic.contains("B / ")), "{stats}");
}

#[test]
fn events_tell_of_a_life_in_order() {
    let host = host::shared();
    let container = Container::run(&host, &[], &[BASE, "cmd", "/c", "exit 4"]);
    assert_eq!(container.wait(), 4);
    let id = container.id().to_owned();
    container.remove();
    let format = ["events", "--since", "10m", "--until", "0s", "--format", "{{.Action}}"];
    let filter = format!("container={id}");
    let events = host.transom(&format).args(&["--filter", &filter]).succeed().lines();
    let wanted = ["create", "start", "die", "destroy"];
    let seen: Vec<_> = events.iter().filter(|event| wanted.contains(&&***event)).collect();
    assert_eq!(seen, wanted, "{events:?}");
    let format = ["events", "--since=10m", "--until=0s", "--format={{.Status}} {{.ID}} {{.From}}"];
    let events = host.transom(&format).args(&["--filter", &filter]).succeed().lines();
    assert_eq!(events[0], format!("create {id} {BASE}"), "docker's older names");
}

#[test]
fn containers_are_found_by_their_whole_name_their_port_and_a_label() {
    let host = host::shared();
    let name = format!("found{}", std::process::id());
    let longer = format!("{name}x");
    let flags = ["--name", &name, "--label", "a.b=c,d", "--publish", "127.0.0.1::4321/udp"];
    let one = Container::create(&host, &flags, &[BASE, "cmd"]);
    let other = Container::create(&host, &["--name", &longer], &[BASE, "cmd"]);
    let list = |filters: &[String]| {
        let filters = filters.iter().flat_map(|filter| ["--filter", filter.as_str()]);
        let filters: Vec<&str> = filters.collect();
        let line = ["ps", "--all", "--no-trunc", "--format", r#"{{.ID}} {{.Label "a.b"}}"#];
        host.transom(&line).args(&filters).succeed().lines()
    };
    assert_eq!(list(&[format!("name=^{name}$")]), [format!("{} c,d", one.id())]);
    assert_eq!(list(&[format!("name={name}")]).len(), 2);
    let port = list(&[format!("name={name}"), "publish=4300-4400/udp".to_owned()]);
    assert_eq!(port, [format!("{} c,d", one.id())]);
    assert!(list(&[format!("name={name}"), "publish=4321".to_owned()]).is_empty());
    host.transom(&["ps", "--filter", "status=foo"]).fail();
    let sized = ["ps", "--all", "--format", "{{.Size}}", "--filter", &format!("name={longer}")];
    assert!(host.transom(&sized).succeed().text().starts_with("0B (virtual "));
    drop(other);
}

#[test]
fn version_and_info_answer_in_json() {
    let host = host::shared();
    for verb in ["version", "info"] {
        let answer = host.transom(&[verb, "--format", "json"]).succeed().json();
        assert!(answer.is_object(), "{answer}");
    }
}

#[test]
fn doctor_finds_this_host_fit() {
    let host = host::shared();
    let output = host.transom(&["doctor"]).succeed();
    assert!(output.text().contains("Wine"), "{output:?}");
}

#[test]
fn completion_is_there_for_the_usual_shells() {
    let host = host::shared();
    for shell in ["bash", "zsh", "fish"] {
        let script = host.transom(&["completion", shell]).succeed().text();
        assert!(script.contains("transom"), "{shell}");
    }
}

#[test]
fn what_takes_room_is_told_and_how_an_image_was_made() {
    let host = host::shared();
    let container = Container::create(&host, &[], &[BASE, "cmd"]);
    let table = host.transom(&["system", "df"]).succeed().lines();
    let kinds = ["Images", "Containers", "Local Volumes", "Build Cache"];
    assert!(table[0].starts_with("TYPE") && table.len() == 1 + kinds.len(), "{table:?}");
    assert!(table[1..].iter().zip(kinds).all(|(row, kind)| row.starts_with(kind)), "{table:?}");
    let whole = host.transom(&["system", "df", "--verbose"]).succeed().text();
    let sections = ["Images space", "Containers space", "Local Volumes space", "Build cache"];
    assert!(sections.iter().all(|section| whole.contains(section)), "{whole}");
    assert!(whole.contains(&container.id()[..12]) && whole.contains("SHARED SIZE"), "{whole}");
    let image = container.inspect()["Image"].as_str().unwrap().replace("sha256:", "");
    let history = host.transom(&["history", BASE]).succeed().lines();
    assert!(history[0].contains("SIZE") && history[1].starts_with(&image[..12]), "{history:?}");
    let format = ["history", "--no-trunc", "--human=false", "--format", "{{.CreatedBy}} {{.Size}}"];
    let line = host.transom(&format).arg(BASE).succeed().text();
    assert!(line.starts_with("transom/base ") && !line.ends_with('B'), "{line}");
    let all = host.transom(&["images", "-aq", "--filter", &format!("before={BASE}")]).succeed();
    assert!(!all.text().contains(&image[..12]), "{all:?}");
}

#[test]
fn what_is_pruned_can_be_told_by_its_label() {
    let host = host::shared();
    let label = format!("prune={}", std::process::id());
    let mine = Container::create(&host, &["--label", &label], &[BASE, "cmd"]);
    let other = Container::create(&host, &[], &[BASE, "cmd"]);
    let network = label.replace('=', "-");
    host.transom(&["network", "create", "--label", &label, &network]).succeed();
    let filter = format!("label={label}");
    let pruned = host.transom(&["container", "prune", "-f", "--filter", &filter]).succeed().lines();
    assert_eq!(pruned[..2], ["Deleted Containers:", mine.id()], "{pruned:?}");
    assert!(pruned.last().unwrap().starts_with("Total reclaimed space: "), "{pruned:?}");
    assert_eq!(other.status(), "created");
    let pruned = host.transom(&["system", "prune", "-f", "--filter", &filter]).succeed().lines();
    assert_eq!(pruned[..2], ["Deleted Networks:", &network], "{pruned:?}");
    let refused = host.transom(&["network", "prune", "-f", "--filter", "all=1"]).fail();
    assert!(refused.errors().contains("invalid filter 'all'"), "{refused:?}");
}
