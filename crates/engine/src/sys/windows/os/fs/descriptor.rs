//! Security descriptors that come out of an archive: nothing in one may point out of its bytes,
//! which Windows follows without asking how many there are.

use std::io;

use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GROUP_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION,
    SACL_SECURITY_INFORMATION,
};

/// A descriptor in the form that is all of one piece.
#[derive(Debug)]
pub(super) struct Parts {
    /// Aligned as Windows wants them.
    pub(super) bytes: Vec<u32>,
    /// Which parts it has: `OBJECT_SECURITY_INFORMATION`.
    pub(super) which: u32,
}

impl Parts {
    /// It says what is to be written down.
    pub(super) fn audits(&self) -> bool {
        self.which & SACL_SECURITY_INFORMATION != 0
    }
}

const GUARDS: u16 = 0x0004;
const AUDITS: u16 = 0x0010;
/// Asked for, and had: lists that came from the folder above are only kept as such when asked.
const INHERITED: [(u16, u16); 2] = [(0x0400, 0x0100), (0x0800, 0x0200)];
const SELF_RELATIVE: u16 = 0x8000;
const HEADER: usize = 20;

/// Refuses a broken one.
pub(in crate::sys) fn check(bytes: &[u8]) -> io::Result<()> {
    checked(bytes).map(drop)
}

/// Checks one.
pub(super) fn checked(bytes: &[u8]) -> io::Result<Parts> {
    parse(bytes).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, "its security descriptor is broken")
    })
}

fn parse(bytes: &[u8]) -> Option<Parts> {
    let control = u16_at(bytes, 2)?;
    if bytes[0] != 1 || control & SELF_RELATIVE == 0 || bytes.len() < HEADER {
        return None;
    }
    let [owner, group, audits, guards] = [4, 8, 12, 16].map(|field| u32_at(bytes, field));
    for account in [owner?, group?] {
        let is_whole = account == 0 || account_fits(bytes, account as usize);
        is_whole.then_some(())?;
    }
    let has = |flag: u16| control & flag != 0;
    for (flag, list) in [(AUDITS, audits?), (GUARDS, guards?)] {
        let is_whole = !has(flag) || list == 0 || list_fits(bytes, list as usize);
        is_whole.then_some(())?;
    }
    let mut kept = bytes.to_vec();
    let asked =
        INHERITED.iter().filter(|(had, _)| has(*had)).fold(control, |all, (_, ask)| all | ask);
    kept[2..4].copy_from_slice(&asked.to_le_bytes());
    kept.resize(kept.len().next_multiple_of(4), 0);
    let word = |four: &[u8]| u32::from_ne_bytes(four.try_into().expect("four bytes"));
    Some(Parts {
        bytes: kept.chunks_exact(4).map(word).collect(),
        which: [
            (owner? != 0, OWNER_SECURITY_INFORMATION),
            (group? != 0, GROUP_SECURITY_INFORMATION),
            (has(GUARDS), DACL_SECURITY_INFORMATION),
            (has(AUDITS), SACL_SECURITY_INFORMATION),
        ]
        .into_iter()
        .fold(0, |all, (is_there, part)| if is_there { all | part } else { all }),
    })
}

/// A revision, a count, six bytes, and four for each of the count.
fn account_fits(bytes: &[u8], at: usize) -> bool {
    let Some(&[revision, count]) = bytes.get(at..at.saturating_add(2)) else { return false };
    let end = at + 8 + 4 * usize::from(count);
    at >= HEADER && revision == 1 && count <= 15 && end <= bytes.len()
}

/// Entries within the list, the list within the bytes.
fn list_fits(bytes: &[u8], at: usize) -> bool {
    let (Some(size), Some(count)) = (at_in(bytes, at, 2), at_in(bytes, at, 4)) else {
        return false;
    };
    let end = at + usize::from(size);
    if at < HEADER || size < 8 || end > bytes.len() {
        return false;
    }
    let mut entry = at + 8;
    for _ in 0..count {
        let Some(size) = at_in(&bytes[..end], entry, 2) else { return false };
        entry += usize::from(size);
        if size < 4 || entry > end {
            return false;
        }
    }
    true
}

fn at_in(bytes: &[u8], at: usize, field: usize) -> Option<u16> {
    u16_at(bytes, at.checked_add(field)?)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().expect("two bytes")))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().expect("four bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_points_out_of_it_is_refused() {
        let whole =
            crate::layering::service().unwrap().descriptor("O:BAG:SYD:P(A;;FA;;;BA)").unwrap();
        let parts = checked(&whole).unwrap();
        assert_eq!((parts.which, parts.audits()), (1 | 2 | 4, false));
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_none(), "{length} bytes of {}", whole.len());
        }
        for at in [4, 8, 16] {
            for wrong in [1, u32::try_from(whole.len()).unwrap(), u32::MAX] {
                let mut bad = whole.clone();
                bad[at..at + 4].copy_from_slice(&wrong.to_le_bytes());
                assert!(parse(&bad).is_none(), "offset {wrong:#x} at {at}");
            }
        }
    }
}
