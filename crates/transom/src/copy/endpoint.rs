//! What `cp` copies from and to.

use anyhow::{Result, bail};

/// One side of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A path in a container.
    Container { name: String, path: Inside },
    /// A path of this host, or `-`.
    Local(String),
}

/// A path below C:.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inside {
    /// Its parts, without `.` and `..`.
    pub(super) parts: Vec<String>,
    /// It ended in a slash: a directory is meant.
    pub(super) directory: bool,
    /// It ended in `/.`: what is in the directory is meant.
    pub(super) contents: bool,
}

impl Endpoint {
    /// Docker's rule: what begins with `.` or `/`, or has no colon, is local.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text == "-" || text.starts_with(['.', '/']) {
            return Ok(Self::Local(text.to_owned()));
        }
        match text.split_once(':') {
            Some((name, path)) if !name.contains('/') => {
                Ok(Self::Container { name: name.to_owned(), path: Inside::parse(path)? })
            }
            _ => Ok(Self::Local(text.to_owned())),
        }
    }
}

impl Inside {
    /// Reads a Windows path, with slashes of either kind.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let slashed = text.replace('\\', "/");
        let rest = match slashed.split_once(':') {
            Some((drive, rest)) if drive.eq_ignore_ascii_case("c") => rest,
            Some(_) => bail!("\"{text}\" is not on C:, the only drive of a container"),
            None => &slashed,
        };
        let mut inside = Self {
            directory: rest.ends_with('/'),
            contents: rest == "." || rest.ends_with("/."),
            ..Self::default()
        };
        for part in rest.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(inside.parts.pop()),
                part => inside.parts.push(part.to_owned()),
            }
        }
        Ok(inside)
    }

    /// As Windows writes it.
    pub(super) fn display(&self) -> String {
        format!("C:\\{}", self.parts.join("\\"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_and_its_path_are_told_from_a_local_one() {
        let Endpoint::Container { name, path } = Endpoint::parse(r"web:C:\a\b").unwrap() else {
            panic!("not a container")
        };
        assert_eq!((name.as_str(), path.display().as_str()), ("web", r"C:\a\b"));
        for local in ["-", "./a:b", "/a:b", "plain"] {
            assert_eq!(Endpoint::parse(local).unwrap(), Endpoint::Local(local.to_owned()));
        }
    }

    #[test]
    fn paths_stay_below_the_drive() {
        assert_eq!(Inside::parse("/../../etc").unwrap().parts, ["etc"]);
        assert!(Inside::parse(r"d:\x").is_err());
        assert!(Inside::parse("a/.").unwrap().contents && Inside::parse("a/").unwrap().directory);
    }
}
