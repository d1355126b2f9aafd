//! The binary form, `regf`: a base block, then bins of cells that point at each other.
//!
//! Written is version 1.5, which every Windows since XP reads. Read is 1.3 to 1.6, with the layered
//! keys of Windows 10's container hives. Transaction logs are not applied: a layer's hives are
//! settled when it is exported.

mod read;
mod write;

pub use read::read;
pub use write::write;

/// Before the first bin.
const BASE_BLOCK: usize = 4096;
/// "There is none" where a cell's offset is expected.
const NONE: u32 = u32::MAX;
/// A name is stored one byte a character.
const KEY_COMPRESSED: u16 = 0x20;
const KEY_LINK: u16 = 0x10;
/// The root: it cannot be deleted, and a hive is entered by it.
const KEY_ROOT: u16 = 0x0c;
const VALUE_COMPRESSED: u16 = 1;
const VALUE_TOMBSTONE: u16 = 2;
/// Four bytes or fewer of data stand in the place of its offset.
const INLINE: u32 = 0x8000_0000;
/// Data longer than this is split into segments of this size.
const SEGMENT: usize = 16344;

/// Why a hive cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at offset {offset:#x}: {rule}")]
pub struct BadHive {
    /// Where, counted from the first bin.
    pub offset: usize,
    /// What is broken.
    pub rule: &'static str,
}

#[cfg(test)]
mod tests;
