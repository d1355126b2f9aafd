//! What `build` does with its result: outputs, caches, attestations, and telling about it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use build::output::{self, Outcome, Output, Shape};
use build::remote::{CacheTo, Place};
use serde_json::{Value, json};

use crate::cli::build::Results;

/// Where the result goes.
pub(super) fn outputs(flags: &Results) -> Result<Vec<Output>> {
    let mut outputs: Vec<Output> =
        flags.output.iter().map(|text| Ok(Output::parse(text)?)).collect::<Result<_>>()?;
    if flags.push {
        let pushes = |output: &mut Output| match output {
            Output::Image { push, .. } => {
                *push = true;
                true
            }
            _ => false,
        };
        if !outputs.iter_mut().any(pushes) {
            outputs.push(Output::Image {
                names: Vec::new(),
                push: true,
                store: true,
                shape: Shape::default(),
            });
        }
    }
    if flags.load && !outputs.iter().any(|out| matches!(out, Output::Image { store: true, .. })) {
        outputs.push(Output::store());
    }
    if outputs.iter().filter(|output| to_stdout(output)).count() > 1 {
        bail!("only one output can go to stdout");
    }
    annotate(&mut outputs, &flags.annotation)?;
    Ok(outputs)
}

/// An output that takes stdout for itself.
pub(super) fn to_stdout(output: &Output) -> bool {
    let to = match output {
        Output::Archive { to, .. } | Output::Files { to, .. } => to,
        Output::Image { .. } | Output::CacheOnly => return false,
    };
    *to == output::Destination::Stdout
}

fn annotate(outputs: &mut Vec<Output>, given: &[String]) -> Result<()> {
    if given.is_empty() {
        return Ok(());
    }
    if outputs.is_empty() {
        outputs.push(Output::store());
    }
    for text in given {
        let (key, value) =
            text.split_once('=').with_context(|| format!("--annotation {text}: NAME=VALUE"))?;
        let (kinds, name) = kinds(key).with_context(|| format!("--annotation {text}"))?;
        for output in outputs.iter_mut() {
            let (Output::Image { shape, .. } | Output::Archive { shape, .. }) = output else {
                bail!("--annotation {text}: an output that is no image has no annotations");
            };
            for kind in &kinds {
                let all = match kind {
                    On::Index => &mut shape.index_annotations,
                    On::Manifest => &mut shape.annotations,
                };
                all.insert(name.to_owned(), json!(value));
            }
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Manifest,
    Index,
}

/// `NAME`, `index:NAME`, `index,manifest[windows/amd64]:NAME`. A colon may stand in a name too.
fn kinds(key: &str) -> Result<(Vec<On>, &str)> {
    let Some((kinds, name)) = key.split_once(':') else { return Ok((vec![On::Manifest], key)) };
    let mut found = Vec::new();
    for kind in kinds.split(',') {
        let (kind, platform) = match kind.strip_suffix(']').and_then(|kind| kind.split_once('[')) {
            Some((kind, platform)) => (kind, Some(platform)),
            None => (kind, None),
        };
        found.push(match kind {
            "manifest" => On::Manifest,
            "index" if platform.is_none() => On::Index,
            "manifest-descriptor" | "index-descriptor" => {
                bail!("only manifest and index are supported")
            }
            _ => return Ok((vec![On::Manifest], key)),
        });
        if platform.is_some_and(|platform| !matches!(platform, "windows" | "windows/amd64")) {
            bail!("there is one platform, windows/amd64");
        }
    }
    Ok((found, name))
}

/// Caches to look into.
pub(super) fn cache_from(flags: &Results) -> Result<Vec<Place>> {
    let read = |text: &String| {
        let (place, options) = Place::parse(text, "src")
            .map_err(|rule| anyhow::anyhow!("invalid --cache-from {text}: {rule}"))?;
        if options != build::remote::Options::default() {
            bail!("invalid --cache-from {text}: mode and ignore-error are for --cache-to");
        }
        Ok(place)
    };
    flags.cache_from.iter().map(read).collect()
}

/// Caches to write.
pub(super) fn cache_to(flags: &Results) -> Result<Vec<CacheTo>> {
    let read = |text: &String| {
        CacheTo::parse(text).map_err(|rule| anyhow::anyhow!("invalid --cache-to {text}: {rule}"))
    };
    flags.cache_to.iter().map(read).collect()
}

/// What `--metadata-file` holds, in buildx' words.
pub(super) fn metadata(outcome: &Outcome) -> Value {
    let mut all = json!({});
    if let Some(provenance) = &outcome.provenance {
        all["buildx.build.provenance"] = provenance.clone();
    }
    if let (Some(image), Some(descriptor)) = (&outcome.image, &outcome.descriptor) {
        all["containerimage.config.digest"] = json!(image.id);
        all["containerimage.descriptor"] = json!(descriptor);
        all["containerimage.digest"] = json!(descriptor.digest().to_string());
    }
    if !outcome.names.is_empty() {
        let names: Vec<String> = outcome.names.iter().map(image::ImageName::canonical).collect();
        all["image.name"] = json!(names.join(","));
    }
    all
}

/// Writes a file that says something about the result.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_say_what_they_are_of() {
        let read = |key: &'static str| kinds(key).unwrap();
        assert_eq!(read("a.b"), (vec![On::Manifest], "a.b"));
        assert_eq!(read("index:a"), (vec![On::Index], "a"));
        let both = (vec![On::Index, On::Manifest], "a");
        assert_eq!(read("index,manifest[windows/amd64]:a"), both);
        assert_eq!(read("urn:x"), (vec![On::Manifest], "urn:x"));
        assert!(kinds("manifest-descriptor:a").is_err() && kinds("manifest[linux]:a").is_err());
    }
}
