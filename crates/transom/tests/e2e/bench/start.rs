//! How long a container takes to come and go, and a program in one that is there.
//!
//! `ctr run` is measured on two trees, since it is not said which one is fair: the platform layer,
//! which already is what Transom makes of Wine (no boot program, no services), and Wine as it comes
//! from its package with a prefix of its own.

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
use crate::support::host::{self, Host};
use crate::support::{proc, wait};

const TUNED: &str = "example.com/wine:tuned";
const PLAIN: &str = "example.com/wine:plain";

#[test]
#[ignore = "a measurement"]
fn start() {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let wine = Wine::warm();
    let containerd = Containerd::start();
    wine_image::import(&containerd, &host, TUNED, None);
    wine_image::import(&containerd, &host, PLAIN, Some(wine.path()));
    let container = Container::idle(&host);
    let count = Cell::new(0);
    let in_ctr = |image: &str, command: &str| {
        count.set(count.get() + 1);
        let name = format!("c{}", count.get());
        let server = "WINESERVER=/usr/lib/wine/wineserver64";
        let env = ["--env", "WINEPREFIX=/wine", "--env", "WINEDEBUG=-all", "--env", server];
        let line = [image, &name, "/usr/lib/wine/wine64", "cmd", "/c", command];
        containerd.timed(&[&["run", "--rm"], &env[..], &line].concat())
    };
    for image in [TUNED, PLAIN] {
        let version = in_ctr(image, "ver").1;
        assert!(version.contains("Windows"), "Wine does not run under ctr: {version}");
    }
    let cold = |flags: &[&str]| {
        let line = [&["run", "--rm"], flags, &[BASE, "cmd", "/c", "exit"]].concat();
        let time = timed(host.transom(&line));
        // What goes on after the command must not slow the next one that is measured.
        alone(&host);
        time
    };
    let run = || cold(&[]);
    let isolated = || cold(&["--network", "none"]);
    let whole = || {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    let exec = || timed(container.exec(&["cmd", "/c", "exit"]));
    let floor = || wine.exit();
    let tuned = || in_ctr(TUNED, "exit").0;
    let plain = || in_ctr(PLAIN, "exit").0;

    let [floor, run, whole, isolated, exec, tuned, plain] =
        interleaved(15, [&floor, &run, &whole, &isolated, &exec, &tuned, &plain]);
    Figure::new("floor: warm wine64 cmd /c exit", floor, "s").record();
    Figure::new("cold run", run, "s").record();
    Figure::new("cold run, until its last process has ended", whole, "s").record();
    Figure::new("cold run without a network", isolated, "s").record();
    Figure::new("exec", exec, "s").record();
    Figure::new("ctr run of Wine as it comes", plain, "s").record();
    Figure::new("ctr run of the platform layer", tuned, "s").record();
    Figure::ratio("cold run by floor", run, floor, "floors").at_most(3.5).record();
    let half = |name, of, what| Figure::ratio(name, run, of, what).at_most(0.5).record();
    half("cold run by ctr run of Wine as it comes", plain, "of ctr run");
    half("cold run by ctr run of the platform layer", tuned, "of ctr run");
    Figure::ratio("exec by floor", exec, floor, "floors").at_most(1.8).record();
}

/// Waits until only the idle container's monitor is left of all.
fn alone(host: &Host) {
    wait::until("the end of a container", || {
        (proc::named(host, "transom").len() == 1).then_some(())
    });
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
