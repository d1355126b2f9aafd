//! Streams that are named by an address: what stands behind `file://` and `binary://`.
//!
//! Containerd makes these addresses as Go makes URLs: a blank or an umlaut of a path comes escaped.

use std::path::PathBuf;

/// The file in a `file://` address, which is this host's and named by an absolute path.
pub(super) fn file(rest: &str) -> Option<PathBuf> {
    let path = decode(rest.split(['?', '#']).next().unwrap_or_default());
    let own = path.strip_prefix("localhost").filter(|own| own.starts_with('/'));
    let path = own.unwrap_or(&path);
    engine::pipes::logger_path(path).filter(|path| path.is_absolute())
}

/// Takes `%41` for `A`; what is no such code stays.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.first_chunk::<2>().filter(|_| *first == b'%');
        let code = code.and_then(|hex| std::str::from_utf8(hex).ok());
        if let Some(byte) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The same behind a `?`, where a blank may come as `+`.
pub(super) fn decode_query(text: &str) -> String {
    decode(&text.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_address_is_an_absolute_path_of_this_host_however_it_is_escaped() {
        for (rest, path) in [
            ("/var/log/a", "/var/log/a"),
            ("/my%20logs/%C3%BC+1%25", "/my logs/ü+1%"),
            ("/100%/x", "/100%/x"),
            ("localhost/var/log/a", "/var/log/a"),
            ("/var/log/a?level=1#x", "/var/log/a"),
        ] {
            assert_eq!(file(rest), Some(PathBuf::from(path)), "{rest}");
        }
        for rest in ["", "rel/x", "localhost", "localhostile/x", "//server/share", "?x=/y"] {
            assert_eq!(file(rest), None, "{rest}");
        }
    }

    #[test]
    fn a_plus_is_a_blank_only_in_a_query() {
        assert_eq!(decode("/c++/a%2Bb"), "/c++/a+b");
        assert_eq!(decode_query("a+b%2Bc"), "a b+c");
    }
}
