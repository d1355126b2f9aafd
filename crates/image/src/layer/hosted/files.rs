//! What an archive says of an entry, as Windows takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::layering::{Restored, Service};
use engine::os::fs::Timespec;

use super::super::meta::Meta;
use super::super::names::Rule;
use super::super::tarball::{Time, parse_time};
use super::reparse;

/// `FILE_ATTRIBUTE_DIRECTORY`, `FILE_ATTRIBUTE_REPARSE_POINT`.
pub(super) const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    File,
    Folder,
    /// A link to a file, or to a folder.
    Link {
        to_folder: bool,
    },
}

/// All that is said of an entry beside its data.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) attributes: u32,
    pub(super) security: Option<Vec<u8>>,
    pub(super) extended: Option<Vec<u8>>,
    pub(super) reparse: Option<Vec<u8>>,
    pub(super) streams: Vec<(String, Vec<u8>)>,
    pub(super) created: Timespec,
    pub(super) accessed: Timespec,
    pub(super) written: Timespec,
    pub(super) changed: Timespec,
}

impl About {
    /// Of the entry that has this record; one that has none is what its shape says.
    pub(super) fn of(meta: Option<&Meta>, shape: Shape, service: Service) -> Result<Self, Rule> {
        let is_folder = matches!(shape, Shape::Folder | Shape::Link { to_folder: true });
        let must = if is_folder { DIRECTORY } else { 0 };
        let Some(meta) = meta else { return Ok(Self { attributes: must, ..Self::default() }) };
        let mut attributes = meta.attributes() & !(DIRECTORY | REPARSE_POINT) | must;
        let mut reparse = None;
        if matches!(shape, Shape::Link { .. }) {
            let is_junction = meta.record("MSWINDOWS.mountpoint").is_some();
            let data = reparse::encode(&meta.link, is_junction);
            reparse = Some(data.ok_or("a link whose target is too long")?);
            attributes |= REPARSE_POINT;
        }
        let time = |key: &str| meta.record(key).and_then(|text| parse_time(text).ok());
        let spec = |time: Time| Timespec { tv_sec: time.seconds, tv_nsec: time.nanos.into() };
        Ok(Self {
            attributes,
            security: security(meta, service)?,
            extended: extended(meta)?,
            reparse,
            streams: meta.streams.clone(),
            created: spec(time("LIBARCHIVE.creationtime").unwrap_or(meta.mtime)),
            accessed: spec(meta.accessed()),
            written: spec(meta.mtime),
            changed: spec(time("ctime").unwrap_or(meta.mtime)),
        })
    }

    /// Everything, for the file itself.
    pub(super) fn whole(&self) -> Restored<'_> {
        Restored {
            security: self.security.as_deref(),
            extended: self.extended.as_deref(),
            reparse: self.reparse.as_deref(),
            streams: &self.streams,
            ..self.times(self.attributes)
        }
    }

    /// Only the times, and these attributes.
    pub(super) fn times(&self, attributes: u32) -> Restored<'static> {
        Restored {
            attributes,
            created: self.created,
            accessed: self.accessed,
            written: self.written,
            changed: self.changed,
            ..Restored::default()
        }
    }
}

fn security(meta: &Meta, service: Service) -> Result<Option<Vec<u8>>, Rule> {
    if let Some(text) = meta.record("MSWINDOWS.rawsd") {
        let bytes = STANDARD.decode(text);
        let bytes = bytes.map_err(|e| format!("MSWINDOWS.rawsd is not Base64: {e}"))?;
        service.check_descriptor(&bytes).map_err(|e| format!("MSWINDOWS.rawsd: {e}"))?;
        return Ok(Some(bytes));
    }
    let Some(text) = meta.record("MSWINDOWS.sd") else { return Ok(None) };
    let bytes = service.descriptor(text);
    bytes.map(Some).map_err(|e| format!("MSWINDOWS.sd is no security descriptor: {e}"))
}

/// A list of `FILE_FULL_EA_INFORMATION`, each padded to four bytes.
fn extended(meta: &Meta) -> Result<Option<Vec<u8>>, Rule> {
    let mut list = Vec::new();
    let mut previous = None;
    for (key, value) in &meta.pax {
        let Some(name) = key.strip_prefix("MSWINDOWS.xattr.") else { continue };
        let value = STANDARD.decode(value).map_err(|e| format!("{key} is not Base64: {e}"))?;
        let at = list.len();
        if let Some(before) = previous.replace(at) {
            let step = u32::try_from(at - before).map_err(|_| "too many extended attributes")?;
            list[before..before + 4].copy_from_slice(&step.to_le_bytes());
        }
        let too_long = |_| format!("{key} is too long for an extended attribute");
        let (name_length, value_length) = (
            u8::try_from(name.len()).map_err(too_long)?,
            u16::try_from(value.len()).map_err(too_long)?,
        );
        if name.is_empty() || !name.is_ascii() || name.contains('\0') {
            return Err(format!("{key}: an extended attribute's name is ASCII"));
        }
        list.extend([0, 0, 0, 0, 0, name_length]);
        list.extend(value_length.to_le_bytes());
        list.extend(name.as_bytes());
        list.push(0);
        list.extend(value);
        list.resize(list.len().next_multiple_of(4), 0);
    }
    Ok(previous.map(|_| list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_attributes_are_a_list_whose_steps_lead_to_each() {
        let pax = [("A", b"x".as_slice()), ("LONGER", b"1234567")]
            .map(|(name, value)| (format!("MSWINDOWS.xattr.{name}"), STANDARD.encode(value)));
        let meta = Meta { pax: pax.to_vec(), ..Meta::default() };
        let list = extended(&meta).unwrap().unwrap();
        assert_eq!(list.len(), 12 + 24);
        assert_eq!(list[..4], 12_u32.to_le_bytes());
        assert_eq!(list[4..12], [0, 1, 1, 0, b'A', 0, b'x', 0]);
        assert_eq!(list[12..16], [0; 4], "the last");
        assert_eq!(list[20..27], *b"LONGER\0");
        let bad = Meta { pax: vec![("MSWINDOWS.xattr.A".into(), "!".into())], ..Meta::default() };
        assert!(extended(&bad).unwrap_err().contains("Base64"));
        assert!(extended(&Meta::default()).unwrap().is_none());
    }
}
