//! `containerd setup`: a runtime handler, the base spec that goes with it, and the shim where
//! containerd finds it. Doing it twice changes nothing, and `--undo` takes it back.

mod base;
mod config;
mod place;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::containerd::Setup;
use crate::draft::Draft;
use config::Handler;

/// The name of the base spec, beside containerd's configuration.
const BASE: &str = "transom-base.json";

/// What has to be done to the host, in order.
enum Change {
    Write(PathBuf, String),
    Remove(PathBuf),
    Link(PathBuf, PathBuf),
}

pub(super) fn command(args: &Setup) -> Result<()> {
    check_handler(&args.handler)?;
    if args.handler == config::DEFAULT && !args.undo {
        bail!("invalid value of --handler: \"{}\": it is the handler of Linux pods", args.handler);
    }
    // Containerd does not run where we do.
    let config = std::path::absolute(&args.config).context("finding the configuration")?;
    let base = config.with_file_name(BASE);
    let text = read(&args.config)?.unwrap_or_default();
    let changes = if args.undo {
        undone(args, &text, &base)?
    } else {
        let daemon = place::daemon();
        let handler = Handler { name: &args.handler, base: &base, daemon: daemon.version };
        done(args, &text, &handler, &daemon)?
    };
    for change in &changes {
        change.tell(args.dry_run);
        if !args.dry_run {
            change.make()?;
        }
    }
    tell_the_rest(args, changes.is_empty());
    Ok(())
}

fn done(
    args: &Setup,
    text: &str,
    handler: &Handler<'_>,
    daemon: &place::Daemon,
) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let with = config::with(text, handler)?;
    changes.extend(with.map(|new| Change::Write(args.config.clone(), new)));
    let spec = base::text();
    if read(handler.base)?.as_deref() != Some(&spec) {
        changes.push(Change::Write(handler.base.to_owned(), spec));
    }
    let link = place::missing_link(daemon, &args.bin_dir)?;
    changes.extend(link.map(|(link, shim)| Change::Link(link, shim)));
    Ok(changes)
}

/// The base spec and the shim go with the last handler that needs them.
fn undone(args: &Setup, text: &str, base: &Path) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let without = config::without(text, &args.handler)?;
    let needs = config::needs(without.as_deref().unwrap_or(text), base)?;
    changes.extend(without.map(|new| Change::Write(args.config.clone(), new)));
    if !needs.base && read(base)?.is_some() {
        changes.push(Change::Remove(base.to_owned()));
    }
    if !needs.shim {
        changes.extend(place::own_link(&args.bin_dir).map(Change::Remove));
    }
    Ok(changes)
}

fn tell_the_rest(args: &Setup, unchanged: bool) {
    let config = args.config.display();
    match (unchanged, args.dry_run, args.undo) {
        (true, _, _) => println!("nothing to change in {config}"),
        (false, true, _) => println!("nothing was changed"),
        (false, false, true) => {
            println!("undone; restart containerd: systemctl restart containerd");
        }
        (false, false, false) => {
            println!("restart containerd: systemctl restart containerd");
            println!(
                "to undo: transom containerd setup --undo --config {config} --handler {}",
                args.handler
            );
        }
    }
}

/// Kubernetes wants a DNS label.
fn check_handler(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty()
        || name.len() > 63
        || !name.chars().all(fits)
        || name.starts_with('-')
        || name.ends_with('-')
    {
        bail!(
            "invalid value of --handler: \"{name}\": lower-case letters, digits and dashes, at most 63"
        );
    }
    Ok(())
}

impl Change {
    fn tell(&self, dry: bool) {
        match self {
            Self::Write(path, text) if dry => println!("# {}\n{text}", path.display()),
            Self::Write(path, _) => println!("wrote {}", path.display()),
            Self::Remove(path) => println!("remove {}", path.display()),
            Self::Link(link, shim) => println!("link {} to {}", link.display(), shim.display()),
        }
    }

    fn make(&self) -> Result<()> {
        match self {
            Self::Write(path, text) => replace(path, text),
            Self::Remove(path) => {
                fs::remove_file(path).with_context(|| format!("removing {}", path.display()))
            }
            Self::Link(link, shim) => place::link(link, shim),
        }
    }
}

fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let draft = Draft::begin(path)?;
    let written = draft.file()?.write_all(text.as_bytes());
    written.with_context(|| format!("writing {}", path.display()))?;
    draft.keep()
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).with_context(|| format!("reading {}", path.display())),
    }
}
