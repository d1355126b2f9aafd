//! `events`

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::filters::has_label;
use crate::cli::system::Events as Args;
use crate::events::Event;
use crate::format::Format;
use crate::host::Host;
use crate::monitor::log::Watch;
use crate::settings::time;

/// `events`
pub(super) async fn command(host: &Host, args: Args) -> Result<()> {
    let moment = |text: &Option<String>| text.as_deref().map(time::parse).transpose();
    let (since, until) = (moment(&args.since)?, moment(&args.until)?);
    let format = match args.format.as_deref() {
        None => None,
        Some(text) => Some(Format::parse(Some(text), "")?),
    };
    let filters = args.filter.iter().map(|text| filter(text)).collect::<Result<Vec<_>>>()?;
    let shown = |event: &Event| {
        since.is_none_or(|since| event.at() >= since)
            && until.is_none_or(|until| event.at() <= until)
            && holds(event, &filters)
    };
    let mut watch = Watch::open(host.dirs.root.as_path()).context("watching events")?;
    let mut tail = Tail::default();
    if since.is_some() || until.is_some() {
        print_older(&host.events.older(), &shown, format.as_ref())?;
    } else {
        tail.skip(host.events.path())?;
    }
    loop {
        for event in tail.read(host.events.path())? {
            if shown(&event) {
                print(&event, format.as_ref())?;
            }
        }
        let left = until.map(time_left);
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        tokio::select! {
            changed = watch.changed() => changed.context("watching events")?,
            () = tokio::time::sleep(left.unwrap_or_default()), if left.is_some() => {}
        }
    }
}

fn time_left(until: Timestamp) -> std::time::Duration {
    std::time::Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default()
}

fn print_older(
    path: &Path,
    shown: &impl Fn(&Event) -> bool,
    format: Option<&Format>,
) -> Result<()> {
    let mut tail = Tail::default();
    for event in tail.read(path)? {
        if shown(&event) {
            print(&event, format)?;
        }
    }
    Ok(())
}

fn print(event: &Event, format: Option<&Format>) -> Result<()> {
    if let Some(format) = format {
        let mut value = serde_json::to_value(event)?;
        // What docker has said since before there were actors.
        value["status"] = event.action.clone().into();
        value["id"] = event.actor.id.clone().into();
        if let Some(image) = event.actor.attributes.get("image") {
            value["from"] = image.clone().into();
        }
        print!("{}", format.list(&[value], &[])?);
    } else {
        let attributes: Vec<String> =
            event.actor.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
        println!(
            "{:.9} {} {} {} ({})",
            event.at(),
            event.kind,
            event.action,
            event.actor.id,
            attributes.join(", ")
        );
    }
    Ok(())
}

/// The events' file, which is replaced when it has grown.
#[derive(Debug, Default)]
struct Tail {
    file: Option<((u64, u64), BufReader<File>)>,
    pending: String,
}

impl Tail {
    fn skip(&mut self, path: &Path) -> Result<()> {
        self.open(path)?;
        if let Some((_, file)) = &mut self.file {
            file.seek(std::io::SeekFrom::End(0)).context("reading events")?;
        }
        Ok(())
    }

    fn read(&mut self, path: &Path) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        loop {
            if let Some((_, file)) = &mut self.file {
                while file.read_line(&mut self.pending).context("reading events")? > 0
                    && self.pending.ends_with('\n')
                {
                    events.extend(serde_json::from_str::<Event>(&self.pending).ok());
                    self.pending.clear();
                }
            }
            if !self.open(path)? {
                return Ok(events);
            }
        }
    }

    /// Goes on to another file if there is one.
    fn open(&mut self, path: &Path) -> Result<bool> {
        let now = match engine::os::fs::identity_of(path) {
            Ok(now) => now,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).context("reading events"),
        };
        if self.file.as_ref().is_some_and(|(known, _)| *known == now) {
            return Ok(false);
        }
        let file = File::open(path).context("reading events")?;
        self.file = Some((now, BufReader::new(file)));
        Ok(true)
    }
}

fn filter(text: &str) -> Result<(&str, &str)> {
    let known = ["type", "event", "container", "image", "label", "network", "volume"];
    match text.split_once('=') {
        Some((key, value)) if known.contains(&key) => Ok((key, value)),
        _ => bail!("invalid filter '{text}': {} are known, as KEY=VALUE", known.join(", ")),
    }
}

/// Of one key any filter will do, of several keys each must; every label must be there.
fn holds(event: &Event, filters: &[(&str, &str)]) -> bool {
    filters.iter().all(|(key, value)| {
        let mut alike = filters.iter().filter(|(other, _)| other == key);
        match *key {
            "label" => fits(event, key, value),
            _ => alike.any(|(key, value)| fits(event, key, value)),
        }
    })
}

fn fits(event: &Event, key: &str, value: &str) -> bool {
    let named = |kind: &str| {
        event.kind == kind
            && (event.actor.id.starts_with(value)
                || event.actor.attributes.get("name").is_some_and(|name| name == value))
    };
    match key {
        "type" => event.kind == value,
        "event" => event.action == value || event.action.split(':').next() == Some(value),
        "image" => {
            named("image")
                || event.actor.attributes.get("image").is_some_and(|image| image == value)
        }
        "label" => has_label(&event.actor.attributes, value),
        kind => named(kind),
    }
}
