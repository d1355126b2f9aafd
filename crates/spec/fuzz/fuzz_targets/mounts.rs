//! No mount string breaks the parser, and none that it takes covers the system drive.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use spec::{Lookups, PathKind, PathStyle, mounts};

struct Everything;

impl Lookups for Everything {
    fn stat(&self, _: &str) -> io::Result<Option<PathKind>> {
        Ok(Some(PathKind::Directory))
    }

    fn read_credential_spec(&self, _: &str) -> io::Result<String> {
        Ok(String::new())
    }

    fn layer_folders(&self, _: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

fuzz_target!(|raw: &str| {
    for style in [PathStyle::Windows, PathStyle::Unix] {
        if let Ok(point) = mounts::parse(raw, "", style, &Everything) {
            let place = point.destination.to_lowercase();
            assert!(place != "c:" && place != "c:\\");
        }
    }
});
