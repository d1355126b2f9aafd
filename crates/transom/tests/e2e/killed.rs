//! `kill -9` at any moment of a container's life, of any program that takes part in it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::many::rounds;
use crate::support::chance::Chance;
use crate::support::command::pid;
use crate::support::container::BASE;
use crate::support::host::{self, Host};
use crate::support::leaks::Footprint;
use crate::support::probe::{self, PROBE};
use crate::support::proc::{self, Process};
use crate::support::wait;

/// Who is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Cli,
    Monitor,
    Shim,
    Silo,
    Anything,
}

#[test]
fn whoever_is_killed_whenever_the_rest_can_be_cleared_away() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    // A test before this one may still be letting go of a container of its own.
    wait::until("an empty host", || containers(&host).is_empty().then_some(()));
    let before = Footprint::of(&host);
    let mut chance = Chance::new();
    for round in rounds(50, Duration::from_mins(1)) {
        let victims = [Victim::Cli, Victim::Monitor, Victim::Shim, Victim::Silo, Victim::Anything];
        let victim = victims[round as usize % victims.len()];
        let moment = Duration::from_millis(chance.below(1200));
        println!("round {round}: {victim:?} after {moment:?}");
        let begun = Instant::now();
        one_round(&host, victim, moment, &mut chance);
        let cleared = begun.elapsed();
        before.expect_again(&host);
        println!("  cleared after {cleared:.1?}, nothing left after {:.1?}", begun.elapsed());
    }
    let line = ["run", "--rm", BASE, "cmd", "/c", "echo still works"];
    assert_eq!(host.transom(&line).succeed().text(), "still works");
}

/// The container is out of sight by then, and what it held is found all the same.
#[test]
fn a_monitor_that_is_killed_while_it_gives_back_is_made_up_for() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    wait::until("the end of its monitor", || monitors(&host).is_empty().then_some(()));
    let before = Footprint::of(&host);
    let mut caught = 0;
    // Each attempt has limits of its own.
    let limit = Duration::from_mins(5);
    wait::within(limit, "three monitors that were quick enough to be killed", || {
        let line = ["run", "--rm", "--interactive", &probe::mount(), BASE, PROBE, "echo"];
        let mut cli = host.transom(&line).start(|command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        });
        let mut stdin = cli.stdin.take().expect("it is piped");
        let mut stdout = BufReader::new(cli.stdout.take().expect("it is piped"));
        writeln!(stdin, "here").expect("the program listens");
        stdout.read_line(&mut String::new()).expect("the program answers");
        let own = pid(&cli).as_raw_nonzero().get();
        let all = monitors(&host).into_iter().filter(|process| process.pid != own);
        let all: Vec<Process> = all.collect();
        // The program ends, and with it the command line.
        drop(stdin);
        cli.wait().expect("a child can be waited for");
        caught += all.iter().filter(|monitor| monitor.kill()).count();
        wait::until("the end of its monitor", || monitors(&host).is_empty().then_some(()));
        assert_eq!(containers(&host), "");
        before.expect_again(&host);
        (caught >= 3).then_some(())
    });
}

fn monitors(host: &Host) -> Vec<Process> {
    proc::named(host, "transom")
}

/// Wine's boot program and what it has started end with whoever builds a platform layer.
#[test]
fn a_build_of_the_platform_that_is_killed_leaves_no_program_running() {
    let host = Host::new("half");
    let mut cli = host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).start(|command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    });
    wait::until("Wine at work", || {
        let found = proc::mentioning(&host.root());
        found.iter().any(|process| process.name.contains("rundll32")).then_some(())
    });
    cli.kill().expect("it runs");
    cli.wait().expect("a child can be waited for");
    wait::until("the end of all that it had started", || {
        proc::mentioning(&host.root()).is_empty().then_some(())
    });
}

fn one_round(host: &Host, victim: Victim, moment: Duration, chance: &mut Chance) {
    let flags = ["run", "--name", "victim", &probe::mount()];
    let line = [&flags[..], &[BASE, PROBE, "nap", "2000"]].concat();
    let mut cli = host.transom(&line).start(|command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    });
    std::thread::sleep(moment);
    let cli_pid = pid(&cli).as_raw_nonzero().get();
    for process in chosen(host, victim, cli_pid, chance) {
        process.kill();
    }
    wait::until("the end of the command line", || {
        cli.try_wait().expect("a child can be waited for")
    });
    host.transom(&["ps", "--all"]).succeed();
    let removed = host.transom(&["rm", "--force", "victim"]).output();
    // It may have been killed before there was a container.
    let errors = removed.errors();
    assert!(errors.is_empty() || errors.contains("No such container"), "{removed:?}");
    assert_eq!(containers(host), "");
}

/// The ids of all containers.
fn containers(host: &Host) -> String {
    host.transom(&["ps", "--all", "--quiet"]).succeed().text().clone()
}

fn chosen(host: &Host, victim: Victim, cli: i32, chance: &mut Chance) -> Vec<Process> {
    let own = |name: &str| proc::named(host, name);
    match victim {
        Victim::Cli => own("transom").into_iter().filter(|process| process.pid == cli).collect(),
        Victim::Monitor => {
            own("transom").into_iter().filter(|process| process.pid != cli).collect()
        }
        Victim::Shim => own("containerd-shim-runhcs-v1"),
        Victim::Silo => own("transom-silo").into_iter().take(1).collect(),
        Victim::Anything => {
            let all = proc::of(host);
            let index = chance.below(all.len().max(1) as u64);
            all.into_iter().skip(usize::try_from(index).unwrap_or(0)).take(1).collect()
        }
    }
}
