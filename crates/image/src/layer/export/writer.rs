//! Entries of a Windows layer archive.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use crate::layer::tarball::Time;

/// What is said about one entry.
#[derive(Debug, Default)]
pub(in crate::layer) struct Entry<'a> {
    pub(in crate::layer) name: &'a str,
    pub(in crate::layer) kind: u8,
    pub(in crate::layer) link: &'a str,
    pub(in crate::layer) mtime: Time,
    /// Records but those that follow from the other fields.
    pub(in crate::layer) records: BTreeMap<String, String>,
}

/// What is read at once: whoever hashes and compresses it is asked rarely.
const AT_ONCE: usize = 256 << 10;
/// What an archive is made of.
const BLOCK: usize = 512;

/// An archive in the making.
pub(in crate::layer) struct Writer<W: Write> {
    archive: tar::Builder<W>,
    buffer: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(in crate::layer) fn new(out: W) -> Self {
        Self { archive: tar::Builder::new(out), buffer: Vec::new() }
    }

    /// Writes one entry with all of `data`, which must be `size` bytes.
    pub(in crate::layer) fn entry(
        &mut self,
        entry: Entry<'_>,
        size: u64,
        data: impl Read,
    ) -> io::Result<()> {
        let Entry { name, kind, link, mtime, mut records } = entry;
        for (key, value) in [("path", name), ("linkpath", link)] {
            if value.len() > 100 || !value.is_ascii() {
                records.insert(key.to_owned(), value.to_owned());
            }
        }
        if mtime.nanos != 0 || mtime.seconds < 0 {
            records.insert("mtime".to_owned(), format_time(mtime));
        }
        if !records.is_empty() {
            let records = records.iter().map(|(key, value)| (key.as_str(), value.as_bytes()));
            self.archive.append_pax_extensions(records)?;
        }
        let mut header = tar::Header::new_ustar();
        let fields = header.as_old_mut();
        copy(&mut fields.name, name);
        copy(&mut fields.linkname, link);
        fields.linkflag = [kind];
        header.set_mode(mode(kind));
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(u64::try_from(mtime.seconds).unwrap_or(0));
        header.set_size(size);
        header.set_cksum();
        self.archive.append(&header, io::empty())?;
        self.content(size, data)
    }

    /// Exactly so much: a file may grow or shrink while it is read.
    fn content(&mut self, size: u64, mut data: impl Read) -> io::Result<()> {
        let mut left = size;
        while left > 0 {
            let wanted = usize::try_from(left).map_or(AT_ONCE, |left| left.min(AT_ONCE));
            if self.buffer.len() < wanted {
                self.buffer.resize(wanted, 0);
            }
            let n = match data.read(&mut self.buffer[..wanted]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.archive.get_mut().write_all(&self.buffer[..n])?;
            left -= n as u64;
        }
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        self.archive.get_mut().write_all(&[0; BLOCK][..(BLOCK - over) % BLOCK])
    }

    pub(in crate::layer) fn finish(self) -> io::Result<()> {
        self.archive.into_inner()?.flush()
    }
}

/// The type bits that Windows writers set; what may be done with a file is in its descriptor.
fn mode(kind: u8) -> u32 {
    match kind {
        b'5' => 0o040_000,
        b'2' => 0o120_000,
        b'1' => 0o644,
        _ => 0o100_000,
    }
}

/// As much as fits: the whole is in a record then.
fn copy(field: &mut [u8], text: &str) {
    let fits = text.bytes().filter(u8::is_ascii).take(field.len());
    for (slot, byte) in field.iter_mut().zip(fits) {
        *slot = byte;
    }
}

/// Seconds with a fraction, trailing zeros left out.
pub(in crate::layer) fn format_time(time: Time) -> String {
    if time.nanos == 0 {
        return time.seconds.to_string();
    }
    let (sign, seconds, nanos) = if time.seconds < 0 {
        ("-", -(time.seconds + 1), 1_000_000_000 - time.nanos)
    } else {
        ("", time.seconds, time.nanos)
    };
    format!("{sign}{seconds}.{nanos:09}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layer::tarball::parse_time;

    proptest! {
        #[test]
        fn a_time_is_read_back_as_it_was(seconds in -4_000_000_000_i64..40_000_000_000, nanos in 0_u32..1_000_000_000) {
            let time = Time { seconds, nanos };
            prop_assert_eq!(parse_time(&format_time(time)).unwrap(), time);
        }
    }
}
