//! `build`: a context and a Dockerfile become an image.

mod attested;
mod checked;
mod context;
mod hosts;
mod results;
mod secrets;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use build::dockerfile::Dockerfile;
use build::executor::Executor;
use build::output::Outcome;
use build::progress::{Plain, Progress, Quiet, Raw, Tty};
use build::{BuildError, Builder, Ground, Options};
use tokio::sync::watch;

use crate::cli::build::Build;
use crate::host::Host;

/// What a shell says of a program that an interrupt ended.
const INTERRUPTED: i32 = 130;
const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// How often a terminal shows that time passes.
const TICK: Duration = Duration::from_millis(100);

/// Builds an image, and gives the status to exit with.
pub(super) async fn command(host: &Host, args: Build) -> Result<u8> {
    check(&args)?;
    let images = host.images().await?;
    // Downloads of contexts are kept from being pruned.
    let _hold = images.hold().await?;
    let given = context::Places::new(&host.dirs.root).open(&args).await?;
    let call = if args.call.check { "check" } else { &args.call.call };
    if call == "targets" {
        targets(&Dockerfile::parse(&given.dockerfile)?);
        return Ok(0);
    }
    let (options, file) = options(&args, &given)?;
    if options.outputs.iter().any(results::to_stdout) && io::stdout().is_terminal() {
        bail!("dest is needed: the output is not written to a terminal");
    }
    let platform = host.platform().await?;
    let executor = executor(host, platform.drive_c.clone());
    let (cancel, cancelled) = watch::channel(false);
    let builder = Builder {
        images,
        executor,
        ground: Ground {
            drive: platform.drive_c,
            registry: platform.registry,
            key: platform.key,
            edition: platform.edition,
            os_version: platform.os_version.parse().context("reading the platform's version")?,
        },
        progress: progress(&args)?,
        cancel: cancelled,
        volatile: host.dirs.state.clone(),
    };
    if matches!(call, "check" | "lint") {
        return checked::tell(&builder.check(&options).await?, &file, &options.dockerfile);
    }
    for error in builder.sweep().await {
        let error = anyhow::Error::from(error).context("giving back what a killed build left");
        eprintln!("transom: {error:#}");
    }
    let asked = tokio::spawn(pass_on_interrupts(cancel));
    let ticking = Ticking::start(builder.progress.clone());
    let built = Box::pin(builder.build(&options)).await;
    drop(ticking);
    asked.abort();
    match built {
        Ok(outcome) => {
            report(&args, &outcome, options.outputs.iter().any(results::to_stdout))?;
            Ok(0)
        }
        Err(error) => {
            tell(&error, &file, &options.dockerfile);
            Err(anyhow::Error::from(error).context("failed to build"))
        }
    }
}

/// The first interrupt gives the build up, which gives back what it holds. The second ends this
/// program at once; what it leaves is given back by the next build.
async fn pass_on_interrupts(cancel: watch::Sender<bool>) {
    // A build that cannot be told ends as other programs do.
    let Ok(mut endings) = engine::os::signals::Endings::listen() else { return };
    endings.next().await;
    cancel.send_replace(true);
    endings.next().await;
    std::process::exit(INTERRUPTED);
}

/// Tells what came of a build, where it was asked for.
fn report(args: &Build, outcome: &Outcome, stdout_is_taken: bool) -> Result<()> {
    if let Some(path) = &args.results.metadata_file {
        results::write(path, &format!("{:#}\n", results::metadata(outcome)))?;
    }
    let Some(image) = &outcome.image else { return Ok(()) };
    if let Some(path) = &args.iidfile {
        results::write(path, image.id.as_str())?;
    }
    if args.quiet && !stdout_is_taken {
        println!("{}", image.id);
    } else if !args.quiet && args.progress != "rawjson" {
        // There every line is a message.
        eprintln!("writing image {} done", image.id);
        outcome.names.iter().for_each(|name| eprintln!("naming to {} done", name.familiar()));
    }
    Ok(())
}

/// What runs steps on this host.
pub(super) fn executor(
    host: &Host,
    drive: PathBuf,
) -> Executor<engine::HostEngine, shim::ThisHost> {
    let (engine, things) = shim::this_host();
    Executor::new(engine, things, host.dirs.root.join("build/run"), drive)
}

/// The stages that `--target` may name, as buildx lists them.
fn targets(file: &Dockerfile) {
    println!("TARGET            DESCRIPTION");
    let last = file.stages.len() - 1;
    for (at, stage) in file.stages.iter().enumerate() {
        match (&stage.from.name, at == last) {
            (Some(name), true) => println!("{name} (default)"),
            (Some(name), false) => println!("{name}"),
            (None, true) => println!("(default)"),
            // No name leads to it, though its number does.
            (None, false) => {}
        }
    }
}

/// Refuses what cannot be meant, before anything is read.
fn check(args: &Build) -> Result<()> {
    super::pull::check_platform(args.platform.as_deref())?;
    let call = args.call.call.as_str();
    if !matches!(call, "build" | "check" | "lint" | "targets") {
        bail!("--call {call} is not supported: build, check or targets is wanted");
    }
    if args.call.check && call == "targets" {
        bail!("--check and --call {call} ask for different things");
    }
    if !args.cleaning.rm {
        bail!("--rm=false is not supported: what steps ran in is always removed");
    }
    if !matches!(args.network.as_str(), "default" | "none") {
        bail!("--network {} is not supported: default or none is wanted", args.network);
    }
    for tag in &args.tag {
        image::ImageName::parse(tag).with_context(|| format!("reading --tag {tag}"))?;
    }
    Ok(())
}

fn options(args: &Build, given: &context::Given) -> Result<(Options, PathBuf)> {
    let mut build_args = pairs("--build-arg", &args.build_arg, |name| std::env::var(name).ok())?;
    if let (None, Ok(epoch)) = (build_args.get(EPOCH), std::env::var(EPOCH)) {
        build_args.insert(EPOCH.to_owned(), epoch);
    }
    let epoch = build_args.get(EPOCH).filter(|text| !text.is_empty()).map(|text| epoch(text));
    let epoch = epoch.transpose()?;
    let options = Options {
        dockerfile: given.dockerfile.clone(),
        file_name: given.shown.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        ignore: given.ignore.clone(),
        context: given.folder.clone(),
        args: build_args,
        target: args.target.clone(),
        no_cache: args.no_cache,
        no_cache_filter: args.no_cache_filter.clone(),
        pull: args.pull,
        labels: pairs("--label", &args.label, |_| Some(String::new()))?,
        no_network: args.network == "none",
        hosts: hosts::read(&args.add_host)?,
        tags: args.tag.clone(),
        epoch,
        parallelism: None,
        outputs: results::outputs(&args.results)?,
        attestations: attested::read(&args.results)?,
        cache_from: results::cache_from(&args.results)?,
        cache_to: results::cache_to(&args.results)?,
        contexts: given.contexts.clone(),
        secrets: secrets::secrets(&args.secret)?,
        agents: secrets::agents(&args.ssh)?,
    };
    Ok((options, given.shown.clone()))
}

/// Seconds since 1970 that a calendar has a date for.
fn epoch(text: &str) -> Result<i64> {
    let seconds = text.parse::<i64>().ok().filter(|at| (0..=253_402_300_799).contains(at));
    seconds.with_context(|| format!("invalid {EPOCH}: {text}: whole seconds since 1970 are wanted"))
}

/// `NAME=VALUE`; a name alone has the value that `default` gives it, if any.
fn pairs(
    flag: &str,
    given: &[String],
    default: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for text in given {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_str(), default(text)),
        };
        if name.is_empty() {
            bail!("{flag} {text}: the name is missing");
        }
        pairs.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(pairs)
}

fn progress(args: &Build) -> Result<Progress> {
    Ok(match args.progress.as_str() {
        _ if args.quiet => Progress::new(Quiet),
        "quiet" | "none" => Progress::new(Quiet),
        "auto" | "tty" if io::stderr().is_terminal() => tty(),
        "tty" => bail!("--progress tty: stderr is not a terminal"),
        "auto" | "plain" => Progress::new(Plain::to(io::stderr())),
        "rawjson" => Progress::new(Raw::to(io::stderr())),
        other => bail!(
            "--progress {other} is not supported: auto, plain, tty, rawjson or quiet is wanted"
        ),
    })
}

fn tty() -> Progress {
    let size = || engine::os::terminal::size_of_stderr().map(|(rows, columns)| (columns, rows));
    Progress::new(Tty::on(io::stderr(), size))
}

/// Lets time pass on the display until it is dropped.
struct Ticking(Option<std::sync::mpsc::Sender<()>>, Option<std::thread::JoinHandle<()>>);

impl Ticking {
    fn start(progress: Progress) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let tick = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                progress.tick();
            }
            progress.end();
        };
        Self(Some(stop), Some(std::thread::spawn(tick)))
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        drop(self.0.take());
        // A panic there has been told.
        self.1.take().map(std::thread::JoinHandle::join);
    }
}

/// What a failed step said, and where it stands.
fn tell(error: &BuildError, file: &Path, text: &str) {
    let BuildError::Step { line, last_line, what, said, .. } = error else { return };
    eprintln!("------\n > {what}:\n{said}------");
    eprint!("{}", checked::excerpt(file, text, *line, *last_line));
}
