//! From an archive of plain files to a layer: `transom import`.
//!
//! An archive of a file system becomes what is below `Files/`, with the descriptors and attributes
//! that such files get. One that begins as a Windows layer does (`Files` or `Hives` with attributes)
//! is one already and stays as it is. Nothing touches this host's file system on the way; how names
//! are spelled is settled when the layer is unpacked.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Write};

use super::export::security;
use super::export::writer::{Entry as Out, Writer, format_time};
use super::source::decompressed;
use super::tarball::{Entry, SPARSE, SPARSE_RULE, Tarball, Time};
use super::{fold, names, target};
use crate::compose::{Hold, NewLayer};
use crate::compress::Compression;
use crate::error::{Error, Result};
use crate::store::Store;

const ATTRIBUTES: &str = "MSWINDOWS.fileattr";
const DIRECTORY: u32 = 0x10;
const ARCHIVE: u32 = 0x20;
const READONLY: u32 = 0x1;
const REPARSE_POINT: u32 = 0x400;
const TOO_MUCH: &str = "the archive has more than the settings allow";
const BOTH: &str = "it is a file and a folder, as Windows compares names";

impl Store {
    /// Stores the files of an archive, compressed or not, as a new layer.
    pub async fn import_layer(
        &self,
        hold: &Hold,
        input: Box<dyn Read + Send>,
        compression: Compression,
    ) -> Result<NewLayer> {
        let limits = (self.settings().max_entries, self.settings().max_unpacked_bytes);
        let (send, receive) = std::sync::mpsc::channel::<Error>();
        let added = self
            .add_layer(hold, compression, move |out| {
                // The archive's writer only knows I/O errors; the whole story goes beside it.
                import(input, out, limits).map_err(|error| {
                    let told = io::Error::other(error.to_string());
                    let _ = send.send(error);
                    told
                })
            })
            .await;
        match receive.try_recv() {
            Ok(error) => Err(error),
            Err(_) => added,
        }
    }
}

fn import(input: impl Read + Send, out: &mut dyn Write, limits: (u64, u64)) -> Result<()> {
    let failed = || crate::error::stream("read the archive to import");
    let mut archive = Tarball::new(decompressed(input).map_err(failed())?);
    let (made, folders) = (HashSet::new(), HashSet::new());
    let mut layer = Import { writer: Writer::new(out), made, folders, max_folders: limits.0 };
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    let mut windows = None;
    while let Some(entry) = archive.next().map_err(failed())? {
        (entries, bytes) = (entries + 1, bytes.saturating_add(entry.size));
        if entries > limits.0 || bytes > limits.1 {
            return Err(refused(&entry.name, TOO_MUCH));
        }
        if *windows.get_or_insert_with(|| is_windows_layer(&entry)) {
            layer.keep(entry, &mut archive)?;
        } else {
            layer.add(&entry, &mut archive)?;
        }
    }
    if windows.is_none() {
        return Err(Error::invalid("archive to import", "there is nothing in it"));
    }
    // A pipe wants to be read to its end, padding and all; but it has one.
    let rest = io::copy(&mut archive.into_inner().take(limits.1), &mut io::sink());
    if rest.map_err(failed())? == limits.1 {
        return Err(Error::invalid("archive to import", "what follows it does not end"));
    }
    if windows == Some(false) {
        layer.folder("Hives", Time::default())?;
    }
    layer.writer.finish().map_err(failed())
}

fn is_windows_layer(first: &Entry) -> bool {
    let top = first.name.split('/').next().unwrap_or_default();
    matches!(top, "Files" | "Hives") && first.pax.iter().any(|(key, _)| key == ATTRIBUTES)
}

struct Import<W: Write> {
    writer: Writer<W>,
    /// What has been written, folded, with its place in the archive's order of links.
    made: HashSet<String>,
    folders: HashSet<String>,
    /// One name can stand for many folders that have no entry of their own.
    max_folders: u64,
}

impl<W: Write> Import<W> {
    /// An entry of a Windows layer, which whoever unpacks it judges.
    fn keep<R: Read>(&mut self, entry: Entry, archive: &mut Tarball<R>) -> Result<()> {
        let Entry { name, kind, size, mtime, link, pax, .. } = entry;
        let records = pax.into_iter().collect();
        let out = Out { name: &name, kind, link: &link, mtime, records };
        self.writer.entry(out, size, archive).map_err(|error| broken(&name, &error))
    }

    /// An entry of a file system.
    fn add<R: Read>(&mut self, entry: &Entry, archive: &mut Tarball<R>) -> Result<()> {
        let parts = safe(&entry.name)?;
        match entry.kind {
            b'0' | b'1' | b'2' => {}
            b'5' => return self.path(&parts, entry.mtime),
            // Devices and pipes, which Windows has none of, and an archive's label.
            b'3' | b'4' | b'6' | b'V' => return Ok(()),
            SPARSE => return Err(refused(&entry.name, SPARSE_RULE)),
            other => {
                let kind = char::from(other);
                return Err(refused(
                    &entry.name,
                    format!("entries of type `{kind}` are not known"),
                ));
            }
        }
        // As archives of old have folders.
        if entry.kind == b'0' && entry.name.ends_with('/') {
            return self.path(&parts, entry.mtime);
        }
        let Some((_, above)) = parts.split_last() else { return Ok(()) };
        self.path(above, entry.mtime)?;
        let name = format!("Files/{}", parts.join("/"));
        let bad = |rule: String| refused(&entry.name, rule);
        if self.folders.contains(&fold::key(&name)) {
            return Err(bad(BOTH.to_owned()));
        }
        if !self.made.insert(fold::key(&name)) {
            return Err(bad("it is there twice, as Windows compares names".to_owned()));
        }
        let link = match entry.kind {
            b'1' => {
                let link = format!("Files/{}", safe(&entry.link)?.join("/"));
                if !self.made.contains(&fold::key(&link)) {
                    return Err(bad(format!(
                        "it links to `{link}`, which does not come before it"
                    )));
                }
                link
            }
            b'2' if entry.link.starts_with('/') => {
                return Err(bad(format!("its target `{}` is no path of Windows", entry.link)));
            }
            b'2' => {
                let link = entry.link.replace('/', "\\");
                let above: Vec<String> = std::iter::once("Files")
                    .chain(above.iter().copied())
                    .map(str::to_owned)
                    .collect();
                target::resolve(&above[1..], &link).map_err(bad)?;
                link
            }
            _ => String::new(),
        };
        let attributes = match entry.kind {
            b'2' => REPARSE_POINT,
            _ if entry.mode & 0o222 == 0 => ARCHIVE | READONLY,
            _ => ARCHIVE,
        };
        let records = records(attributes, security::file(), entry.mtime);
        let out = Out { name: &name, kind: entry.kind, link: &link, mtime: entry.mtime, records };
        self.writer.entry(out, entry.size, archive).map_err(|error| broken(&name, &error))
    }

    /// A folder, and those above it, unless they are there.
    fn path(&mut self, parts: &[&str], mtime: Time) -> Result<()> {
        self.folder("Files", mtime)?;
        let mut name = String::from("Files");
        for part in parts {
            name = format!("{name}/{part}");
            self.folder(&name, mtime)?;
        }
        Ok(())
    }

    fn folder(&mut self, name: &str, mtime: Time) -> Result<()> {
        if !self.folders.insert(fold::key(name)) {
            return Ok(());
        }
        if self.folders.len() as u64 > self.max_folders {
            return Err(refused(name, TOO_MUCH));
        }
        if self.made.contains(&fold::key(name)) {
            return Err(refused(name, BOTH));
        }
        let records = records(DIRECTORY, security::folder(), mtime);
        let out = Out { name, kind: b'5', link: "", mtime, records };
        self.writer.entry(out, 0, io::empty()).map_err(|error| broken(name, &error))
    }
}

fn safe(name: &str) -> Result<Vec<&str>> {
    // Archives of file systems begin at their root, with or without a slash.
    let bad = |rule| refused(name, rule);
    let parts = names::split(name.trim_start_matches('/')).map_err(bad)?;
    for part in &parts {
        names::check(part).map_err(bad)?;
    }
    Ok(parts)
}

fn records(attributes: u32, descriptor: String, mtime: Time) -> BTreeMap<String, String> {
    [
        (ATTRIBUTES, attributes.to_string()),
        ("MSWINDOWS.rawsd", descriptor),
        ("LIBARCHIVE.creationtime", format_time(mtime)),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

fn refused(entry: &str, rule: impl Into<String>) -> Error {
    Error::Entry { layer: "to import".to_owned(), entry: entry.to_owned(), rule: rule.into() }
}

fn broken(entry: &str, error: &io::Error) -> Error {
    refused(entry, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Kinds<'a> = &'a [(&'a str, u8, &'a str)];

    fn archive(entries: Kinds<'_>) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, text) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::new(*kind));
            header.set_mode(0o644);
            let data = if *kind == b'0' { text.as_bytes() } else { b"" };
            header.set_size(data.len() as u64);
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            if matches!(kind, b'1' | b'2') {
                header.set_link_name_literal(text).unwrap();
            }
            header.set_cksum();
            builder.append(&header, data).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn imported(entries: Kinds<'_>) -> Result<Vec<Entry>> {
        let mut out = Vec::new();
        import(archive(entries).as_slice(), &mut out, (100, 1 << 20))?;
        let (mut layer, mut all) = (Tarball::new(out.as_slice()), Vec::new());
        while let Some(entry) = layer.next().unwrap() {
            all.push(entry);
        }
        Ok(all)
    }

    #[test]
    fn files_get_their_folders_and_what_windows_lacks_is_passed_over() {
        let entries: Kinds<'_> = &[
            ("./a/b.txt", b'0', "b"),
            ("a/hard", b'1', "./a/b.txt"),
            ("a/soft", b'2', "../a/b.txt"),
            ("dev/null", b'3', ""),
            ("label", b'V', ""),
            ("old/", b'0', ""),
        ];
        let all = imported(entries).unwrap();
        let names: Vec<_> =
            all.iter().map(|e| (e.name.as_str(), e.kind, e.link.as_str())).collect();
        let wanted: &[(&str, u8, &str)] = &[
            ("Files", b'5', ""),
            ("Files/a", b'5', ""),
            ("Files/a/b.txt", b'0', ""),
            ("Files/a/hard", b'1', "Files/a/b.txt"),
            ("Files/a/soft", b'2', "..\\a\\b.txt"),
            ("Files/old", b'5', ""),
            ("Hives", b'5', ""),
        ];
        assert_eq!(names, wanted);
        assert!(all.iter().all(|e| e.pax.iter().any(|(key, _)| key == ATTRIBUTES)));
    }

    #[test]
    fn one_name_does_not_make_more_folders_than_an_archive_may_have_entries() {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o644);
        archive.append_data(&mut header, "a/".repeat(200) + "b", io::empty()).unwrap();
        let archive = archive.into_inner().unwrap();
        let import = |max| import(archive.as_slice(), &mut Vec::new(), (max, 1 << 20));
        assert!(import(100).unwrap_err().to_string().contains("settings"));
        import(300).unwrap();
    }

    #[test]
    fn what_leads_out_or_cannot_be_on_windows_is_refused() {
        let table: &[Kinds<'_>] = &[
            &[("../x", b'0', "")],
            &[("a:b", b'0', "")],
            &[("nul.txt", b'0', "")],
            &[("a", b'0', ""), ("A", b'0', "")],
            &[("a", b'0', ""), ("a/b", b'0', "")],
            &[("a/b", b'0', ""), ("A", b'0', "")],
            &[("a", b'5', ""), ("a", b'2', "b")],
            &[("rest", b'M', "")],
            &[("holes", b'S', "")],
            &[("l", b'2', "/etc/passwd")],
            &[("l", b'2', "../../x")],
            &[("h", b'1', "later")],
            &[],
        ];
        for entries in table {
            assert!(imported(entries).is_err(), "{entries:?}");
        }
    }
}
