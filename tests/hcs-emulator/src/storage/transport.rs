//! The import folder of a layer that stands on others, read strictly: whatever Windows' own backup
//! would not have written is refused.
//!
//! ```text
//! Files/a, Hives/..        a file below Files: attributes u32, then a backup stream
//! Files/d, Files/d.$wcidirs$    a folder, and beside it the same of the folder
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::codes;

/// Why it is refused.
type Outcome = Result<(), u32>;

const BESIDE: &str = ".$wcidirs$";
const DIRECTORY: u32 = 0x10;
const REPARSE_POINT: u32 = 0x400;

const DATA: u32 = 1;
const EXTENDED: u32 = 2;
const SECURITY: u32 = 3;
const ALTERNATE: u32 = 4;
const REPARSE: u32 = 8;

/// What a stream says.
#[derive(Default)]
struct Entry {
    attributes: u32,
    data: Option<Vec<u8>>,
    reparse: bool,
}

/// Makes the layer's files of it. Names that its parents have in the same folders are there too, as
/// the empty places that the filter driver fills.
pub(super) fn apply(source: &Path, layer: &Path, parents: &[PathBuf]) -> Outcome {
    for (name, is_folder) in names(source)? {
        let known = ["Files", "Hives"].iter().any(|part| match name.strip_suffix(BESIDE) {
            Some(folder) => !is_folder && folder == *part,
            None => is_folder && name == *part,
        });
        if !known {
            return Err(codes::INVALID_DATA);
        }
    }
    about_folder(&source.join("Files"))?;
    about_folder(&source.join("Hives"))?;
    let parents: Vec<PathBuf> = parents.iter().map(|parent| parent.join("Files")).collect();
    folder(&source.join("Files"), &layer.join("Files"), &parents)?;
    hives(&source.join("Hives"), &layer.join("Hives"))
}

fn names(folder: &Path) -> Result<Vec<(String, bool)>, u32> {
    let listed: io::Result<Vec<(String, bool)>> = fs::read_dir(folder).and_then(|entries| {
        let named = entries.map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, entry.file_type()?.is_dir()))
        });
        named.collect()
    });
    listed.map_err(|error| codes::of_io(&error))
}

fn folder(from: &Path, to: &Path, parents: &[PathBuf]) -> Outcome {
    fs::create_dir_all(to).map_err(|error| codes::of_io(&error))?;
    for (name, is_folder) in names(from)? {
        if let Some(beside) = name.strip_suffix(BESIDE) {
            if is_folder || !from.join(beside).is_dir() {
                return Err(codes::INVALID_DATA);
            }
            continue;
        }
        let below: Vec<PathBuf> = parents.iter().map(|parent| parent.join(&name)).collect();
        if !is_folder {
            file(&from.join(&name), &to.join(&name))?;
        } else if about_folder(&from.join(&name))?.reparse {
            fs::create_dir(to.join(&name)).map_err(|error| codes::of_io(&error))?;
        } else {
            folder(&from.join(&name), &to.join(&name), &below)?;
        }
    }
    places(to, parents).map_err(|error| codes::of_io(&error))
}

/// The names of the parents' that the layer has not.
fn places(to: &Path, parents: &[PathBuf]) -> io::Result<()> {
    for entry in parents.iter().filter_map(|parent| fs::read_dir(parent).ok()).flatten() {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if place.exists() {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::create_dir(place)?;
        } else {
            fs::write(place, "")?;
        }
    }
    Ok(())
}

fn about_folder(folder: &Path) -> Result<Entry, u32> {
    let mut beside = folder.file_name().unwrap_or_default().to_owned();
    beside.push(BESIDE);
    let entry = read(&folder.with_file_name(beside))?;
    let is_whole = folder.is_dir() && entry.attributes & DIRECTORY != 0 && entry.data.is_none();
    if is_whole { Ok(entry) } else { Err(codes::INVALID_DATA) }
}

fn file(from: &Path, to: &Path) -> Outcome {
    let entry = read(from)?;
    // A link has no data, everything else has it, be it empty.
    let is_whole = entry.attributes & DIRECTORY == 0 && entry.reparse == entry.data.is_none();
    if !is_whole {
        return Err(codes::INVALID_DATA);
    }
    fs::write(to, entry.data.unwrap_or_default()).map_err(|error| codes::of_io(&error))
}

fn hives(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| codes::of_io(&error))?;
    for (name, is_folder) in names(from)? {
        if is_folder {
            return Err(codes::INVALID_DATA);
        }
        fs::copy(from.join(&name), to.join(&name)).map_err(|error| codes::of_io(&error))?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Entry, u32> {
    let bytes = fs::read(file).map_err(|error| codes::of_io(&error))?;
    parse(&bytes).ok_or(codes::INVALID_DATA)
}

fn parse(bytes: &[u8]) -> Option<Entry> {
    let (attributes, mut rest) = bytes.split_first_chunk::<4>()?;
    let mut entry = Entry { attributes: u32::from_le_bytes(*attributes), ..Entry::default() };
    let mut before = 0;
    while !rest.is_empty() {
        let header = rest.first_chunk::<20>()?;
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four"));
        let (id, name) = (word(0), word(16) as usize);
        let size = u64::from(word(8)) | u64::from(word(12)) << 32;
        let data = rest.get(20 + name..)?;
        let data = data.get(..usize::try_from(size).ok()?)?;
        // Each once, in Windows' order; only alternate streams may be many, and have names.
        let place = order(id)?;
        let is_named = id == ALTERNATE;
        if word(4) != 0 || (name != 0) != is_named || place < before || place == before && !is_named
        {
            return None;
        }
        match id {
            DATA => entry.data = Some(data.to_vec()),
            SECURITY => (data.len() >= 20 && data[0] == 1 && data[3] & 0x80 != 0).then_some(())?,
            EXTENDED => extended(data)?,
            REPARSE => entry.reparse = reparse(data)?,
            _ => stream(rest.get(20..20 + name)?)?,
        }
        before = place;
        rest = &rest[20 + name + data.len()..];
    }
    (entry.reparse == (entry.attributes & REPARSE_POINT != 0)).then_some(entry)
}

fn order(id: u32) -> Option<u32> {
    let known = [SECURITY, EXTENDED, REPARSE, DATA, ALTERNATE];
    let place = known.iter().position(|one| *one == id)?;
    u32::try_from(place + 1).ok()
}

/// A chain of entries that ends with its last.
fn extended(data: &[u8]) -> Option<()> {
    let (step, rest) = data.split_first_chunk::<4>()?;
    let [_, name, low, high] = *rest.first_chunk::<4>()?;
    let own = 8 + usize::from(name) + 1 + usize::from(u16::from_le_bytes([low, high]));
    let own = own.next_multiple_of(4);
    match u32::from_le_bytes(*step) as usize {
        0 => (own == data.len()).then_some(()),
        step => (own == step).then_some(()).and_then(|()| extended(data.get(step..)?)),
    }
}

/// A junction or a symbolic link whose names lie in it.
fn reparse(data: &[u8]) -> Option<bool> {
    let header = data.first_chunk::<16>()?;
    let short = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    let names = match u32::from_le_bytes(*header.first_chunk()?) {
        0xA000_0003 => 16,
        0xA000_000C => 20,
        _ => return None,
    };
    let fits = [8, 12].iter().all(|at| names + short(*at) + short(at + 2) <= data.len());
    (fits && short(4) + 8 == data.len()).then_some(true)
}

/// `:name:$DATA`.
fn stream(name: &[u8]) -> Option<()> {
    let units: Vec<u16> = name.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    let name = String::from_utf16(&units).ok()?;
    let middle = name.strip_prefix(':')?.strip_suffix(":$DATA")?;
    (!middle.is_empty() && !middle.contains(':')).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(id: u32, size: u64) -> Vec<u8> {
        let mut header = id.to_le_bytes().to_vec();
        header.extend([0; 4]);
        header.extend(size.to_le_bytes());
        header.extend([0; 4]);
        header
    }

    fn file(streams: &[&[u8]]) -> Vec<u8> {
        [&32_u32.to_le_bytes()[..], &streams.concat()].concat()
    }

    #[test]
    fn a_stream_is_whole_known_and_in_its_place_or_refused() {
        let data = [header(DATA, 2), b"hi".to_vec()].concat();
        let guarded = [header(SECURITY, 20), vec![1, 0, 4, 0x80], vec![0; 16]].concat();
        assert_eq!(parse(&file(&[&guarded, &data])).unwrap().data.unwrap(), b"hi");
        assert!(parse(&file(&[&data, &guarded])).is_none(), "another order");
        assert!(parse(&file(&[&data, &data])).is_none(), "twice");
        assert!(parse(&file(&[&header(DATA, 3), b"hi"])).is_none(), "cut off");
        assert!(parse(&file(&[&header(42, 0)])).is_none(), "unknown");
        assert!(parse(&[1, 2]).is_none(), "no attributes");
    }
}
