//! A link's target as Windows keeps it: a `REPARSE_DATA_BUFFER`.

const MOUNT_POINT: u32 = 0xA000_0003;
const SYMBOLIC_LINK: u32 = 0xA000_000C;
const RELATIVE: u32 = 1;

/// The buffer of a junction, or of a symbolic link, to `target`; `None` when that is too long.
pub(super) fn encode(target: &str, is_junction: bool) -> Option<Vec<u8>> {
    let target = target.replace('/', "\\");
    let (substitute, is_relative) = substitute(&target);
    let (substitute, print) = (units(&substitute), units(&target));
    let (first, second) = (length(&substitute)?, length(&print)?);
    let mut body = Vec::new();
    for field in [0, first, first.checked_add(2)?, second] {
        body.extend(field.to_le_bytes());
    }
    if !is_junction {
        body.extend((if is_relative { RELATIVE } else { 0 }).to_le_bytes());
    }
    for name in [&substitute, &print] {
        body.extend(name.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()));
    }
    let tag = if is_junction { MOUNT_POINT } else { SYMBOLIC_LINK };
    let mut buffer = tag.to_le_bytes().to_vec();
    buffer.extend(u16::try_from(body.len()).ok()?.to_le_bytes());
    buffer.extend([0, 0]);
    buffer.extend(body);
    Some(buffer)
}

/// What the object manager follows, and whether that depends on where the link is.
fn substitute(target: &str) -> (String, bool) {
    if let Some(plain) = target.strip_prefix(r"\\?\") {
        return (format!(r"\??\{plain}"), false);
    }
    if let Some(share) = target.strip_prefix(r"\\") {
        return (format!(r"\??\UNC\{share}"), false);
    }
    let mut begins = target.chars();
    let is_drive = begins.next().is_some_and(|c| c.is_ascii_alphabetic());
    if is_drive && begins.next() == Some(':') {
        return (format!(r"\??\{target}"), false);
    }
    (target.to_owned(), true)
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn length(name: &[u16]) -> Option<u16> {
    u16::try_from(name.len().checked_mul(2)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tag, flags if it has any, what is followed, what is shown.
    fn read(buffer: &[u8]) -> (u32, Option<u32>, String, String) {
        let short = |at: usize| u16::from_le_bytes([buffer[at], buffer[at + 1]]) as usize;
        let long = |at: usize| u32::from_le_bytes(buffer[at..at + 4].try_into().unwrap());
        assert_eq!(short(4) + 8, buffer.len());
        let flags = (long(0) == SYMBOLIC_LINK).then(|| long(16));
        let names = if flags.is_some() { 20 } else { 16 };
        let name = |field: usize| {
            let bytes = &buffer[names + short(field)..][..short(field + 2)];
            let units: Vec<u16> =
                bytes.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
            String::from_utf16(&units).unwrap()
        };
        (long(0), flags, name(8), name(12))
    }

    #[test]
    fn a_target_is_followed_as_windows_writes_it_and_shown_as_it_came() {
        let link = |target: &str| read(&encode(target, false).unwrap());
        let expected = |flags, followed: &str, shown: &str| {
            (SYMBOLIC_LINK, Some(flags), followed.to_owned(), shown.to_owned())
        };
        assert_eq!(link("../a/b"), expected(1, r"..\a\b", r"..\a\b"));
        assert_eq!(link(r"C:\a"), expected(0, r"\??\C:\a", r"C:\a"));
        assert_eq!(link(r"\\?\C:\a"), expected(0, r"\??\C:\a", r"\\?\C:\a"));
        assert_eq!(link(r"\\host\a"), expected(0, r"\??\UNC\host\a", r"\\host\a"));
        let junction = read(&encode(r"C:\Users", true).unwrap());
        assert_eq!(junction, (MOUNT_POINT, None, r"\??\C:\Users".into(), r"C:\Users".into()));
        assert!(encode(&"a".repeat(40_000), false).is_none());
    }
}
