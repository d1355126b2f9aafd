//! The backup stream of a file: what Windows' own backup calls give and take.
//!
//! ```text
//! id u32 · attributes u32 · size u64 · length of the name u32 · name, UTF-16 · data
//! ```

use std::io::{self, Read, Write};

use super::files::About;

const DATA: u32 = 1;
const EXTENDED: u32 = 2;
const SECURITY: u32 = 3;
const ALTERNATE: u32 = 4;
const REPARSE: u32 = 8;

/// A file's data, and how long it is.
pub(super) type Data<'a> = (&'a mut dyn Read, u64);

/// Writes the streams of an entry in the order in which Windows gives them. A file has its data,
/// also when that is nothing; a folder and a link have none.
pub(super) fn write(out: &mut impl Write, about: &About, data: Option<Data<'_>>) -> io::Result<()> {
    let parts =
        [(SECURITY, &about.security), (EXTENDED, &about.extended), (REPARSE, &about.reparse)];
    for (id, bytes) in parts.into_iter().filter_map(|(id, bytes)| Some((id, bytes.as_ref()?))) {
        header(out, id, bytes.len() as u64, "")?;
        out.write_all(bytes)?;
    }
    if let Some((data, size)) = data {
        header(out, DATA, size, "")?;
        if io::copy(&mut data.take(size), out)? != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    for (name, bytes) in &about.streams {
        header(out, ALTERNATE, bytes.len() as u64, &format!(":{name}:$DATA"))?;
        out.write_all(bytes)?;
    }
    Ok(())
}

fn header(out: &mut impl Write, id: u32, size: u64, name: &str) -> io::Result<()> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    out.write_all(&id.to_le_bytes())?;
    out.write_all(&0_u32.to_le_bytes())?;
    out.write_all(&size.to_le_bytes())?;
    out.write_all(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes())?;
    out.write_all(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_stand_in_windows_order_each_behind_its_header() {
        let about = About {
            security: Some(vec![7; 3]),
            streams: vec![("zone".into(), b"3".to_vec())],
            ..About::default()
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &about, Some((&mut b"data".as_slice(), 4))).unwrap();
        let header = |id: u8, size: u8, name: u8| {
            let mut header = [0; 20];
            (header[0], header[8], header[16]) = (id, size, name);
            header
        };
        let name: Vec<u8> = ":zone:$DATA".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let expected = [
            &header(3, 3, 0)[..],
            &[7; 3],
            &header(1, 4, 0),
            b"data",
            &header(4, 1, 22),
            &name,
            b"3",
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn a_file_that_has_become_shorter_is_no_silent_gap() {
        let short = write(&mut Vec::new(), &About::default(), Some((&mut b"da".as_slice(), 4)));
        assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        let mut folder = Vec::new();
        write(&mut folder, &About::default(), None).unwrap();
        assert!(folder.is_empty());
    }
}
