//! What `--output`, `--cache-to` and such say: fields of a line of CSV, `key=value`.

use std::path::PathBuf;

use image::{ArchiveFormat, Compression, ImageName};
use serde_json::Value;

use super::{Destination, Output, Shape};

/// Why an output is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid output \"{text}\": {rule}")]
pub struct BadOutput {
    /// As it was given.
    pub text: String,
    /// What it breaks.
    pub rule: String,
}

type Parsed<T> = Result<T, String>;

impl Output {
    /// Reads `type=oci,dest=x.tar`, `-` (an archive of the files on stdout), or a folder for them.
    pub fn parse(text: &str) -> Result<Self, BadOutput> {
        read(text).map_err(|rule| BadOutput { text: text.to_owned(), rule })
    }
}

fn read(text: &str) -> Parsed<Output> {
    if text == "-" {
        return Ok(Output::Files { to: Destination::Stdout, archive: true });
    }
    let fields = fields(text)?;
    if fields.len() == 1 && fields[0].1.is_none() {
        let to = Destination::Path(PathBuf::from(&fields[0].0));
        return Ok(Output::Files { to, archive: false });
    }
    let mut given = Given::default();
    for (key, value) in fields {
        given.take(&key, value.ok_or_else(|| format!("`{key}` has no value"))?)?;
    }
    given.decide()
}

/// The fields of a line of CSV, split at their first `=`.
pub fn fields(text: &str) -> Parsed<Vec<(String, Option<String>)>> {
    let (mut all, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => all.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    all.push(field);
    let split = |field: String| match field.split_once('=') {
        Some((key, value)) => (key.trim().to_ascii_lowercase(), Some(value.to_owned())),
        None => (field, None),
    };
    Ok(all.into_iter().map(split).collect())
}

#[derive(Default)]
struct Given {
    kind: String,
    to: Option<Destination>,
    names: Vec<ImageName>,
    push: Option<bool>,
    store: Option<bool>,
    archive: Option<bool>,
    compression: Option<String>,
    level: Option<i32>,
    shape: Shape,
}

impl Given {
    fn take(&mut self, key: &str, value: String) -> Parsed<()> {
        match key {
            "type" => self.kind = value,
            "dest" if value == "-" => self.to = Some(Destination::Stdout),
            "dest" => self.to = Some(Destination::Path(PathBuf::from(value))),
            "name" => {
                for name in value.split(',').filter(|name| !name.is_empty()) {
                    self.names.push(ImageName::parse(name).map_err(|error| error.to_string())?);
                }
            }
            "push" => self.push = Some(truth(key, &value)?),
            "store" => self.store = Some(truth(key, &value)?),
            "tar" => self.archive = Some(truth(key, &value)?),
            // Layers are unpacked when a container first needs them, and no other media types are
            // written. With a SOURCE_DATE_EPOCH no file is newer than that, whoever asks.
            "unpack" if !truth(key, &value)? => {}
            "oci-mediatypes" | "rewrite-timestamp" if truth(key, &value)? => {}
            "compression" => self.compression = Some(value),
            "compression-level" => {
                let level = value.parse().map_err(|_| format!("`{key}={value}` is no number"))?;
                self.level = Some(level);
            }
            "force-compression" => self.shape.force_compression = truth(key, &value)?,
            "unpack" | "oci-mediatypes" | "rewrite-timestamp" => {
                return Err(format!("`{key}={value}` is not supported"));
            }
            other => return self.annotate(other, value),
        }
        Ok(())
    }

    fn annotate(&mut self, key: &str, value: String) -> Parsed<()> {
        let manifest = ["annotation.", "annotation-manifest."];
        let index = ["annotation-index."];
        let strip = |all: &[&str]| all.iter().find_map(|prefix| key.strip_prefix(prefix));
        match (strip(&manifest), strip(&index)) {
            (Some(name), _) if !name.is_empty() => {
                self.shape.annotations.insert(name.to_owned(), Value::String(value));
            }
            (_, Some(name)) if !name.is_empty() => {
                self.shape.index_annotations.insert(name.to_owned(), Value::String(value));
            }
            _ => return Err(format!("`{key}` is no key that outputs have")),
        }
        Ok(())
    }

    fn decide(mut self) -> Parsed<Output> {
        self.shape.compression = self.compression()?;
        self.shape.level = self.level.is_some();
        if self.shape.force_compression && self.shape.compression.is_none() {
            self.shape.compression = Some(Compression::default());
        }
        let kind = self.kind.clone();
        match kind.as_str() {
            "image" | "registry" => {
                self.none_of(&[("dest", self.to.is_some()), ("tar", self.archive.is_some())])?;
                let push = self.push.unwrap_or(kind == "registry");
                let store = self.store.unwrap_or(kind == "image");
                let (names, shape) = (self.names, self.shape);
                Ok(Output::Image { names, push, store, shape })
            }
            // As docker's: without a destination, it is loaded.
            "docker" if self.to.is_none() => {
                let (push, store) = (self.push.is_some(), self.store == Some(false));
                self.none_of(&[("push", push), ("store", store), ("tar", self.archive.is_some())])?;
                let (names, shape) = (self.names, self.shape);
                Ok(Output::Image { names, push: false, store: true, shape })
            }
            "docker" | "oci" => {
                self.none_of(&[("push", self.push.is_some()), ("store", self.store.is_some())])?;
                let folder = self.archive == Some(false);
                let docker = kind == "docker";
                if docker && folder {
                    return Err("docker reads archives only: use type=oci,tar=false".to_owned());
                }
                if folder && matches!(self.to, None | Some(Destination::Stdout)) {
                    return Err("a dest is needed: a folder cannot go to stdout".to_owned());
                }
                let to = self.to.unwrap_or(Destination::Stdout);
                let format = if docker { ArchiveFormat::Docker } else { ArchiveFormat::Oci };
                Ok(Output::Archive { format, to, names: self.names, folder, shape: self.shape })
            }
            "tar" | "local" => {
                self.none_of_an_image()?;
                let archive = kind == "tar";
                if !archive && self.to == Some(Destination::Stdout) {
                    return Err("a folder cannot go to stdout: use type=tar".to_owned());
                }
                let to = match self.to {
                    None if archive => Destination::Stdout,
                    to => to.ok_or("a dest is needed")?,
                };
                Ok(Output::Files { to, archive })
            }
            "cacheonly" => {
                self.none_of(&[("dest", self.to.is_some())])?;
                self.none_of_an_image()?;
                Ok(Output::CacheOnly)
            }
            "" => Err("a type is needed".to_owned()),
            other => Err(format!(
                "type {other} is not supported: image, registry, oci, docker, tar, local or \
                 cacheonly is wanted"
            )),
        }
    }

    /// Refuses what only an image has.
    fn none_of_an_image(&self) -> Result<(), String> {
        self.none_of(&[
            ("push", self.push.is_some()),
            ("store", self.store.is_some()),
            ("tar", self.archive.is_some()),
            ("name", !self.names.is_empty()),
            ("compression", self.shape.compression.is_some()),
            ("annotation", !self.shape.annotations.is_empty()),
            ("annotation-index", !self.shape.index_annotations.is_empty()),
        ])
    }

    fn none_of(&self, keys: &[(&str, bool)]) -> Parsed<()> {
        match keys.iter().find(|(_, given)| *given) {
            Some((key, _)) => Err(format!("type {} has no `{key}`", self.kind)),
            None => Ok(()),
        }
    }

    fn compression(&self) -> Parsed<Option<Compression>> {
        let level = |least: i32, usual: i32, most: i32| {
            let level = self.level.unwrap_or(usual);
            let fits = (least..=most).contains(&level);
            fits.then_some(level).ok_or(format!("compression-level {level}: {least} to {most}"))
        };
        match self.compression.as_deref() {
            None if self.level.is_some() => Err("compression-level needs a compression".to_owned()),
            None => Ok(None),
            Some("uncompressed") => Ok(Some(Compression::Uncompressed)),
            Some("gzip") => Ok(Some(Compression::Gzip(level(0, 6, 9)?.unsigned_abs()))),
            Some("zstd") => Ok(Some(Compression::Zstd(level(1, 3, 22)?))),
            Some(other) => {
                Err(format!("compression {other}: gzip, zstd or uncompressed is wanted"))
            }
        }
    }
}

fn truth(key: &str, value: &str) -> Parsed<bool> {
    crate::truth::truth(value).ok_or_else(|| format!("`{key}={value}` is neither true nor false"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_decided_as_buildx_writes_them() {
        let files = |path: &str| Destination::Path(path.into());
        assert_eq!(
            Output::parse("-"),
            Ok(Output::Files { to: Destination::Stdout, archive: true })
        );
        assert_eq!(Output::parse("out"), Ok(Output::Files { to: files("out"), archive: false }));
        let Ok(Output::Image { names, push: true, store: true, .. }) =
            Output::parse("type=image,\"name=a,b:2\",push=true")
        else {
            panic!("not an image")
        };
        assert_eq!(names.iter().map(ImageName::familiar).collect::<Vec<_>>(), ["a:latest", "b:2"]);
        let Ok(Output::Archive { shape, folder: true, .. }) = Output::parse(
            "type=oci,dest=x,tar=false,compression=zstd,compression-level=9,annotation.a=b",
        ) else {
            panic!("not an archive")
        };
        assert_eq!(shape.compression, Some(Compression::Zstd(9)));
        assert_eq!(shape.annotations["a"], "b");
        assert!(matches!(
            Output::parse("type=registry"),
            Ok(Output::Image { push: true, store: false, .. })
        ));
        assert_eq!(Output::parse("type=docker"), Ok(Output::store()));
        let stdout = Ok(Output::Files { to: Destination::Stdout, archive: true });
        assert_eq!(Output::parse("type=tar"), stdout, "as buildx's");
    }

    #[test]
    fn what_an_output_cannot_do_is_refused_by_name() {
        let table = [
            ("type=oci,tar=false", "a dest is needed"),
            ("type=local", "a dest is needed"),
            ("type=cacheonly,dest=x", "has no `dest`"),
            ("type=cacheonly,push=true", "has no `push`"),
            ("type=docker,store=false", "has no `store`"),
            ("type=image,rewrite-timestamp=false", "not supported"),
            ("type=nfs,dest=x", "type nfs is not supported"),
            ("type=local,dest=x,push=true", "has no `push`"),
            ("type=image,dest=x", "has no `dest`"),
            ("type=image,pussh=true", "`pussh` is no key"),
            ("type=image,push=yes", "neither true nor false"),
            ("type=image,compression=lzma", "compression lzma"),
            ("type=image,compression=gzip,compression-level=10", "0 to 9"),
            ("type=image,unpack=true", "not supported"),
            ("type=local,dest=-", "cannot go to stdout"),
            ("type=image,\"name=a", "not closed"),
        ];
        for (text, wanted) in table {
            let error = Output::parse(text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
