//! Entries of a tar archive, one after the other.
//!
//! The `tar` crate reads the headers; the loop is ours because a layer's PAX records must be kept,
//! must not be able to fill the memory, and decide sizes above 8 GiB.

use std::io::{self, BufRead, Read, Write};

/// More than any real record of attributes and security descriptors.
const MAX_EXTENSION: u64 = 1 << 20;

/// The kind of a sparse file, in each of GNU's forms. Nobody here reads them.
pub(crate) const SPARSE: u8 = b'S';
/// What is said of one.
pub(crate) const SPARSE_RULE: &str = "a sparse file: archive it without --sparse";

/// A time of an archive: seconds and nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) seconds: i64,
    pub(crate) nanos: u32,
}

/// One entry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// The type flag; `0` for the NUL of old archives.
    pub(crate) kind: u8,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) mtime: Time,
    /// Where a link leads.
    pub(crate) link: String,
    /// PAX records but those that are in the other fields.
    pub(crate) pax: Vec<(String, String)>,
}

/// Reads an archive.
pub(crate) struct Tarball<R> {
    input: R,
    /// Bytes of the current entry that nobody has read, and the padding after them.
    left: u64,
    padding: u64,
}

/// What the entries before a real one say about it.
#[derive(Default)]
struct Extensions {
    pax: Vec<(String, String)>,
    name: Option<String>,
    link: Option<String>,
}

impl<R: Read> Tarball<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, left: 0, padding: 0 }
    }

    pub(crate) fn into_inner(self) -> R {
        self.input
    }

    /// The next entry; what was not read of the current one is passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Entry>> {
        let mut extensions = Extensions::default();
        loop {
            self.skip()?;
            let Some(header) = self.header()? else { return Ok(None) };
            self.begin(header.entry_size()?);
            match header.entry_type().as_byte() {
                b'x' => extensions.pax = parse_pax(&self.extension()?)?,
                b'L' => extensions.name = Some(text(trim_nul(&self.extension()?))?),
                b'K' => extensions.link = Some(text(trim_nul(&self.extension()?))?),
                // Comments of archivers; nothing that a layer needs is global.
                b'g' => {}
                _ => return self.entry(&header, extensions).map(Some),
            }
        }
    }

    fn entry(&mut self, header: &tar::Header, extensions: Extensions) -> io::Result<Entry> {
        let kind = match header.entry_type().as_byte() {
            0 | b'7' => b'0',
            kind => kind,
        };
        let mut entry = Entry {
            name: match extensions.name {
                Some(name) => name,
                None => text(&header.path_bytes())?,
            },
            link: match extensions.link {
                Some(link) => link,
                None => text(&header.link_name_bytes().unwrap_or_default())?,
            },
            kind,
            size: header.entry_size()?,
            mode: header.mode()?,
            mtime: Time { seconds: header.mtime()?.cast_signed(), nanos: 0 },
            pax: Vec::new(),
        };
        for (key, value) in extensions.pax {
            match key.as_str() {
                "path" => entry.name = value,
                "linkpath" => entry.link = value,
                "size" => {
                    entry.size = value.parse().map_err(|_| invalid("a size that is no number"))?;
                }
                "mtime" => entry.mtime = parse_time(&value)?,
                _ => entry.pax.push((key, value)),
            }
        }
        if entry.pax.iter().any(|(key, _)| key.starts_with("GNU.sparse.")) {
            // It looks like a file, and its data is only what is between the holes.
            entry.kind = SPARSE;
            let name = entry.pax.iter().find(|(key, _)| key == "GNU.sparse.name");
            entry.name = name.map_or(entry.name, |(_, name)| name.clone());
        }
        // Links, folders and devices have no data, whatever their size field says.
        if (b'1'..=b'6').contains(&entry.kind) {
            entry.size = 0;
        }
        self.begin(entry.size);
        Ok(entry)
    }

    fn begin(&mut self, size: u64) {
        (self.left, self.padding) = (size, size.wrapping_neg() % 512);
    }

    fn header(&mut self) -> io::Result<Option<tar::Header>> {
        let mut header = tar::Header::new_old();
        let block = header.as_mut_bytes();
        if !read_block(&mut self.input, block)? || block.iter().all(|&b| b == 0) {
            return Ok(None);
        }
        let sum: u32 = block[..148].iter().chain(&block[156..]).map(|&b| u32::from(b)).sum();
        if header.cksum()? != sum + 8 * u32::from(b' ') {
            return Err(invalid("a header whose checksum is wrong"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self) -> io::Result<Vec<u8>> {
        if self.left > MAX_EXTENSION {
            return Err(invalid("an extension header above 1 MiB"));
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn skip(&mut self) -> io::Result<()> {
        let wanted = self.left.saturating_add(self.padding);
        (self.left, self.padding) = (0, 0);
        let skipped = io::copy(&mut self.input.by_ref().take(wanted), &mut io::sink())?;
        if skipped == wanted { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl<R: BufRead> Tarball<R> {
    /// Writes the data of the current entry to `out`, without another buffer between.
    pub(crate) fn copy_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        while self.left > 0 {
            let there = self.input.fill_buf()?;
            let n = usize::try_from(self.left).map_or(there.len(), |left| left.min(there.len()));
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out.write_all(&there[..n])?;
            self.input.consume(n);
            self.left -= n as u64;
        }
        Ok(())
    }
}

impl<R: Read> Read for Tarball<R> {
    /// Reads the data of the current entry.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let n = self.input.read(&mut buffer[..wanted])?;
        if n == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        Ok(n)
    }
}

/// A whole block, or false at the end of the input.
fn read_block(input: &mut impl Read, block: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < block.len() {
        match input.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// Records are `<length> <key>=<value>\n`; a value may hold newlines.
fn parse_pax(mut bytes: &[u8]) -> io::Result<Vec<(String, String)>> {
    let bad = || invalid("a PAX record that cannot be read");
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|&b| b == b' ').ok_or_else(bad)?;
        let length: usize = std::str::from_utf8(&bytes[..space])
            .ok()
            .and_then(|t| t.parse().ok())
            .ok_or_else(bad)?;
        let record =
            bytes.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(bad)?;
        let (key, value) = std::str::from_utf8(record)
            .map_err(|_| invalid("a PAX record that is not UTF-8"))?
            .split_once('=')
            .ok_or_else(bad)?;
        records.push((key.to_owned(), value.to_owned()));
        bytes = &bytes[length..];
    }
    Ok(records)
}

/// Seconds, perhaps negative, perhaps with a fraction.
pub(crate) fn parse_time(text: &str) -> io::Result<Time> {
    let bad = || invalid("a time that cannot be read");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut seconds: i64 = whole.parse().map_err(|_| bad())?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    let digits = &fraction[..fraction.len().min(9)];
    let mut nanos: u32 = format!("{digits:0<9}").parse().map_err(|_| bad())?;
    if whole.starts_with('-') && nanos > 0 {
        seconds = seconds.checked_sub(1).ok_or_else(bad)?;
        nanos = 1_000_000_000 - nanos;
    }
    Ok(Time { seconds, nanos })
}

fn trim_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|e| {
        invalid(&format!("the name `{}`, which is not UTF-8", e.as_bytes().escape_ascii()))
    })
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive has {what}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_keep_their_nanoseconds_also_before_1970() {
        let time = |text| parse_time(text).map(|t| (t.seconds, t.nanos)).ok();
        assert_eq!(time("1575709926.0234411"), Some((1_575_709_926, 23_441_100)));
        assert_eq!(time("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time("-0.5"), Some((-1, 500_000_000)));
        assert_eq!(time("7"), Some((7, 0)));
        assert_eq!((time("x"), time("1.-2"), time("")), (None, None, None));
    }

    #[test]
    fn a_value_may_hold_a_newline() {
        assert_eq!(
            parse_pax(b"8 a=b\nc\n7 d=\xc3\xa9\n").unwrap(),
            [("a".into(), "b\nc".into()), ("d".into(), "é".into())]
        );
    }

    #[test]
    fn a_sparse_file_is_known_as_one_in_every_form() {
        let mut old = tar::Header::new_gnu();
        old.set_path("old").unwrap();
        old.set_entry_type(tar::EntryType::GNUSparse);
        let mut new = tar::Builder::new(Vec::new());
        new.append_pax_extensions([("GNU.sparse.name", b"new".as_slice())]).unwrap();
        let mut header = tar::Header::new_ustar();
        for header in [&mut old, &mut header] {
            header.set_size(0);
            header.set_mode(0o644);
            header.set_mtime(0);
            header.set_cksum();
        }
        new.append_data(&mut header, "GNUSparseFile.1/new", io::empty()).unwrap();
        for (archive, name) in
            [(old.as_bytes().to_vec(), "old"), (new.into_inner().unwrap(), "new")]
        {
            let entry = Tarball::new(archive.as_slice()).next().unwrap().unwrap();
            assert_eq!((entry.name.as_str(), entry.kind), (name, SPARSE));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let _ = parse_pax(&bytes);
            let mut tarball = Tarball::new(bytes.as_slice());
            while let Ok(Some(_)) = tarball.next() {}
        }
    }
}
