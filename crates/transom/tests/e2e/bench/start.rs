//! How long a container takes to come and go, and a program in one that is there.

use std::cell::Cell;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::figures::Figure;
use super::interleaved;
use super::wine::Wine;
use super::wine_image;
use crate::support::command::Transom;
use crate::support::container::{BASE, Container};
use crate::support::containerd::Containerd;
use crate::support::host;

const IMAGE: &str = "example.com/wine:1";

#[test]
#[ignore = "a measurement"]
fn start() {
    let host = host::alone();
    let run = || timed(host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]));
    run();
    let wine = Wine::warm();
    let containerd = Containerd::start();
    wine_image::import(&containerd, &host, IMAGE);
    let container = Container::idle(&host);
    let count = Cell::new(0);
    let in_ctr = |command: &str| {
        count.set(count.get() + 1);
        let name = format!("c{}", count.get());
        let env = ["--env", "WINEPREFIX=/wine", "--env", "WINEDEBUG=-all"];
        let line = [IMAGE, &name, "/usr/lib/wine/wine64", "cmd", "/c", command];
        containerd.run(&[&["run", "--rm"], &env[..], &line].concat())
    };
    let ctr = || in_ctr("exit").0;
    let version = in_ctr("ver").1;
    assert!(version.contains("Windows"), "Wine does not run under ctr: {version}");
    let exec = || timed(container.exec(&["cmd", "/c", "exit"]));
    let isolated =
        || timed(host.transom(&["run", "--rm", "--network", "none", BASE, "cmd", "/c", "exit"]));
    let floor = || wine.exit();

    let [floor, run, isolated, exec, ctr] = interleaved(15, [&floor, &run, &isolated, &exec, &ctr]);
    Figure::new("floor: warm wine64 cmd /c exit", floor, "s").record();
    Figure::new("cold run", run, "s").record();
    Figure::new("cold run without a network", isolated, "s").record();
    Figure::new("exec", exec, "s").record();
    Figure::new("ctr run of the same Wine tree", ctr, "s").record();
    Figure::ratio("cold run by floor", run, floor, "floors").at_most(3.5).record();
    Figure::ratio("cold run by ctr run", run, ctr, "of ctr run").at_most(0.5).record();
    Figure::ratio("exec by floor", exec, floor, "floors").at_most(1.8).record();
}

/// From start to end, with nothing between: no pipe, no thread.
fn timed(command: Transom) -> Duration {
    let started = Instant::now();
    let mut child = command.start(|command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    });
    assert!(child.wait().expect("a child can be waited for").success());
    started.elapsed()
}
