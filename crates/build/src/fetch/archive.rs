//! Archives: tar, alone or in gzip, bzip2, xz or zstd, told by what is in them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use tar::{Archive, EntryType, Header};

use super::{FetchError, Result, at};

const BLOCK: usize = 512;

/// Whether a file is an archive. Something else that was compressed is none.
pub fn is_archive(path: &Path) -> Result<bool> {
    let mut head = [0; BLOCK];
    let file = File::open(path).map_err(at(path))?;
    // What cannot be decompressed is not one.
    let Ok(mut reader) = decoded(file) else { return Ok(false) };
    Ok(reader.read_exact(&mut head).is_ok() && is_header(&head))
}

/// Whether a block has the checksum of a tar header.
fn is_header(block: &[u8; BLOCK]) -> bool {
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let of_field: u32 = block[148..156].iter().map(|byte| u32::from(*byte)).sum();
    let blank = u32::from(b' ') * 8;
    Header::from_byte_slice(block).cksum().is_ok_and(|told| told == sum - of_field + blank)
}

/// Unpacks an archive into a folder, out of which nothing leads. Whose its files were does not
/// matter; devices and the like mean nothing on Windows and are passed over.
pub fn unpack(from: impl Read + Send, name: &Path, into: &Path) -> Result<()> {
    let broken = |source| FetchError::Archive { archive: name.to_owned(), source };
    let mut archive = Archive::new(decoded(from).map_err(broken)?);
    archive.set_preserve_permissions(false);
    archive.set_preserve_ownerships(false);
    archive.set_unpack_xattrs(false);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let wanted = matches!(
            entry.header().entry_type(),
            EntryType::Regular
                | EntryType::Continuous
                | EntryType::GNUSparse
                | EntryType::Directory
                | EntryType::Link
                | EntryType::Symlink
        );
        if wanted && !entry.unpack_in(into).map_err(broken)? {
            let path = entry.path().map(|path| path.display().to_string()).unwrap_or_default();
            return Err(broken(io::Error::other(format!("{path} leads out of the archive"))));
        }
    }
    Ok(())
}

/// What a stream holds, whatever it is compressed with.
fn decoded<'a>(from: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let head = from.fill_buf()?;
    Ok(match head {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(from)),
        [b'B', b'Z', b'h', ..] => Box::new(bzip2::bufread::MultiBzDecoder::new(from)),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(from))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(from)?),
        _ => Box::new(from),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn archive() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(5);
        header.set_mode(0o644);
        builder.append_data(&mut header, "deep/below/a.txt", &b"hello"[..]).unwrap();
        let mut link = Header::new_gnu();
        link.set_entry_type(EntryType::Symlink);
        link.set_size(0);
        builder.append_link(&mut link, "deep/link", "below/a.txt").unwrap();
        builder.into_inner().unwrap()
    }

    fn compressed(kind: &str, plain: &[u8]) -> Vec<u8> {
        match kind {
            "gzip" => {
                let mut writer =
                    flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                writer.write_all(plain).unwrap();
                writer.finish().unwrap()
            }
            "bzip2" => {
                let mut writer =
                    bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                writer.write_all(plain).unwrap();
                writer.finish().unwrap()
            }
            "xz" => {
                let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 1);
                writer.write_all(plain).unwrap();
                writer.finish().unwrap()
            }
            "zstd" => zstd::encode_all(plain, 1).unwrap(),
            _ => plain.to_vec(),
        }
    }

    #[test]
    fn archives_are_known_by_their_content_and_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        for kind in ["plain", "gzip", "bzip2", "xz", "zstd"] {
            let (file, into) = (dir.path().join(format!("{kind}.txt")), dir.path().join(kind));
            std::fs::write(&file, compressed(kind, &archive())).unwrap();
            assert!(is_archive(&file).unwrap(), "{kind}");
            std::fs::create_dir(&into).unwrap();
            unpack(File::open(&file).unwrap(), &file, &into).unwrap();
            let read = |path: &str| std::fs::read_to_string(into.join(path)).unwrap();
            assert_eq!(
                (read("deep/below/a.txt"), read("deep/link")),
                ("hello".into(), "hello".into())
            );
            std::fs::write(&file, compressed(kind, b"no archive")).unwrap();
            assert!(!is_archive(&file).unwrap(), "{kind}");
        }
    }

    #[test]
    fn nothing_is_written_outside() {
        let dir = tempfile::tempdir().unwrap();
        let (out, into) = (dir.path().join("out"), dir.path().join("in"));
        for folder in [&out, &into] {
            std::fs::create_dir(folder).unwrap();
        }
        let mut builder = tar::Builder::new(Vec::new());
        let mut link = Header::new_gnu();
        link.set_entry_type(EntryType::Symlink);
        link.set_size(0);
        builder.append_link(&mut link, "door", &out).unwrap();
        let mut header = Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        builder.append_data(&mut header, "door/planted", &b"x"[..]).unwrap();
        let archive = builder.into_inner().unwrap();
        assert!(unpack(&archive[..], Path::new("hostile.tar"), &into).is_err());
        assert!(std::fs::read_dir(&out).unwrap().next().is_none());
    }
}
