//! The shim under containerd: what a pod's shim holds, what a container costs against runc, and many
//! pods at once.

use std::cell::Cell;
use std::time::Duration;

use super::figures::Figure;
use super::wine::Wine;
use super::{interleaved, mebibytes, wine_image};
use crate::shim::{Pod, Spec, run_to_end};
use crate::support::container::BASE;
use crate::support::containerd::Containerd;
use crate::support::host::{self, Host};
use crate::support::proc::{self, Process};

/// Wine as this project tunes it, which is not all that "the same tree" can mean, and as it comes.
const TUNED: &str = "example.com/wine:tuned";
const PLAIN: &str = "example.com/wine:plain";
/// Execs of one pod.
const EXECS: u32 = 2000;
/// Pods at once.
const PODS: u32 = 50;

/// A shim that nobody asks for anything rests after this.
const QUIET: Duration = Duration::from_secs(1);

/// What the shims of this host hold at rest, in MiB.
fn held(host: &Host) -> f64 {
    std::thread::sleep(QUIET);
    working(host)
}

/// What they hold now, in MiB.
fn working(host: &Host) -> f64 {
    let shims = proc::named(host, "containerd-shim-runhcs-v1");
    mebibytes(shims.iter().map(Process::private_memory).sum())
}

fn ready() -> (host::Turn, Containerd, Spec) {
    let host = host::alone();
    host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit"]).succeed();
    let (containerd, spec) = (Containerd::of(&host), Spec::of(&host));
    (host, containerd, spec)
}

#[test]
#[ignore = "a measurement"]
fn shim_memory() {
    let (host, containerd, spec) = ready();
    let mut pod = Pod::planned(&spec, "pod", true, 3);
    pod.run_all(&containerd).expect("a pod can be run");
    let busy = working(&host);
    Figure::new("shim of a pod of 3 that was just started, private memory", busy, "MiB").record();
    let three = held(&host);
    // 6 MB, whichever of the two is meant.
    let most = 6_000_000.0 / f64::from(1 << 20);
    Figure::new("shim of a pod of 3, private memory", three, "MiB").at_most(most).record();

    for _ in 0..10 {
        pod.plan_another(&spec);
        pod.run(&containerd, pod.ids.len() - 1).expect("a pod takes more");
    }
    let each = (held(&host) - three) / 10.0;
    Figure::new("shim, each further container", each, "MiB").at_most(0.5).record();

    let execs = |from: u32, to: u32| {
        for number in from..to {
            let id = format!("e{number}");
            let line = ["task", "exec", "--exec-id", &id, &pod.ids[1], "cmd", "/c", "exit"];
            containerd.succeed(&line);
        }
    };
    // The first ones fill caches and pools.
    execs(0, 20);
    let before = held(&host);
    execs(20, EXECS + 20);
    let grown = held(&host) - before;
    let name = format!("shim, grown over {EXECS} execs");
    Figure::new(&name, grown, "MiB").at_most(0.5).record();
    pod.remove(&containerd, &spec);
}

#[test]
#[ignore = "a measurement"]
fn shim_start() {
    let (host, containerd, spec) = ready();
    let wine = Wine::warm();
    wine_image::import(&containerd, &host, TUNED, None);
    wine_image::import(&containerd, &host, PLAIN, Some(wine.path()));
    let count = Cell::new(0);
    let next = || {
        count.set(count.get() + 1);
        format!("s{}", count.get())
    };
    let through_shim = || {
        let id = next();
        let file = spec.container(&id, &["cmd", "/c", "exit"]);
        let time = run_to_end(&containerd, &id, &file);
        spec.forget(&id);
        time
    };
    let through_runc = |image: &str| {
        let server = "WINESERVER=/usr/lib/wine/wineserver64";
        let env = ["--env", "WINEPREFIX=/wine", "--env", "WINEDEBUG=-all", "--env", server];
        let id = next();
        let line = [image, &id, "/usr/lib/wine/wine64", "cmd", "/c", "exit"];
        containerd.timed(&[&["run", "--rm"], &env[..], &line].concat()).0
    };
    let tuned = || through_runc(TUNED);
    let plain = || through_runc(PLAIN);
    let [shim, tuned, plain] = interleaved(15, [&through_shim, &tuned, &plain]);
    Figure::new("ctr run through this shim", shim, "s").record();
    Figure::new("ctr run of Wine as it comes through runc's", plain, "s").record();
    Figure::new("ctr run of the platform layer through runc's", tuned, "s").record();
    let half = |name, of| Figure::ratio(name, shim, of, "of runc's").at_most(0.5).record();
    half("ctr run, this shim by runc's on Wine as it comes", plain);
    half("ctr run, this shim by runc's on the platform layer", tuned);
}

#[test]
#[ignore = "a measurement"]
fn shim_pods() {
    let (_host, containerd, spec) = ready();
    let pods: Vec<Pod> =
        (0..PODS).map(|number| Pod::planned(&spec, &format!("m{number}"), true, 1)).collect();
    let begun = std::time::Instant::now();
    let failed = std::thread::scope(|scope| {
        let runs: Vec<_> =
            pods.iter().map(|pod| scope.spawn(|| pod.run_all(&containerd))).collect();
        runs.into_iter().filter_map(|run| run.join().expect("it does not panic").err()).count()
    });
    let time: Duration = begun.elapsed();
    for pod in &pods {
        pod.remove(&containerd, &spec);
    }
    let failed = u32::try_from(failed).expect("there are fifty");
    let name = format!("failures of {PODS} pods started at once");
    Figure::new(&name, failed.into(), "pods").at_most(0.0).record();
    Figure::new(&format!("{PODS} pods at once"), time.as_secs_f64(), "s").record();
}
