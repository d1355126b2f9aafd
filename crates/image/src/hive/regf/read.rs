//! Reading. Every offset comes from whoever made the layer, so every one is checked, and what is
//! reached is counted: a cell that points back at its parents ends the reading, not the process.

use super::{
    BASE_BLOCK, BadHive, INLINE, KEY_COMPRESSED, KEY_LINK, NONE, SEGMENT, VALUE_COMPRESSED,
    VALUE_TOMBSTONE,
};
use crate::hive::{Key, Layering, Value, fold};

/// Windows' own limit of nested keys.
const MAX_DEPTH: usize = 512;

/// Reads a hive's root key.
pub fn read(bytes: &[u8]) -> Result<Key, BadHive> {
    let bad = |rule| BadHive { offset: 0, rule };
    if bytes.len() < BASE_BLOCK || !bytes.starts_with(b"regf") {
        return Err(bad("a hive begins with `regf` and a block of 4096 bytes"));
    }
    let base = Cell { bytes: &bytes[..BASE_BLOCK], offset: 0 };
    if base.u32(20)? != 1 || base.u32(28)? != 0 {
        return Err(bad("not a primary file of version 1"));
    }
    let mut reader = Reader { bins: &bytes[BASE_BLOCK..], left: bytes.len() / 8 };
    let mut root = reader.key(base.u32(36)?, 0)?;
    root.name.clear();
    Ok(root)
}

struct Reader<'a> {
    bins: &'a [u8],
    /// How many cells may still be visited: there cannot be more than fit.
    left: usize,
}

/// One cell's contents.
#[derive(Clone, Copy)]
struct Cell<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cell<'a> {
    fn take(&self, at: usize, length: usize) -> Result<&'a [u8], BadHive> {
        let end = at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(BadHive { offset: self.offset, rule: "the cell is too short" })?;
        Ok(&self.bytes[at..end])
    }

    fn u16(&self, at: usize) -> Result<u16, BadHive> {
        let bytes = self.take(at, 2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&self, at: usize) -> Result<u32, BadHive> {
        let bytes = self.take(at, 4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn u64(&self, at: usize) -> Result<u64, BadHive> {
        Ok(u64::from(self.u32(at)?) | u64::from(self.u32(at + 4)?) << 32)
    }

    fn signed(&self, signature: [u8; 2], rule: &'static str) -> Result<(), BadHive> {
        if self.take(0, 2)? == signature.as_slice() {
            return Ok(());
        }
        Err(BadHive { offset: self.offset, rule })
    }

    fn text(&self, at: usize, length: usize, compressed: bool) -> Result<String, BadHive> {
        let bytes = self.take(at, length)?;
        if compressed {
            return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
        }
        let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        Ok(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }
}

impl<'a> Reader<'a> {
    /// The cell at `offset`, allocated and whole.
    fn cell(&mut self, offset: u32) -> Result<Cell<'a>, BadHive> {
        let offset = offset as usize;
        let bad = |rule| BadHive { offset, rule };
        self.left = self.left.checked_sub(1).ok_or(bad("the cells form a loop"))?;
        let all = Cell { bytes: self.bins, offset };
        let size = all.u32(offset)?.cast_signed();
        let length = usize::try_from(size.checked_neg().unwrap_or(0)).unwrap_or(0);
        if length < 8 {
            return Err(bad("the cell is not allocated"));
        }
        Ok(Cell { bytes: all.take(offset + 4, length - 4)?, offset })
    }

    fn key(&mut self, offset: u32, depth: usize) -> Result<Key, BadHive> {
        let cell = self.cell(offset)?;
        cell.signed(*b"nk", "a key is expected here")?;
        if depth > MAX_DEPTH {
            return Err(BadHive { offset: cell.offset, rule: "keys are nested too deep" });
        }
        let flags = cell.u16(2)?;
        let name_length = usize::from(cell.u16(72)?);
        let mut key = Key {
            name: cell.text(76, name_length, flags & KEY_COMPRESSED != 0)?,
            class: self.class(&cell)?,
            modified: cell.u64(4)?,
            link: flags & KEY_LINK != 0,
            layering: layering(cell.take(13, 1)?[0]),
            ..Key::default()
        };
        self.values(&mut key, &cell)?;
        if cell.u32(20)? > 0 {
            self.subkeys(&mut key, cell.u32(28)?, depth, true)?;
        }
        Ok(key)
    }

    fn class(&mut self, cell: &Cell<'a>) -> Result<Option<String>, BadHive> {
        let length = usize::from(cell.u16(74)?);
        match cell.u32(48)? {
            NONE => Ok(None),
            _ if length == 0 => Ok(None),
            offset => self.cell(offset)?.text(0, length, false).map(Some),
        }
    }

    fn subkeys(
        &mut self,
        key: &mut Key,
        offset: u32,
        depth: usize,
        may_be_root: bool,
    ) -> Result<(), BadHive> {
        let list = self.cell(offset)?;
        let count = usize::from(list.u16(2)?);
        let stride = match list.take(0, 2)? {
            b"lf" | b"lh" => 8,
            b"li" => 4,
            b"ri" if may_be_root => {
                for index in 0..count {
                    self.subkeys(key, list.u32(4 + 4 * index)?, depth, false)?;
                }
                return Ok(());
            }
            _ => return Err(BadHive { offset: list.offset, rule: "a list of keys is expected" }),
        };
        for index in 0..count {
            let below = self.key(list.u32(4 + stride * index)?, depth + 1)?;
            key.keys.insert(fold(&below.name), below);
        }
        Ok(())
    }

    fn values(&mut self, key: &mut Key, cell: &Cell<'a>) -> Result<(), BadHive> {
        let count = cell.u32(36)? as usize;
        if count == 0 {
            return Ok(());
        }
        let list = self.cell(cell.u32(40)?)?;
        // Checked before looping: the count alone could be four thousand million.
        list.take(0, count.saturating_mul(4))?;
        for index in 0..count {
            let value = self.value(list.u32(4 * index)?)?;
            key.set(value);
        }
        Ok(())
    }

    fn value(&mut self, offset: u32) -> Result<Value, BadHive> {
        let cell = self.cell(offset)?;
        cell.signed(*b"vk", "a value is expected here")?;
        let flags = cell.u16(16)?;
        let size = cell.u32(4)?;
        let length = (size & !INLINE) as usize;
        let data = if size & INLINE != 0 {
            cell.take(8, length.min(4))?.to_vec()
        } else if length == 0 {
            Vec::new()
        } else {
            self.data(cell.u32(8)?, length)?
        };
        Ok(Value {
            name: cell.text(20, usize::from(cell.u16(2)?), flags & VALUE_COMPRESSED != 0)?,
            kind: cell.u32(12)?,
            data,
            tombstone: flags & VALUE_TOMBSTONE != 0,
        })
    }

    fn data(&mut self, offset: u32, length: usize) -> Result<Vec<u8>, BadHive> {
        let cell = self.cell(offset)?;
        if length <= SEGMENT || cell.take(0, 2)? != b"db" {
            return Ok(cell.take(0, length)?.to_vec());
        }
        let segments = self.cell(cell.u32(4)?)?;
        let mut data = Vec::new();
        for index in 0..usize::from(cell.u16(2)?) {
            let segment = self.cell(segments.u32(4 * index)?)?;
            let rest = length - data.len();
            data.extend_from_slice(segment.take(0, rest.min(SEGMENT))?);
        }
        if data.len() == length {
            return Ok(data);
        }
        Err(BadHive { offset: cell.offset, rule: "a value's segments are shorter than the value" })
    }
}

/// The layered bits of a key, as Windows 10 and later set them in the hives of containers.
fn layering(bits: u8) -> Layering {
    match bits & 3 {
        1 => Layering::Tombstone,
        2 => Layering::SupersedeLocal,
        3 => Layering::SupersedeTree,
        _ => Layering::Merge,
    }
}
