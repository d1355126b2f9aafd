//! What a build costs that finds everything made, a step that does nothing, and writing a layer:
//! against buildah, against `transom run`, and against tar with a compressor.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::figures::Figure;
use super::interleaved;
use crate::support::command::Transom;
use crate::support::container::{BASE, Container};
use crate::support::{host, proc, wait};

const STEPS: usize = 12;
const MIB: usize = 1 << 20;
const LAYER_MIB: usize = 500;

#[test]
#[ignore = "a measurement"]
fn cached_build() {
    let host = host::alone();
    let windows = context(&format!("FROM {BASE}"), "C:/app/");
    let linux = context("FROM scratch", "/app/");
    let buildah = host.scratch();
    let transom = || {
        let mut command = Command::new(host::program("transom"));
        host.equip(&mut command);
        processor_time(command.args(["build", "-q", "--network", "none"]).arg(windows.path()))
    };
    let other = || processor_time(&mut cached_buildah(buildah.path(), linux.path()));
    let [ours, others] = interleaved(9, [&transom, &other]);
    Figure::new("fully cached build of 12 steps", ours, "s of process time").at_most(0.35).record();
    Figure::ratio("the same by buildah's", ours, others, "of buildah").at_most(0.5).record();
}

#[test]
#[ignore = "a measurement"]
fn run_step() {
    let host = host::alone();
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    let dockerfile = format!("FROM {BASE}\nRUN cmd /c rem\n");
    fs::write(folder.path().join("Dockerfile"), dockerfile).expect("a file can be written");
    let timed = |command: Transom| {
        let started = Instant::now();
        command.succeed();
        let time = started.elapsed();
        // What a `--rm` container lent is given back after its end, and must not slow the next one.
        wait::until("the end of what goes on", || {
            proc::named(&host, "transom").is_empty().then_some(())
        });
        time
    };
    let build = || timed(host.transom(&["build", "-q", "--no-cache"]).arg(folder.path()));
    let run = || timed(host.transom(&["run", "--rm", BASE, "cmd", "/c", "rem"]));
    // What the step's shell form is on Windows: a shell that starts another.
    let same = || timed(host.transom(&["run", "--rm", BASE, "cmd", "/S", "/C", "cmd /c rem"]));
    let [build, run, same] = interleaved(9, [&build, &run, &same]);
    Figure::new("build of one RUN cmd /c rem", build, "s").record();
    Figure::ratio("RUN cmd /c rem by run", build, run, "of run").at_most(1.5).record();
    Figure::ratio("the same by run of its two shells", build, same, "of run").record();
}

#[test]
#[ignore = "a measurement"]
fn layer_export() {
    let host = host::alone();
    let tree = host.scratch();
    fill(tree.path());
    let container = Container::create(&host, &[], &[BASE, "cmd"]);
    let into = format!("{}:C:/data", container.id());
    host.transom(&["cp", &format!("{}/.", tree.path().display()), &into]).succeed();
    let commit = |compression: &'static str| {
        let (host, id) = (&host, container.id().to_owned());
        move || {
            rustix::fs::sync();
            let started = Instant::now();
            let flag = format!("--compression={compression}");
            let image = host.transom(&["commit", &flag, &id]).succeed().text();
            let time = started.elapsed();
            host.transom(&["rmi", &image]).succeed();
            time
        }
    };
    let packed = tree.path().with_extension("packed");
    let piped = |compressor: &'static str| {
        let (tree, packed) = (tree.path(), packed.clone());
        move || tar_through(compressor, tree, &packed)
    };
    let runs: [&dyn Fn() -> Duration; 4] =
        [&commit("gzip"), &piped("gzip -6"), &commit("zstd"), &piped("zstd -q -3")];
    let [gzip, tar_gzip, zstd, tar_zstd] = interleaved(2, runs);
    fs::remove_file(&packed).expect("it was written");
    Figure::new("commit of 500 MiB, gzip", gzip, "s").record();
    Figure::new("commit of 500 MiB, zstd", zstd, "s").record();
    let faster = |name, ours: f64, others: f64| {
        Figure::ratio(name, 1.0 / ours, 1.0 / others, "times as fast").at_least(1.0).record();
    };
    faster("commit against tar | gzip -6", gzip, tar_gzip);
    faster("commit against tar | zstd -3", zstd, tar_zstd);
}

/// A Dockerfile of so many steps, each with a layer.
fn context(from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folders can be made");
    let mut dockerfile = format!("{from}\n");
    for step in 0..STEPS {
        let name = format!("file{step}");
        fs::write(folder.path().join(&name), vec![b'x'; 4096]).expect("a file can be written");
        dockerfile.extend(["COPY ", &name, " ", to, "\n"]);
    }
    fs::write(folder.path().join("Dockerfile"), dockerfile).expect("a file can be written");
    folder
}

fn cached_buildah(storage: &Path, context: &Path) -> Command {
    let mut command = Command::new("buildah");
    command.arg("--root").arg(storage.join("root")).arg("--runroot").arg(storage.join("run"));
    command.args(["--storage-driver", "vfs", "bud", "--layers", "-q"]);
    command.arg(context);
    command
}

/// What a program and all that it waited for took of the processors.
fn processor_time(command: &mut Command) -> Duration {
    let before = children_ticks();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.expect("it can be started").success(), "{command:?}");
    // Linux counts a hundred ticks a second for whoever asks.
    Duration::from_millis((children_ticks() - before) * 10)
}

fn children_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("there is a /proc");
    let fields = stat.rsplit_once(')').expect("a name is in brackets").1;
    let fields = fields.split_whitespace().skip(13).take(2);
    fields.map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}

/// Files as programs come in: many small ones and some large, half of it repeating itself.
fn fill(folder: &Path) {
    let mut state = 1_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..MIB).map(|at| if at % 64 < 32 { next() } else { b'a' }).collect();
    for number in 0..LAYER_MIB {
        let folder = folder.join(format!("{}", number / 50));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let mut data = noise.clone();
        data.rotate_left(number * 977 % MIB);
        if number % 10 > 0 {
            fs::write(folder.join(format!("large{number}")), data).expect("a file can be written");
            continue;
        }
        for (part, data) in data.chunks(16 << 10).enumerate() {
            let path = folder.join(format!("small{number}-{part}"));
            fs::write(path, data).expect("a file can be written");
        }
    }
}

fn tar_through(compressor: &str, tree: &Path, packed: &PathBuf) -> Duration {
    rustix::fs::sync();
    let started = Instant::now();
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(tree)
        .args(["-c", "."])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar can be started");
    let mut words = compressor.split(' ');
    let output = fs::File::create(packed).expect("a file can be made");
    let status = Command::new(words.next().expect("a program"))
        .args(words)
        .arg("-c")
        .stdin(tar.stdout.take().expect("it is piped"))
        .stdout(output.try_clone().expect("a descriptor can be copied"))
        .status();
    assert!(status.expect("it can be started").success() && tar.wait().expect("tar").success());
    // A layer is on the disk when it is there.
    output.sync_all().expect("a file can be written");
    started.elapsed()
}
