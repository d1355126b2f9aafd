//! What an archive says about an entry that this file system cannot hold: kept in `meta.jsonl`, one
//! line an entry, so that a layer can be written back.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value};

use super::names::Rule;
use super::tarball::{Entry, Time, parse_time};

const ATTRIBUTES: &str = "MSWINDOWS.fileattr";
const CREATED: &str = "LIBARCHIVE.creationtime";

const READONLY: u32 = 1;
/// Hidden and system: what Wine keeps in an extended attribute.
const HIDDEN_OR_SYSTEM: u32 = 0x2 | 0x4;

/// The attributes of one entry.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    /// The type flag.
    pub(crate) kind: u8,
    pub(crate) mode: u32,
    pub(crate) mtime: Time,
    /// Where a link leads, as the archive has it.
    pub(crate) link: String,
    pub(crate) pax: Vec<(String, String)>,
    /// Alternate data streams: name and content.
    pub(crate) streams: Vec<(String, Vec<u8>)>,
}

impl Meta {
    pub(crate) fn of(entry: Entry) -> Self {
        let Entry { kind, mode, mtime, link, pax, .. } = entry;
        Self { kind, mode, mtime, link, pax, streams: Vec::new() }
    }

    /// Refuses what is to be a number or a moment and is none.
    pub(crate) fn check(&self) -> Result<(), Rule> {
        for (key, value) in &self.pax {
            let rule = match key.as_str() {
                ATTRIBUTES if value.parse::<u32>().is_err() => "a decimal number of 32 bits",
                CREATED | "atime" | "ctime" if parse_time(value).is_err() => "seconds since 1970",
                _ => continue,
            };
            return Err(format!("{key} is `{}`, which is no {rule}", value.escape_debug()));
        }
        Ok(())
    }

    pub(crate) fn record(&self, key: &str) -> Option<&str> {
        self.pax.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn attributes(&self) -> u32 {
        self.record(ATTRIBUTES).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The mode of its file here. Wine shows a file that nobody may write as read-only.
    pub(crate) fn file_mode(&self) -> u32 {
        let executable = if self.mode & 0o111 == 0 { 0 } else { 0o111 };
        let writable = if self.attributes() & READONLY == 0 { 0o200 } else { 0 };
        0o444 | executable | writable
    }

    /// What Wine reads as hidden and system (`user.DOSATTRIB`), if there is anything to say.
    pub(crate) fn dos_attributes(&self) -> Option<String> {
        let bits = self.attributes() & HIDDEN_OR_SYSTEM;
        (bits != 0).then(|| format!("0x{bits:x}"))
    }

    pub(crate) fn accessed(&self) -> Time {
        self.record("atime").and_then(|text| parse_time(text).ok()).unwrap_or(self.mtime)
    }

    /// Roughly how much memory it takes.
    pub(crate) fn weight(&self) -> u64 {
        let records: usize = self.pax.iter().map(|(k, v)| k.len() + v.len()).sum();
        let streams: usize = self.streams.iter().map(|(k, v)| k.len() + v.len()).sum();
        (records + streams + self.link.len()) as u64
    }

    /// Writes the line of the entry at `path` (`Files/Windows/x`).
    pub(crate) fn write(&self, path: &str, out: &mut impl Write) -> io::Result<()> {
        let line = Line {
            path,
            kind: char::from(self.kind),
            mode: self.mode,
            mtime: format_time(self.mtime),
            link: &self.link,
            pax: self.pax.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect(),
            streams: self
                .streams
                .iter()
                .map(|(k, v)| (k.clone(), Value::from(STANDARD.encode(v))))
                .collect(),
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }
}

#[derive(Serialize)]
struct Line<'a> {
    path: &'a str,
    #[serde(rename = "type")]
    kind: char,
    mode: u32,
    mtime: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    link: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pax: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    streams: Map<String, Value>,
}

/// Seconds and nanoseconds that count forward also before 1970.
fn format_time(time: Time) -> String {
    format!("{}.{:09}", time.seconds, time.nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_moment_is_refused_by_its_name() {
        let with = |key: &str, value: &str| {
            let pax = vec![(key.to_owned(), value.to_owned())];
            Meta { pax, ..Meta::default() }.check()
        };
        for (key, value) in [
            ("MSWINDOWS.fileattr", "0x410"),
            ("MSWINDOWS.fileattr", "4294967296"),
            ("LIBARCHIVE.creationtime", "yesterday"),
            ("atime", "1.-2"),
            ("ctime", ""),
        ] {
            let rule = with(key, value).unwrap_err();
            assert!(rule.contains(key) && rule.contains(value), "{rule}");
        }
        for (key, value) in [("MSWINDOWS.fileattr", "1040"), ("atime", "-1.25"), ("uname", "x")] {
            with(key, value).unwrap();
        }
    }
}
