//! No security option breaks the parser, and none leads out of the folder of credential specs.
#![no_main]

use std::io;

use libfuzzer_sys::fuzz_target;
use spec::{HostFacts, Lookups, PathKind, PathStyle, credential};

struct Confined;

impl Lookups for Confined {
    fn stat(&self, _: &str) -> io::Result<Option<PathKind>> {
        Ok(None)
    }

    fn read_credential_spec(&self, path: &str) -> io::Result<String> {
        assert!(path.starts_with("/root/CredentialSpecs"));
        assert!(path.split('/').all(|element| element != ".."));
        Ok("{}".to_owned())
    }

    fn layer_folders(&self, _: &str) -> io::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

fuzz_target!(|option: String| {
    let facts = HostFacts::new(PathStyle::Unix, "/root", 1);
    let _ = credential::of(&[option], "id", &facts, &Confined);
});
