//! The partitions of a disk, in the order in which one is looked for that a container sees: those
//! that Windows gives a letter, then others, never those that it keeps to itself. Reads master boot
//! records and GUID partition tables, trusting neither. Logical drives of an extended partition are
//! left out.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::super::loop_device::Part;
use super::within;

const SECTOR: u64 = 512;

/// More entries than any table has.
const MOST_PARTITIONS: u32 = 128;

/// A partition's kind in a GUID table, as its bytes lie.
type Kind = [u8; 16];

/// What Windows calls basic data: the partitions with a letter.
const BASIC_DATA: Kind = 0xA2A0_D0EB_E5B9_3344_87C0_68B6_B726_99C7_u128.to_be_bytes();

/// What nobody sees: the boot loader's, Windows' reserve, and its recovery.
const KEPT_BACK: [Kind; 3] = [
    0x2873_2AC1_1FF8_D211_BA4B_00A0_C93E_C93B_u128.to_be_bytes(),
    0x16E3_C9E3_5C0B_B84D_817D_F92D_F002_15AE_u128.to_be_bytes(),
    0xA4BB_94DE_D106_404D_A16A_BFD5_0179_D6AC_u128.to_be_bytes(),
];

/// The top byte of an entry's flags: hidden, or without a letter.
const WITHOUT_LETTER: u8 = 0xC0;

/// A record's kinds of partition that Windows gives a letter.
const LETTERED: [u8; 7] = [0x01, 0x04, 0x06, 0x07, 0x0B, 0x0C, 0x0E];

/// A record's kinds that nobody sees: none, extended ones, recovery and the boot loader's.
const RECORD_KEPT_BACK: [u8; 5] = [0x00, 0x05, 0x0F, 0x27, 0xEF];

/// How good a partition is; the best is looked at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Lettered,
    Other,
}

/// A disk.
pub(super) struct Whole<'f> {
    pub(super) file: &'f File,
    pub(super) whole: Part,
}

impl Whole<'_> {
    /// Bytes of a part, if they lie in it.
    pub(super) fn read<const N: usize>(&self, part: Part, at: u64) -> Option<[u8; N]> {
        let place = within(part, at, N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact_at(&mut bytes, place.offset).ok()?;
        Some(bytes)
    }

    /// The partitions, if the disk has a table.
    pub(super) fn partitions(&self) -> Vec<Part> {
        let Some(record) = self.read::<512>(self.whole, 0) else { return Vec::new() };
        if record[510..] != [0x55, 0xAA] {
            return Vec::new();
        }
        let entries: Vec<&[u8]> = record[446..510].chunks(16).collect();
        let mut found = if entries.iter().any(|entry| entry[4] == 0xEE) {
            self.guid_partitions()
        } else {
            entries.iter().filter_map(|entry| self.record_entry(entry)).collect()
        };
        // Stable: those of one rank stay in the table's order.
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().map(|(_, part)| part).collect()
    }

    fn record_entry(&self, entry: &[u8]) -> Option<(Rank, Part)> {
        let kind = entry[4];
        if RECORD_KEPT_BACK.contains(&kind) {
            return None;
        }
        let rank = if LETTERED.contains(&kind) { Rank::Lettered } else { Rank::Other };
        let [start, count] = [8, 12].map(|at| u64::from(little32(entry, at)) * SECTOR);
        Some((rank, within(self.whole, start, count)?))
    }

    fn guid_partitions(&self) -> Vec<(Rank, Part)> {
        let Some(header) = self.read::<92>(self.whole, SECTOR) else { return Vec::new() };
        if !header.starts_with(b"EFI PART") {
            return Vec::new();
        }
        let (table, size) = (little64(&header, 72), u64::from(little32(&header, 84)));
        let count = little32(&header, 80).min(MOST_PARTITIONS);
        let places = (0..u64::from(count))
            .filter_map(|at| table.checked_mul(SECTOR)?.checked_add(at.checked_mul(size)?));
        places.filter_map(|place| self.guid_entry(place)).collect()
    }

    fn guid_entry(&self, place: u64) -> Option<(Rank, Part)> {
        let entry = self.read::<56>(self.whole, place)?;
        let kind: &Kind = entry.first_chunk()?;
        if *kind == [0; 16] || KEPT_BACK.contains(kind) {
            return None;
        }
        let is_lettered = *kind == BASIC_DATA && entry[55] & WITHOUT_LETTER == 0;
        let rank = if is_lettered { Rank::Lettered } else { Rank::Other };
        let (first, last) = (little64(&entry, 32), little64(&entry, 40));
        let length = last.checked_sub(first)?.checked_add(1)?.checked_mul(SECTOR)?;
        Some((rank, within(self.whole, first.checked_mul(SECTOR)?, length)?))
    }
}

fn little32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the table's entry is longer"))
}

fn little64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("the table's entry is longer"))
}
