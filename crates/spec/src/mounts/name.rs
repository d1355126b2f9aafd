//! Names of volumes.

use thiserror::Error;

use super::grammar;

/// No name for a volume.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// A character that no Windows file name has.
    #[error("invalid volume name")]
    Form,
    /// A device's name.
    #[error("volume name \"{0}\" cannot be a reserved word for Windows filenames")]
    Reserved(String),
}

/// Checks a volume's name. Reserved words are compared as they stand, so `CON` passes here: mount
/// strings are in lower case by then on a Windows host.
pub fn check_volume_name(name: &str) -> Result<(), NameError> {
    if !grammar::is_name(name) {
        return Err(NameError::Form);
    }
    if is_reserved(name) {
        return Err(NameError::Reserved(name.to_owned()));
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    matches!(name, "con" | "prn" | "nul" | "aux")
        || ["com", "lpt"].iter().any(|port| {
            name.strip_prefix(port).is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
        })
}
