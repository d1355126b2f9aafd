//! Security descriptors for files that have none: the two that `BuildKit` gives files which it
//! makes for Windows on another system.
//!
//! Folders `O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)`
//! `(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)(A;CI;DC;;;BU)`,
//! files `O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SYSTEM: (u8, &[u32]) = (5, &[18]);
const ADMINISTRATORS: (u8, &[u32]) = (5, &[32, 544]);
const USERS: (u8, &[u32]) = (5, &[32, 545]);
const CREATOR_OWNER: (u8, &[u32]) = (3, &[0]);

const OBJECT_INHERIT: u8 = 1;
const CONTAINER_INHERIT: u8 = 2;
const INHERIT_ONLY: u8 = 8;
const BOTH: u8 = OBJECT_INHERIT | CONTAINER_INHERIT;

const FULL: u32 = 0x1f_01ff;
const READ_EXECUTE: u32 = 0x12_00a9;
const GENERIC_ALL: u32 = 0x1000_0000;
const ADD_FILE: u32 = 2;
const ADD_FOLDER: u32 = 4;

/// Flags, rights, and whose they are.
type Ace = (u8, u32, (u8, &'static [u32]));

/// `MSWINDOWS.rawsd` of a folder.
pub(in crate::layer) fn folder() -> String {
    encode(&[
        (BOTH, FULL, ADMINISTRATORS),
        (BOTH, FULL, SYSTEM),
        (0, FULL, ADMINISTRATORS),
        (BOTH | INHERIT_ONLY, GENERIC_ALL, CREATOR_OWNER),
        (BOTH, READ_EXECUTE, USERS),
        (CONTAINER_INHERIT, ADD_FOLDER, USERS),
        (CONTAINER_INHERIT, ADD_FILE, USERS),
    ])
}

/// `MSWINDOWS.rawsd` of a file.
pub(in crate::layer) fn file() -> String {
    encode(&[(0, FULL, ADMINISTRATORS), (0, FULL, SYSTEM), (0, READ_EXECUTE, USERS)])
}

/// The self-relative form: header, owner, group, access list.
fn encode(aces: &[Ace]) -> String {
    const HEADER: usize = 20;
    const PRESENT_AND_RELATIVE: u16 = 0x8004;
    let (owner, group) = (sid(ADMINISTRATORS), sid(SYSTEM));
    let list: Vec<u8> = aces.iter().flat_map(ace).collect();
    let mut bytes = vec![1, 0];
    bytes.extend(PRESENT_AND_RELATIVE.to_le_bytes());
    let offsets = [HEADER, HEADER + owner.len(), 0, HEADER + owner.len() + group.len()];
    bytes.extend(offsets.iter().flat_map(|&offset| length(offset).to_le_bytes()));
    bytes.extend(owner);
    bytes.extend(group);
    bytes.extend([2, 0]);
    bytes.extend(short(8 + list.len()).to_le_bytes());
    bytes.extend(short(aces.len()).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(list);
    STANDARD.encode(bytes)
}

/// Every entry here allows.
fn ace(&(flags, rights, who): &Ace) -> Vec<u8> {
    let who = sid(who);
    let mut bytes = vec![0, flags];
    bytes.extend(short(8 + who.len()).to_le_bytes());
    bytes.extend(rights.to_le_bytes());
    bytes.extend(who);
    bytes
}

fn sid((authority, parts): (u8, &[u32])) -> Vec<u8> {
    let count = u8::try_from(parts.len()).expect("an id has at most two parts here");
    let mut bytes = vec![1, count, 0, 0, 0, 0, 0, authority];
    bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    bytes
}

fn short(n: usize) -> u16 {
    u16::try_from(n).expect("a list of seven entries is short")
}

fn length(n: usize) -> u32 {
    n.try_into().expect("a list of seven entries is short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_descriptor_is_laid_out_as_windows_reads_it() {
        let bytes = STANDARD.decode(file()).unwrap();
        assert_eq!(bytes[..4], [1, 0, 0x04, 0x80]);
        let offset = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (owner, group, sacl, dacl) = (offset(4), offset(8), offset(12), offset(16));
        assert_eq!(bytes[owner..group], [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]);
        assert_eq!(bytes[group..dacl], [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]);
        let size = u16::from_le_bytes(bytes[dacl + 2..dacl + 4].try_into().unwrap());
        assert_eq!((sacl, dacl + usize::from(size), bytes[dacl + 4]), (0, bytes.len(), 3));
    }

    #[test]
    fn folders_hand_their_rights_down() {
        let bytes = STANDARD.decode(folder()).unwrap();
        assert!(bytes.len() > STANDARD.decode(file()).unwrap().len());
        let dacl = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
        assert_eq!(bytes[dacl + 8..dacl + 10], [0, BOTH], "the first entry is inherited");
    }
}
