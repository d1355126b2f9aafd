//! Caches as `--cache-to` and `--cache-from` name them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use image::ImageName;

use super::{CacheTo, Place};

impl Place {
    /// Reads `type=local,src=DIR`, `type=registry,ref=NAME`, or a name; `folder` is what the key of
    /// the folder is called.
    pub fn parse(text: &str, folder: &str) -> std::result::Result<(Self, Options), String> {
        let fields = crate::output::fields(text)?;
        if fields.len() == 1 && fields[0].1.is_none() {
            let name = ImageName::parse(text).map_err(|error| error.to_string())?;
            return Ok((Self::Registry(name), Options::default()));
        }
        let mut given = BTreeMap::new();
        for (key, value) in fields {
            let value = value.ok_or_else(|| format!("`{key}` has no value"))?;
            given.insert(key, value);
        }
        let kind = given.remove("type").ok_or("a type is needed")?;
        let place = match kind.as_str() {
            "local" => {
                let path = given.remove(folder).ok_or_else(|| format!("a {folder} is needed"))?;
                let tag = given.remove("tag").unwrap_or_else(|| "latest".to_owned());
                Self::Folder(PathBuf::from(path), tag)
            }
            "registry" => {
                let name = given.remove("ref").ok_or("a ref is needed")?;
                Self::Registry(ImageName::parse(&name).map_err(|error| error.to_string())?)
            }
            "inline" if folder == "dest" => Self::Inline,
            other => return Err(format!("type {other} is not supported")),
        };
        let options = Options::take(&mut given)?;
        match given.into_keys().next() {
            Some(key) => Err(format!("`{key}` is no key that a cache of type {kind} has")),
            None => Ok((place, options)),
        }
    }
}

/// What else is said of a cache to write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// `mode=max`
    pub max: bool,
    /// `ignore-error=true`
    pub ignore_error: bool,
}

impl Options {
    fn take(given: &mut BTreeMap<String, String>) -> std::result::Result<Self, String> {
        let max = match given.remove("mode").as_deref() {
            None | Some("min") => false,
            Some("max") => true,
            Some(other) => return Err(format!("mode {other}: min or max is wanted")),
        };
        let mut truth = |key: &str, default: bool| match given.remove(key) {
            None => Ok(default),
            Some(text) => crate::truth::truth(&text)
                .ok_or_else(|| format!("`{key}={text}` is neither true nor false")),
        };
        let ignore_error = truth("ignore-error", false)?;
        // The only ones that are written.
        for key in ["image-manifest", "oci-mediatypes"] {
            if !truth(key, true)? {
                return Err(format!("`{key}=false` is not supported"));
            }
        }
        Ok(Self { max, ignore_error })
    }
}

impl CacheTo {
    /// Reads `type=local,dest=DIR,mode=max`, `type=registry,ref=NAME`, `type=inline`, or a name.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let (place, options) = Place::parse(text, "dest")?;
        if place == Place::Inline && options.max {
            return Err("an inline cache has the image's own layers only".to_owned());
        }
        Ok(Self { place, max: options.max, ignore_error: options.ignore_error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_named_as_buildx_names_them() {
        let to = CacheTo::parse("type=local,dest=/c,mode=max,ignore-error=true").unwrap();
        assert_eq!(to.place, Place::Folder("/c".into(), "latest".into()));
        assert!(to.max && to.ignore_error);
        let (from, _) = Place::parse("user/app", "src").unwrap();
        assert!(matches!(from, Place::Registry(name) if name.familiar() == "user/app:latest"));
        for (text, wanted) in [
            ("type=local", "a dest is needed"),
            ("type=gha", "type gha is not supported"),
            ("type=registry,ref=a,mode=mid", "min or max"),
            ("type=registry,ref=a,image-manifest=false", "not supported"),
            ("type=inline,mode=max", "own layers only"),
            ("type=local,dest=x,scope=y", "`scope` is no key"),
        ] {
            let error = CacheTo::parse(text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(Place::parse("type=inline", "src").is_err());
    }
}
