//! Many builds at once, and builds that are killed: one cache, and nothing left.

use std::process::Stdio;
use std::time::Duration;

use crate::many::rounds;
use crate::support::host::{self, Host};
use crate::support::leaks::Footprint;
use crate::support::{proc, wait};

fn context(steps: &[String]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    let dockerfile = format!("FROM transom/base\n{}\n", steps.join("\n"));
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).expect("a file can be written");
    folder
}

fn command<'a>(context: &'a tempfile::TempDir, name: &'a str) -> [&'a str; 6] {
    let path = context.path().to_str().expect("a path in UTF-8");
    ["build", "--network", "none", "-t", name, path]
}

#[test]
fn of_ten_builds_at_once_one_does_a_step_and_the_others_have_it() {
    let host = host::alone();
    let salt = std::process::id();
    let shared = [
        format!("RUN echo shared {salt} >C:\\\\shared.txt"),
        "RUN type C:\\\\shared.txt>C:\\\\again.txt".to_owned(),
    ];
    // The first container of all makes folders that stay.
    host.transom(&["run", "--rm", "transom/base", "cmd", "/c", "exit"]).succeed();
    let before = Footprint::of(&host);
    let said: Vec<String> = std::thread::scope(|scope| {
        let builds: Vec<_> = (0..10)
            .map(|number| {
                let (host, shared) = (&host, &shared);
                scope.spawn(move || {
                    let own = format!("RUN echo number {number} >C:\\\\own.txt");
                    let context = context(&[&shared[..], &[own]].concat());
                    let name = format!("test/many:{number}");
                    let limit = Duration::from_mins(5);
                    let build = host.transom(&command(&context, &name)).limit(limit).succeed();
                    // Pruning meanwhile takes nothing that a build needs.
                    host.transom(&["image", "prune", "-f"]).limit(limit).succeed();
                    build.errors()
                })
            })
            .collect();
        builds.into_iter().map(|build| build.join().expect("a build went well")).collect()
    });
    let cached: usize = said.iter().map(|said| said.matches("CACHED").count()).sum();
    assert_eq!(cached, 18, "each of the two steps was done once:\n{}", said.join("\n"));
    for number in [0, 9] {
        let name = format!("test/many:{number}");
        let line = ["run", "--rm", &name, "cmd", "/c", "type C:\\again.txt C:\\own.txt"];
        let text = host.transom(&line).succeed().text();
        let all = [format!("shared {salt}"), format!("number {number}")];
        assert!(all.iter().all(|part| text.contains(part)), "{name}: {text}");
    }
    before.expect_again(&host);
}

#[test]
fn a_build_that_is_killed_whenever_completes_the_next_time_and_leaves_nothing() {
    let host = host::alone();
    let name = "test/killed:1";
    let step = |number: u32, salt: u32| format!("RUN echo {salt}>C:\\\\{number}.txt");
    let all = |salt: u32| (0..3).map(|number| step(number, salt)).collect::<Vec<_>>();
    // The first run on a host makes its platform.
    host.transom(&["run", "--rm", "transom/base", "cmd", "/c", "exit"]).succeed();
    let first = context(&all(u32::MAX));
    let whole = host.transom(&command(&first, name)).succeed().time;
    let before = Footprint::of(&host);
    let mut hits = 0;
    for round in rounds(30, Duration::from_secs(45)) {
        let long = (round == 0).then(|| "RUN ping -n 3 127.0.0.1".to_owned());
        let steps: Vec<String> = long.into_iter().chain(all(round)).collect();
        let context = context(&steps);
        let mut build = host.transom(&command(&context, name)).start(|command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        });
        // Spread over all of a build, in an order that reaches its ends early; once for certain in
        // the middle of a step.
        let moment = whole.mul_f64(f64::from(round * 13 % 30) / 25.0);
        let moment = (round > 0).then_some(moment);
        let ended = ended_before(&host, &mut build, moment);
        if !ended {
            build.kill().expect("it runs");
            build.wait().expect("a child can be waited for");
        }
        // What a step runs outlives its build until somebody sweeps.
        let hit = !ended && ["cmd", "ping"].iter().any(|program| runs(&host, program));
        hits += u32::from(hit);
        println!("round {round}: killed after {moment:?}, ended: {ended}, hit a step: {hit}");
        host.transom(&command(&context, name)).limit(Duration::from_mins(3)).succeed();
        before.expect_again(&host);
        assert_eq!(leftovers(&host), Vec::<String>::new());
    }
    assert!(hits > 0, "no step was running when its build was killed");
    let line = ["run", "--rm", name, "cmd", "/c", "dir /b C:\\*.txt"];
    assert_eq!(host.transom(&line).succeed().text().matches(".txt").count(), 4);
    assert!(!host.transom(&["images"]).succeed().text().contains("<none>"));
}

/// Whether a program runs in a container of this host.
fn runs(host: &Host, program: &str) -> bool {
    proc::of(host).iter().any(|process| process.name == program)
}

/// Whether a build has ended before a moment, or else before its step pings.
fn ended_before(host: &Host, build: &mut std::process::Child, moment: Option<Duration>) -> bool {
    let Some(moment) = moment else {
        wait::until("a step that pings", || runs(host, "ping").then_some(()));
        return false;
    };
    let deadline = std::time::Instant::now() + moment;
    while std::time::Instant::now() < deadline {
        if build.try_wait().expect("a child can be waited for").is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

/// Folders of builds, and of layers and blobs in the making.
fn leftovers(host: &Host) -> Vec<String> {
    host.transom(&["image", "prune", "-f"]).succeed();
    let mut left = Vec::new();
    for (folder, unfinished) in [
        ("build/run", &(|name: &str| name != ".lock") as &dyn Fn(&str) -> bool),
        ("layers", &|name: &str| name.starts_with('.')),
        ("content/ingest", &|_: &str| true),
    ] {
        let entries = wait::until("a folder that can be read", || {
            std::fs::read_dir(host.root().join(folder)).ok()
        });
        let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        left.extend(names.filter(|name| unfinished(name)).map(|name| format!("{folder}/{name}")));
    }
    left
}
