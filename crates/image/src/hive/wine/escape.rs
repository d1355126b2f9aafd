//! Escapes in names and strings. Text is UTF-16 in the registry and may hold unpaired surrogates,
//! so strings are code units here and only names become Rust text.

use std::fmt::Write;

/// Letters that stand for a control character after a backslash.
const LETTERS: [(char, u16); 8] =
    [('a', 7), ('b', 8), ('t', 9), ('n', 10), ('v', 11), ('f', 12), ('r', 13), ('e', 27)];

/// Reads up to `end`, which stands unescaped, and gives what stands behind it.
pub(super) fn unescape(text: &str, end: char) -> Option<(Vec<u16>, &str)> {
    let mut units = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == end {
            return Some((units, &text[at + c.len_utf8()..]));
        }
        if c != '\\' {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            continue;
        }
        let (_, escaped) = chars.next()?;
        let mut digits = |radix: u32, most: usize, first: Option<char>| {
            let mut value = first.and_then(|c| c.to_digit(radix)).unwrap_or(0);
            let mut left = most - usize::from(first.is_some());
            while let Some(digit) = chars.peek().and_then(|(_, c)| c.to_digit(radix)) {
                if left == 0 {
                    break;
                }
                value = value * radix + digit;
                left -= 1;
                chars.next();
            }
            u16::try_from(value).unwrap_or(u16::MAX)
        };
        if escaped == 'x' {
            units.push(digits(16, 4, None));
        } else if escaped.is_digit(8) {
            units.push(digits(8, 3, Some(escaped)));
        } else if let Some((_, unit)) = LETTERS.iter().find(|(letter, _)| *letter == escaped) {
            units.push(*unit);
        } else {
            units.extend_from_slice(escaped.encode_utf16(&mut [0; 2]));
        }
    }
    None
}

/// Appends `units`, with a backslash before itself and before what is in `special`.
pub(super) fn escape(out: &mut String, units: &[u16], special: &str) {
    for (index, unit) in units.iter().enumerate() {
        let next = units.get(index + 1).and_then(|unit| char::from_u32((*unit).into()));
        match char::from_u32((*unit).into()) {
            Some(c) if special.contains(c) || c == '\\' => {
                out.push('\\');
                out.push(c);
            }
            Some(c @ ' '..='~') => out.push(c),
            _ => numeric(out, *unit, next),
        }
    }
}

/// A character that cannot stand as it is. Its number is padded where the next would run into it.
fn numeric(out: &mut String, unit: u16, next: Option<char>) {
    let written = if let Some((letter, _)) = LETTERS.iter().find(|(_, known)| *known == unit) {
        out.push('\\');
        out.push(*letter);
        Ok(())
    } else if unit > 0x7e && next.is_some_and(|c| c.is_ascii_hexdigit()) {
        write!(out, "\\x{unit:04x}")
    } else if unit > 0x7e {
        write!(out, "\\x{unit:x}")
    } else if next.is_some_and(|c| c.is_digit(8)) {
        write!(out, "\\{unit:03o}")
    } else {
        write!(out, "\\{unit:o}")
    };
    written.expect("writing to a string does not fail");
}
