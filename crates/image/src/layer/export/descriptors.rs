//! Whose the files of a layer are, and who may do what with them, for whoever copies them.

use std::collections::HashMap;
use std::path::Path;

use super::{kept, security};
use crate::error::Result;
use crate::layer::fold;

/// More than an attribute of a file holds, and more than anybody writes.
const TOO_LONG: usize = 3500;

/// The security descriptors that a layer's archive gives its files and folders, but for those that
/// files have anyway.
#[derive(Debug, Clone, Default)]
pub struct Descriptors(HashMap<String, String>);

impl Descriptors {
    /// Those of an unpacked layer; none of a folder that is no layer.
    pub fn of(layer: &Path) -> Result<Self> {
        let usual = [security::file(), security::folder()];
        let mut found = HashMap::new();
        kept::each(layer, |path, kept| {
            let own =
                |text: &&str| text.len() < TOO_LONG && usual.iter().all(|usual| usual != text);
            if let Some(text) = kept.record("MSWINDOWS.rawsd").filter(own) {
                found.insert(path, text.to_owned());
            }
        })?;
        Ok(Self(found))
    }

    /// The one of what stands at a path on the drive, in its self-relative form and Base64.
    pub fn get(&self, path: &Path) -> Option<&str> {
        let path = path.to_string_lossy().replace('\\', "/");
        let descriptor = self.0.get(&fold::key(&super::upper::name(&path)));
        descriptor.map(String::as_str)
    }
}
