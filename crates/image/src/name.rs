//! Image names, normalised as docker does: `node` is `docker.io/library/node:latest`.
//!
//! `transom/base` is built in: it is made here and never asked of, or sent to, a registry.

mod grammar;

use std::fmt;
use std::str::FromStr;

use oci_client::Reference;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, Result};

const HUB: &str = "docker.io";
const LIBRARY: &str = "library/";
/// Transom's own base image, as users write it.
pub const BASE_NAME: &str = "transom/base";

/// A registry, a repository in it, and a tag or a digest.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl ImageName {
    /// Reads what a user typed. Without tag and digest the tag is `latest`.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse =
            |rule: &str| Error::InvalidName { name: text.to_owned(), rule: rule.to_owned() };
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(refuse("64 hexadecimal digits are an id"));
        }
        let parts = grammar::read(text).map_err(refuse)?;
        let digest = match parts.digest {
            Some(digest) => Some(digest.parse().map_err(|_| refuse("the digest is not sha256"))?),
            None => None,
        };
        let tag = match (parts.tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, None) => Some("latest".to_owned()),
            (None, Some(_)) => None,
        };
        let registry = parts.registry.to_owned();
        Ok(Self { registry, repository: parts.repository, tag, digest })
    }

    /// The host, and port if any, of its registry.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository as the registry knows it (`library/node`).
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if it is named by one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if it is named by one.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Registry and repository as a user writes them (`node`, `ghcr.io/a/b`).
    pub fn familiar_repository(&self) -> String {
        if self.registry != HUB {
            return format!("{}/{}", self.registry, self.repository);
        }
        self.repository.strip_prefix(LIBRARY).unwrap_or(&self.repository).to_owned()
    }

    /// The whole name as a user writes it (`node:latest`).
    pub fn familiar(&self) -> String {
        self.with_suffix(self.familiar_repository())
    }

    /// The whole name with nothing left out (`docker.io/library/node:latest`).
    pub fn canonical(&self) -> String {
        self.with_suffix(format!("{}/{}", self.registry, self.repository))
    }

    /// The same repository, by digest alone.
    #[must_use]
    pub fn by_digest(&self, digest: &Digest) -> Self {
        Self { tag: None, digest: Some(digest.clone()), ..self.clone() }
    }

    /// The same repository, by tag alone.
    #[must_use]
    pub fn by_tag(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() }
    }

    /// True for `transom/base`, under whatever tag.
    pub fn is_builtin(&self) -> bool {
        self.registry == HUB && self.repository == BASE_NAME
    }

    /// True for the images that Microsoft licenses for Windows hosts only.
    pub fn is_microsoft_base(&self) -> bool {
        self.registry == "mcr.microsoft.com" && self.repository.starts_with("windows")
    }

    pub(crate) fn reference(&self) -> Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        match (&self.tag, &self.digest) {
            (_, Some(digest)) => Reference::with_digest(registry, repository, digest.to_string()),
            (tag, None) => {
                let tag = tag.clone().unwrap_or_else(|| "latest".to_owned());
                Reference::with_tag(registry, repository, tag)
            }
        }
    }

    fn with_suffix(&self, mut name: String) -> String {
        if let Some(tag) = &self.tag {
            name.push(':');
            name.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            name.push('@');
            name.push_str(digest.as_str());
        }
        name
    }
}

impl TryFrom<String> for ImageName {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl FromStr for ImageName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<ImageName> for String {
    fn from(name: ImageName) -> Self {
        name.canonical()
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar())
    }
}

impl fmt::Debug for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_and_shortened_as_docker_does() {
        for (typed, canonical, familiar) in [
            ("node", "docker.io/library/node:latest", "node:latest"),
            ("a/b:1", "docker.io/a/b:1", "a/b:1"),
            ("docker.io/library/x", "docker.io/library/x:latest", "x:latest"),
            ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
            ("localhost:5000/x/y:2", "localhost:5000/x/y:2", "localhost:5000/x/y:2"),
            (
                "mcr.microsoft.com/windows/nanoserver:ltsc2022",
                "mcr.microsoft.com/windows/nanoserver:ltsc2022",
                "mcr.microsoft.com/windows/nanoserver:ltsc2022",
            ),
        ] {
            let name = ImageName::parse(typed).unwrap();
            assert_eq!((name.canonical(), name.familiar()), (canonical.into(), familiar.into()));
            assert_eq!(ImageName::parse(&name.familiar()).unwrap(), name);
        }
    }

    #[test]
    fn a_digest_needs_no_tag() {
        let digest = Digest::of(b"x");
        let name = ImageName::parse(&format!("a/b@{digest}")).unwrap();
        assert_eq!((name.tag(), name.digest()), (None, Some(&digest)));
    }

    #[test]
    fn ids_upper_case_and_nonsense_are_no_names() {
        for text in ["", "Node", "a b", "-a", "a:", &"a".repeat(64), "x@sha256:12"] {
            assert!(ImageName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_base_is_built_in_wherever_it_is_spelled_out() {
        assert!(ImageName::parse("transom/base").unwrap().is_builtin());
        assert!(ImageName::parse("docker.io/transom/base:latest").unwrap().is_builtin());
        assert!(!ImageName::parse("localhost:5000/transom/base").unwrap().is_builtin());
    }
}
