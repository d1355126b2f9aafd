//! SHA-256 digests: the only algorithm that the store keeps.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

const PREFIX: &str = "sha256:";

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hasher(Sha256::new_with_prefix(bytes))
    }

    /// The digest of all that `input` gives.
    pub fn of_reader(mut input: impl Read) -> io::Result<Self> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return Ok(Self::from_hasher(hasher)),
                Ok(n) => hasher.update(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn from_hasher(hasher: Sha256) -> Self {
        let mut text = String::with_capacity(PREFIX.len() + 64);
        text.push_str(PREFIX);
        for byte in hasher.finalize() {
            text.extend(
                [byte >> 4, byte & 15].map(|n| char::from(b"0123456789abcdef"[usize::from(n)])),
            );
        }
        Self(text)
    }

    /// The 64 digits.
    pub fn hex(&self) -> &str {
        &self.0[PREFIX.len()..]
    }

    /// The first 12 digits, as `images` prints them.
    pub fn short(&self) -> &str {
        &self.hex()[..12]
    }

    /// With the algorithm.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The chain id of a layer with this diff id on top of `parent`.
    #[must_use]
    pub fn chained(&self, parent: Option<&Self>) -> Self {
        match parent {
            None => self.clone(),
            Some(parent) => Self::of(format!("{parent} {self}").as_bytes()),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        let digits = text.strip_prefix(PREFIX).unwrap_or_default();
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() == 64 && digits.bytes().all(is_digit) {
            return Ok(Self(text));
        }
        Err(Error::invalid(
            format!("digest `{text}`"),
            "only `sha256:` with 64 lower-case hexadecimal digits is kept",
        ))
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<&oci_spec::image::Digest> for Digest {
    type Error = Error;

    fn try_from(digest: &oci_spec::image::Digest) -> Result<Self, Error> {
        Self::try_from(digest.to_string())
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_the_well_known_one() {
        assert_eq!(
            Digest::of(b"").hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn other_algorithms_and_upper_case_are_refused() {
        for text in ["sha512:00", "sha256:", "", &Digest::of(b"").as_str().to_uppercase()] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_chain_of_one_is_the_layer_itself() {
        let layer = Digest::of(b"layer");
        assert_eq!(layer.chained(None), layer);
        assert_eq!(layer.chained(Some(&layer)), Digest::of(format!("{layer} {layer}").as_bytes()));
    }
}
