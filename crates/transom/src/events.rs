//! What happened to containers and images: a bounded file that every process appends to.

use engine::os::fs::{identity, identity_of};
use engine::os::unix::fs::OpenOptionsExt;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::Record;

/// Beyond this the file becomes the older one of two.
const MAX_SIZE: u64 = 4 << 20;

/// The events of this host.
#[derive(Debug, Clone)]
pub struct Events {
    path: PathBuf,
}

/// Something that happened, in docker's form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `container`, `image` or `volume`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// What happened.
    #[serde(rename = "Action")]
    pub action: String,
    /// To whom.
    #[serde(rename = "Actor")]
    pub actor: Actor,
    /// Always `local`.
    pub scope: String,
    /// Seconds since 1970.
    pub time: i64,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time_nano: i64,
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Its id, or an image's name.
    #[serde(rename = "ID")]
    pub id: String,
    /// Its name, labels, and what belongs to the action.
    #[serde(rename = "Attributes")]
    pub attributes: BTreeMap<String, String>,
}

impl Event {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_nanosecond(self.time_nano.into()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Events {
    /// Those in the file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where they are, the newest.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where they are, the ones before.
    pub fn older(&self) -> PathBuf {
        self.path.with_extension("log.1")
    }

    /// Something happened to a container.
    pub fn container(&self, record: &Record, action: &str, more: &[(&str, &str)]) {
        let mut attributes = record.config.labels.clone();
        attributes.insert("image".to_owned(), record.config.image.clone());
        attributes.insert("name".to_owned(), record.name.clone());
        attributes
            .extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.append("container", &record.id, action, attributes);
    }

    /// Something happened to an image.
    pub fn image(&self, id: &str, action: &str, name: &str) {
        let attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        self.append("image", id, action, attributes);
    }

    /// Something happened to a network.
    pub fn network(&self, name: &str, action: &str, more: &[(&str, &str)]) {
        self.other("network", name, action, more);
    }

    /// Something happened to a volume.
    pub fn volume(&self, name: &str, action: &str) {
        self.other("volume", name, action, &[("driver", "local")]);
    }

    fn other(&self, kind: &str, name: &str, action: &str, more: &[(&str, &str)]) {
        let mut attributes = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        attributes.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        self.append(kind, name, action, attributes);
    }

    /// An event that cannot be written down (a full disk) must not end what it tells of.
    fn append(&self, kind: &str, id: &str, action: &str, attributes: BTreeMap<String, String>) {
        let now = Timestamp::now();
        let event = Event {
            kind: kind.to_owned(),
            action: action.to_owned(),
            actor: Actor { id: id.to_owned(), attributes },
            scope: "local".to_owned(),
            time: now.as_second(),
            time_nano: i64::try_from(now.as_nanosecond()).unwrap_or(i64::MAX),
        };
        if let Err(error) = self.write(&event) {
            tracing::error!(%error, "an event was not recorded");
        }
    }

    fn write(&self, event: &Event) -> Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).mode(0o600).open(&self.path)?;
        // Lines of several processes never mix: each is one write to the file's end.
        file.write_all(&line)?;
        if file.metadata()?.len() > MAX_SIZE {
            self.rotate(&file)?;
        }
        Ok(())
    }

    /// Of several who find the file too large, the first one renames it.
    fn rotate(&self, file: &std::fs::File) -> Result<()> {
        file.lock()?;
        if identity_of(&self.path)? == identity(file)? {
            std::fs::rename(&self.path, self.older())?;
        }
        Ok(())
    }
}
