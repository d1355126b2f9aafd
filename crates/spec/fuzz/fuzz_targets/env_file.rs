//! No file of variables breaks the parser, and every entry that it gives has a name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spec::env;

fuzz_target!(|bytes: &[u8]| {
    for entry in env::parse_file(bytes, |_| Some(String::new())).unwrap_or_default() {
        assert!(entry.contains('=') && !env::key(&entry).is_empty());
    }
});
