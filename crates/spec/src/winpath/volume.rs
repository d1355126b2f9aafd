//! The volume part at the head of a path: `C:`, `\\server\share`, `\\?\C:`.

use super::is_separator;

/// How many bytes of `path` name its volume; 0 when it names none.
pub fn volume_len(path: &str) -> usize {
    let bytes = path.as_bytes();
    if bytes.len() >= 2 && bytes[1] == b':' {
        return 2;
    }
    if !path.starts_with(is_separator) {
        return 0;
    }
    if has_prefix(bytes, br"\\.\UNC") {
        return share_len(bytes, br"\\.\UNC\".len());
    }
    if [br"\\.", br"\\?", br"\??"].iter().any(|prefix| has_prefix(bytes, *prefix)) {
        return device_len(bytes);
    }
    if bytes.len() >= 2 && is_slash(bytes[1]) { share_len(bytes, 2) } else { 0 }
}

/// `\\.\name` up to the separator behind the name.
fn device_len(bytes: &[u8]) -> usize {
    const HEAD: usize = 4;
    if bytes.len() < HEAD {
        return bytes.len();
    }
    bytes[HEAD..].iter().position(|b| is_slash(*b)).map_or(bytes.len(), |at| HEAD + at)
}

/// Server and share, from `start` up to the second separator.
fn share_len(bytes: &[u8], start: usize) -> usize {
    let separators = bytes.iter().enumerate().skip(start).filter(|(_, b)| is_slash(**b));
    separators.map(|(at, _)| at).nth(1).unwrap_or(bytes.len())
}

/// Whether `bytes` begins with the elements of `prefix`, in either slash and any case.
fn has_prefix(bytes: &[u8], prefix: &[u8]) -> bool {
    let same = |(b, p): (&u8, &u8)| {
        if is_slash(*p) { is_slash(*b) } else { b.eq_ignore_ascii_case(p) }
    };
    bytes.len() >= prefix.len()
        && bytes.iter().zip(prefix).all(same)
        && bytes.get(prefix.len()).is_none_or(|b| is_slash(*b))
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'\\' | b'/')
}

#[cfg(test)]
mod tests {
    use super::volume_len;

    #[test]
    fn the_volume_of_each_kind_of_path() {
        for (path, volume) in [
            (r"C:\x", "C:"),
            (r"\\srv\share\d", r"\\srv\share"),
            (r"\\?\C:\x", r"\\?\C:"),
            (r"\\.\UNC\srv\share\d", r"\\.\UNC\srv\share"),
            (r"\??\C:\x", r"\??\C:"),
            (r"\\.", r"\\."),
            (r"\x", ""),
            ("x", ""),
        ] {
            assert_eq!(&path[..volume_len(path)], volume, "{path}");
        }
    }
}
