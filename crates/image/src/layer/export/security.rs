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

/// The entry came from the folder above.
const INHERITED: u8 = 0x10;

/// `MSWINDOWS.rawsd` of a folder.
pub(in crate::layer) fn folder() -> String {
    encode(&sid(ADMINISTRATORS), &of_folder(0))
}

/// `MSWINDOWS.rawsd` of a file.
pub(in crate::layer) fn file() -> String {
    encode(&sid(ADMINISTRATORS), &of_file(0))
}

/// `MSWINDOWS.rawsd` of what belongs to an account (`S-1-...`): it may do everything, beside what
/// the folder above hands down. `None` when that is no account.
pub(super) fn owned(account: &str, is_folder: bool) -> Option<String> {
    let owner = parse(account)?;
    let flags = if is_folder { BOTH } else { 0 };
    let mut aces = vec![bytes_of(flags, FULL, &owner)];
    aces.extend(if is_folder { of_folder(INHERITED) } else { of_file(INHERITED) });
    Some(encode(&owner, &aces))
}

fn of_folder(flags: u8) -> Vec<Vec<u8>> {
    let ace = |own, rights, who| bytes_of(own | flags, rights, &sid(who));
    vec![
        ace(BOTH, FULL, ADMINISTRATORS),
        ace(BOTH, FULL, SYSTEM),
        ace(0, FULL, ADMINISTRATORS),
        ace(BOTH | INHERIT_ONLY, GENERIC_ALL, CREATOR_OWNER),
        ace(BOTH, READ_EXECUTE, USERS),
        ace(CONTAINER_INHERIT, ADD_FOLDER, USERS),
        ace(CONTAINER_INHERIT, ADD_FILE, USERS),
    ]
}

fn of_file(flags: u8) -> Vec<Vec<u8>> {
    let ace = |rights, who| bytes_of(flags, rights, &sid(who));
    vec![ace(FULL, ADMINISTRATORS), ace(FULL, SYSTEM), ace(READ_EXECUTE, USERS)]
}

/// The self-relative form: header, owner, group, access list.
fn encode(owner: &[u8], aces: &[Vec<u8>]) -> String {
    const HEADER: usize = 20;
    const PRESENT_AND_RELATIVE: u16 = 0x8004;
    let group = sid(SYSTEM);
    let list = aces.concat();
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

/// An entry that allows.
fn bytes_of(flags: u8, rights: u32, who: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, flags];
    bytes.extend(short(8 + who.len()).to_le_bytes());
    bytes.extend(rights.to_le_bytes());
    bytes.extend(who);
    bytes
}

/// The text form of a security identifier in its binary one.
fn parse(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('-');
    let begins = parts.next()?.eq_ignore_ascii_case("S") && parts.next()? == "1";
    let authority: u64 = parts.next()?.parse().ok().filter(|authority| *authority < 1 << 48)?;
    let parts: Vec<u32> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let count =
        u8::try_from(parts.len()).ok().filter(|count| begins && (1..=15).contains(count))?;
    let mut bytes = vec![1, count];
    bytes.extend(&authority.to_be_bytes()[2..]);
    bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    Some(bytes)
}

fn sid((authority, parts): (u8, &[u32])) -> Vec<u8> {
    let count = u8::try_from(parts.len()).expect("an id has at most two parts here");
    let mut bytes = vec![1, count, 0, 0, 0, 0, 0, authority];
    bytes.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    bytes
}

fn short(n: usize) -> u16 {
    u16::try_from(n).expect("a list of eight entries is short")
}

fn length(n: usize) -> u32 {
    n.try_into().expect("a list of eight entries is short")
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
    fn what_belongs_to_an_account_is_its_own_to_do_with() {
        let bytes = STANDARD.decode(owned("s-1-5-93-2-2", true).unwrap()).unwrap();
        let owner = [1, 3, 0, 0, 0, 0, 0, 5, 93, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];
        assert_eq!(bytes[20..40], owner);
        let dacl = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
        assert_eq!(bytes[dacl + 4], 8, "its own entry and the seven of a folder");
        assert_eq!(bytes[dacl + 8..dacl + 10], [0, BOTH]);
        assert_eq!(bytes[dacl + 16..dacl + 36], owner);
        for bad in ["", "S-1-5", "S-2-5-1", "bob", "S-1-5-x", "S-1-281474976710656-1"] {
            assert_eq!(owned(bad, false), None, "{bad}");
        }
    }

    #[test]
    fn folders_hand_their_rights_down() {
        let bytes = STANDARD.decode(folder()).unwrap();
        assert!(bytes.len() > STANDARD.decode(file()).unwrap().len());
        let dacl = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
        assert_eq!(bytes[dacl + 8..dacl + 10], [0, BOTH], "the first entry is inherited");
    }
}
