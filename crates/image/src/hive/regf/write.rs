//! Writing: cells are laid out one after the other into bins, children before their parents'
//! lists, then the base block is put before them.

use super::{
    BASE_BLOCK, INLINE, KEY_COMPRESSED, KEY_LINK, KEY_ROOT, NONE, SEGMENT, VALUE_COMPRESSED,
    VALUE_TOMBSTONE,
};
use crate::hive::{Key, Layering, Value, fold};

const PAGE: usize = 4096;
const BIN_HEADER: usize = 32;
/// Lists longer than this are split under an index root, as Windows does.
const MAX_LIST: usize = 511;

/// Full control to SYSTEM and Administrators, read to everyone; owned by Administrators.
/// `O:BAG:SYD:(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;WD)`, self-relative.
const SECURITY: [u8; 120] = [
    1, 0, 4, 0x80, 92, 0, 0, 0, 108, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, // header
    2, 0, 72, 0, 3, 0, 0, 0, // three entries
    0, 2, 20, 0, 0x3f, 0, 0x0f, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // SYSTEM
    0, 2, 24, 0, 0x3f, 0, 0x0f, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0, // Admins
    0, 2, 20, 0, 0x19, 0, 2, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, // Everyone
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0, // owner
    1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, // group
];

/// Writes a hive whose root is `root`. The same tree gives the same bytes.
pub fn write(root: &Key) -> Vec<u8> {
    let mut writer = Writer::default();
    let security = writer.security(count(root));
    let root_cell = writer.key(root, NONE, security, true);
    let bins = writer.finish();
    let mut file = base_block(root, root_cell, bins.len());
    file.extend_from_slice(&bins);
    file
}

fn count(key: &Key) -> u32 {
    key.keys.values().map(count).fold(1, u32::saturating_add)
}

fn base_block(root: &Key, root_cell: u32, bins: usize) -> Vec<u8> {
    let mut block = vec![0; BASE_BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"regf");
    put(4, &1_u32.to_le_bytes());
    put(8, &1_u32.to_le_bytes());
    put(12, &root.modified.to_le_bytes());
    put(20, &1_u32.to_le_bytes());
    put(24, &5_u32.to_le_bytes());
    put(32, &1_u32.to_le_bytes());
    put(36, &root_cell.to_le_bytes());
    put(40, &size(bins).to_le_bytes());
    put(44, &1_u32.to_le_bytes());
    let checksum = block[..508]
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .fold(0, |sum, word| sum ^ word);
    // Two sums are reserved.
    let checksum = if checksum == 0 {
        1
    } else if checksum == u32::MAX {
        !1
    } else {
        checksum
    };
    block[508..512].copy_from_slice(&checksum.to_le_bytes());
    block
}

/// A hive is far smaller than 4 GiB: Windows' own limit is 2.
fn size(length: usize) -> u32 {
    u32::try_from(length).expect("a hive is smaller than 4 GiB")
}

#[derive(Default)]
struct Writer {
    bins: Vec<u8>,
    /// Where the bin that is being filled begins, and where it ends.
    bin: (usize, usize),
}

impl Writer {
    /// Allocates a cell for `data` and gives its offset.
    fn cell(&mut self, data: &[u8]) -> u32 {
        let length = (data.len() + 4).next_multiple_of(8);
        if self.bins.len() + length > self.bin.1 {
            self.open_bin(length);
        }
        let offset = self.bins.len();
        self.bins.extend_from_slice(&size(length).cast_signed().wrapping_neg().to_le_bytes());
        self.bins.extend_from_slice(data);
        self.bins.resize(offset + length, 0);
        size(offset)
    }

    fn open_bin(&mut self, needed: usize) {
        self.close_bin();
        let start = self.bins.len();
        let length = (needed + BIN_HEADER).next_multiple_of(PAGE);
        self.bins.extend_from_slice(b"hbin");
        self.bins.extend_from_slice(&size(start).to_le_bytes());
        self.bins.extend_from_slice(&size(length).to_le_bytes());
        self.bins.resize(start + BIN_HEADER, 0);
        self.bin = (start, start + length);
    }

    /// What is left of a bin is one free cell.
    fn close_bin(&mut self) {
        let free = self.bin.1 - self.bins.len();
        if free > 0 {
            self.bins.extend_from_slice(&size(free).to_le_bytes());
            self.bins.resize(self.bin.1, 0);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.close_bin();
        self.bins
    }

    fn patch(&mut self, cell: u32, at: usize, value: u32) {
        let at = cell as usize + 4 + at;
        self.bins[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn security(&mut self, references: u32) -> u32 {
        let mut cell = b"sk\0\0".to_vec();
        cell.resize(12, 0);
        cell.extend_from_slice(&references.to_le_bytes());
        cell.extend_from_slice(&size(SECURITY.len()).to_le_bytes());
        cell.extend_from_slice(&SECURITY);
        let offset = self.cell(&cell);
        // The only one of its list: it follows itself.
        self.patch(offset, 4, offset);
        self.patch(offset, 8, offset);
        offset
    }

    fn key(&mut self, key: &Key, parent: u32, security: u32, root: bool) -> u32 {
        let (name, compressed) = encode(if root { "ROOT" } else { &key.name });
        let class = key.class.as_deref().map(utf16).unwrap_or_default();
        let mut flags = if compressed { KEY_COMPRESSED } else { 0 };
        flags |= if root { KEY_ROOT } else { 0 } | if key.link { KEY_LINK } else { 0 };
        let mut cell = vec![0; 76];
        let mut put = |at: usize, bytes: &[u8]| cell[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"nk");
        put(2, &flags.to_le_bytes());
        put(4, &key.modified.to_le_bytes());
        put(13, &[layering(key.layering)]);
        put(16, &parent.to_le_bytes());
        put(20, &size(key.keys.len()).to_le_bytes());
        for none in [28, 32, 40, 48] {
            put(none, &NONE.to_le_bytes());
        }
        put(36, &size(key.values.len()).to_le_bytes());
        put(44, &security.to_le_bytes());
        put(52, &longest(key.keys.values().map(|below| utf16(&below.name).len())));
        put(
            56,
            &longest(key.keys.values().filter_map(|below| Some(below.class.as_ref()?.len() * 2))),
        );
        put(60, &longest(key.values.values().map(|value| utf16(&value.name).len())));
        put(64, &longest(key.values.values().map(|value| value.data.len())));
        put(72, &short(name.len()).to_le_bytes());
        put(74, &short(class.len()).to_le_bytes());
        cell.extend_from_slice(&name);
        let offset = self.cell(&cell);
        self.fill(key, offset, security, &class);
        offset
    }

    /// What a key points at, now that those can point back at it.
    fn fill(&mut self, key: &Key, offset: u32, security: u32, class: &[u8]) {
        if !class.is_empty() {
            let class = self.cell(class);
            self.patch(offset, 48, class);
        }
        if !key.values.is_empty() {
            let values: Vec<u32> = key.values.values().map(|value| self.value(value)).collect();
            let list: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let list = self.cell(&list);
            self.patch(offset, 40, list);
        }
        if !key.keys.is_empty() {
            let below: Vec<(u32, u32)> = key
                .keys
                .iter()
                .map(|(folded, below)| (self.key(below, offset, security, false), hash(folded)))
                .collect();
            let list = self.subkeys(&below);
            self.patch(offset, 28, list);
        }
    }

    fn subkeys(&mut self, below: &[(u32, u32)]) -> u32 {
        let leaves: Vec<u32> = below.chunks(MAX_LIST).map(|part| self.leaf(part)).collect();
        if let [only] = leaves[..] {
            return only;
        }
        let mut root = b"ri".to_vec();
        root.extend_from_slice(&short(leaves.len()).to_le_bytes());
        root.extend(leaves.iter().flat_map(|leaf| leaf.to_le_bytes()));
        self.cell(&root)
    }

    fn leaf(&mut self, part: &[(u32, u32)]) -> u32 {
        let mut leaf = b"lh".to_vec();
        leaf.extend_from_slice(&short(part.len()).to_le_bytes());
        for (key, hash) in part {
            leaf.extend_from_slice(&key.to_le_bytes());
            leaf.extend_from_slice(&hash.to_le_bytes());
        }
        self.cell(&leaf)
    }

    fn value(&mut self, value: &Value) -> u32 {
        let (name, compressed) = encode(&value.name);
        let mut flags = if compressed { VALUE_COMPRESSED } else { 0 };
        flags |= if value.tombstone { VALUE_TOMBSTONE } else { 0 };
        let (length, data) = self.data(&value.data);
        let mut cell = b"vk".to_vec();
        cell.extend_from_slice(&short(name.len()).to_le_bytes());
        cell.extend_from_slice(&length.to_le_bytes());
        cell.extend_from_slice(&data.to_le_bytes());
        cell.extend_from_slice(&value.kind.to_le_bytes());
        cell.extend_from_slice(&flags.to_le_bytes());
        cell.extend_from_slice(&[0; 2]);
        cell.extend_from_slice(&name);
        self.cell(&cell)
    }

    /// The length and place fields of a value.
    fn data(&mut self, data: &[u8]) -> (u32, u32) {
        match data.len() {
            0 => (INLINE, 0),
            length @ 1..=4 => {
                let mut inline = [0; 4];
                inline[..length].copy_from_slice(data);
                (INLINE | size(length), u32::from_le_bytes(inline))
            }
            length if length <= SEGMENT => (size(length), self.cell(data)),
            length => {
                let segments: Vec<u8> =
                    data.chunks(SEGMENT).flat_map(|part| self.cell(part).to_le_bytes()).collect();
                let list = self.cell(&segments);
                let mut cell = b"db".to_vec();
                cell.extend_from_slice(&short(segments.len() / 4).to_le_bytes());
                cell.extend_from_slice(&list.to_le_bytes());
                (size(length), self.cell(&cell))
            }
        }
    }
}

fn layering(layering: Layering) -> u8 {
    match layering {
        Layering::Merge => 0,
        Layering::Tombstone => 1,
        Layering::SupersedeLocal => 2,
        Layering::SupersedeTree => 3,
    }
}

/// The hash by which a key is looked up.
fn hash(folded: &str) -> u32 {
    folded.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(37).wrapping_add(unit.into()))
}

/// Names and lists are counted in 16 bits; the readers keep names to what a key may have.
fn short(length: usize) -> u16 {
    u16::try_from(length).expect("a name has at most 65535 bytes")
}

fn longest(lengths: impl Iterator<Item = usize>) -> [u8; 4] {
    size(lengths.max().unwrap_or(0)).to_le_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A name one byte a character where that is possible, else two.
fn encode(name: &str) -> (Vec<u8>, bool) {
    debug_assert_eq!(fold(name).chars().count(), name.chars().count());
    match name.chars().map(|c| u8::try_from(u32::from(c))).collect::<Result<Vec<u8>, _>>() {
        Ok(bytes) => (bytes, true),
        Err(_) => (utf16(name), false),
    }
}
