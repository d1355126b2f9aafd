//! `ps --filter`: which containers are listed.
//!
//! Of one key any filter will do, of several keys each must; every label must be there.

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use regex::Regex;

use super::networks;
use crate::commands::filters::has_label;
use crate::host::Host;
use crate::store::health::Health;
use crate::store::record::short;
use crate::store::{Found, Record, Status};

const KEYS: &[&str] = &[
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];
const STATES: &[&str] =
    &["created", "restarting", "running", "removing", "paused", "exited", "dead"];
const HEALTH: &[&str] = &["starting", "healthy", "unhealthy", "none"];
const ISOLATION: &[&str] = &["default", "process", "hyperv"];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Filters<'a>(Vec<Filter<'a>>);

/// `key=value`
#[derive(Debug)]
struct Filter<'a> {
    key: &'a str,
    value: &'a str,
    wanted: Wanted,
}

/// What a value stands for.
#[derive(Debug)]
enum Wanted {
    Text,
    Pattern(Regex),
    Ports(Ports),
    /// The moment when another container was made.
    Moment(Timestamp),
}

/// `8080`, `80-90`, either with `/udp`.
#[derive(Debug)]
struct Ports {
    first: u16,
    last: u16,
    protocol: String,
}

impl<'a> Filters<'a> {
    /// Reads `KEY=VALUE` texts, and finds the containers that some of them name.
    pub(super) async fn parse(host: &Host, texts: &'a [String]) -> Result<Self> {
        let mut filters = Vec::with_capacity(texts.len());
        for text in texts {
            let mut filter = Filter::parse(text)?;
            if matches!(filter.key, "before" | "since") {
                let other = host.find(filter.value).await?;
                filter.wanted = Wanted::Moment(other.record.created);
            }
            filters.push(filter);
        }
        Ok(Self(filters))
    }

    /// Ended containers are meant too.
    pub(super) fn ask_for_ended(&self) -> bool {
        self.0.iter().any(|filter| matches!(filter.key, "status" | "exited"))
    }

    /// Whether a container is meant.
    pub(super) fn hold(&self, found: &Found) -> bool {
        self.0.iter().all(|filter| match filter.key {
            "label" | "before" | "since" => filter.holds(found),
            key => self.0.iter().filter(|other| other.key == key).any(|filter| filter.holds(found)),
        })
    }
}

impl<'a> Filter<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        let (key, value) = text
            .split_once('=')
            .with_context(|| format!("invalid filter '{text}': KEY=VALUE is wanted"))?;
        if !KEYS.contains(&key) {
            bail!("invalid filter '{key}': {} are known", KEYS.join(", "));
        }
        let known: &[&str] = match key {
            "status" => STATES,
            "health" => HEALTH,
            "isolation" => ISOLATION,
            _ => &[],
        };
        let is = |one: &&str| match key {
            "isolation" => one.eq_ignore_ascii_case(value),
            _ => *one == value,
        };
        if !known.is_empty() && !known.iter().any(is) {
            bail!("invalid filter '{text}': {} are known", known.join(", "));
        }
        if key == "exited" && value.parse::<u32>().is_err() {
            bail!("invalid filter '{text}': an exit code is wanted");
        }
        let wrong = || format!("invalid filter '{text}'");
        let wanted = match key {
            "name" => Wanted::Pattern(Regex::new(value).with_context(wrong)?),
            "publish" | "expose" => Wanted::Ports(Ports::parse(value).with_context(wrong)?),
            _ => Wanted::Text,
        };
        Ok(Self { key, value, wanted })
    }

    fn holds(&self, found: &Found) -> bool {
        let (record, value) = (&found.record, self.value);
        match (&self.wanted, self.key) {
            // With its slash too, as older docker shows names.
            (Wanted::Pattern(name), _) => {
                name.is_match(&record.name) || name.is_match(&format!("/{}", record.name))
            }
            (Wanted::Ports(ports), "publish") => {
                record.host_config.port_bindings.keys().any(|port| ports.have(port.as_ref()))
            }
            (Wanted::Ports(ports), _) => {
                record.config.exposed_ports.iter().any(|port| ports.have(port.as_ref()))
            }
            (Wanted::Moment(moment), "before") => record.created < *moment,
            (Wanted::Moment(moment), _) => record.created > *moment,
            (Wanted::Text, "id") => record.id.starts_with(value),
            (Wanted::Text, "status") => found.state.status.as_str() == value,
            (Wanted::Text, "exited") => {
                found.state.status == Status::Exited && value.parse() == Ok(found.state.exit_code)
            }
            (Wanted::Text, "label") => has_label(&record.config.labels, value),
            (Wanted::Text, "ancestor") => is_of(record, value),
            (Wanted::Text, "network") => networks(record).contains(&value),
            (Wanted::Text, "health") => {
                let health = found.state.health.as_ref();
                health.map_or("none", |health: &Health| health.status.as_str()) == value
            }
            (Wanted::Text, "isolation") => {
                record.host_config.isolation.0.eq_ignore_ascii_case(value)
            }
            (Wanted::Text, _) => record.mounts.iter().any(|mount| {
                mount.name.as_deref() == Some(value)
                    || mount.destination.eq_ignore_ascii_case(value)
            }),
        }
    }
}

fn is_of(record: &Record, image: &str) -> bool {
    let own = &record.config.image;
    own == image
        || own.strip_suffix(":latest") == Some(image)
        || image.strip_suffix(":latest") == Some(own)
        || short(&record.image_id).starts_with(short(image))
}

impl Ports {
    fn parse(text: &str) -> Result<Self> {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let number = |text: &str| {
            text.parse::<u16>().with_context(|| format!("\"{text}\" is no port, 0 to 65535"))
        };
        let (first, last) = (number(first)?, number(last)?);
        ensure!(first <= last, "the range {ports} ends before it begins");
        Ok(Self { first, last, protocol: protocol.to_owned() })
    }

    /// Whether `80/tcp` is among them.
    fn have(&self, port: &str) -> bool {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        let number = number.parse::<u16>();
        number.is_ok_and(|number| (self.first..=self.last).contains(&number))
            && protocol.eq_ignore_ascii_case(&self.protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::State;
    use crate::store::tests::record;

    fn holds(filters: &[&str], name: &str) -> Result<bool> {
        let filters = filters.iter().map(|text| Filter::parse(text)).collect::<Result<_>>()?;
        let mut record = record(name);
        record.host_config.port_bindings.insert("80/tcp".into(), Vec::new());
        let folder = crate::store::Store::open(&crate::paths::Dirs {
            root: tempfile::tempdir()?.path().to_owned(),
            state: std::path::PathBuf::new(),
        })?
        .folder(&record.id);
        Ok(Filters(filters).hold(&Found { folder, record, state: State::default() }))
    }

    #[test]
    fn a_name_is_a_pattern_with_or_without_its_slash() {
        let name = |pattern: &str| holds(&[&format!("name={pattern}")], "web").unwrap();
        assert!(name("we") && name("^web$") && name("^/web$") && name("w.b|x") && name("^/?web"));
        assert!(!name("^we$") && !name("^eb") && !name("/eb"));
        assert!(holds(&["name=("], "web").is_err());
    }

    #[test]
    fn a_published_port_is_the_containers_own() {
        let port = |text: &str| holds(&[&format!("publish={text}")], "web").unwrap();
        assert!(port("80") && port("80/tcp") && port("70-90"));
        assert!(!port("80/udp") && !port("81-90"));
        assert!(!holds(&["expose=80"], "web").unwrap() && holds(&["expose=x"], "web").is_err());
    }

    #[test]
    fn what_no_container_can_be_is_refused() {
        for wrong in [
            "status=foo",
            "status=Running",
            "health=foo",
            "health=None",
            "isolation=foo",
            "exited=x",
            "colour=red",
            "name",
            "publish=90-80",
        ] {
            assert!(holds(&[wrong], "web").is_err(), "{wrong}");
        }
        assert!(holds(&["isolation=Process"], "web").is_ok());
        assert!(holds(&["status=running", "status=created", "health=none"], "web").unwrap());
    }
}
