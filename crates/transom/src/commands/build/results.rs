//! What `build` does with its result: outputs, caches, attestations, and telling about it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use build::output::{self, Attestations, Detail, Outcome, Output, Shape};
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
        let (kind, name) = match key.split_once(':') {
            Some((kind @ ("manifest" | "index"), name)) => (kind, name),
            Some(("manifest-descriptor" | "index-descriptor", _)) => {
                bail!("--annotation {text}: only manifest and index are supported")
            }
            _ => ("manifest", key),
        };
        for output in outputs.iter_mut() {
            let (Output::Image { shape, .. } | Output::Archive { shape, .. }) = output else {
                continue;
            };
            let all = match kind {
                "index" => &mut shape.index_annotations,
                _ => &mut shape.annotations,
            };
            all.insert(name.to_owned(), json!(value));
        }
    }
    Ok(())
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

/// What is attested.
pub(super) fn attestations(flags: &Results) -> Result<Attestations> {
    let mut all = Attestations::default();
    if let Some(text) = &flags.provenance {
        all.provenance = detail(text).with_context(|| format!("invalid --provenance {text}"))?;
    }
    if let Some(text) = &flags.sbom {
        all.sbom = match text.as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            other => bail!("invalid --sbom {other}: true or false is wanted"),
        };
    }
    for text in &flags.attest {
        let fields = output::fields(text).map_err(|rule| anyhow::anyhow!("--attest: {rule}"))?;
        let (kinds, rest): (Vec<_>, Vec<_>) =
            fields.into_iter().partition(|(key, _)| key == "type");
        let rest: Vec<String> = rest
            .into_iter()
            .map(|(key, value)| format!("{key}={}", value.unwrap_or_default()))
            .collect();
        match kinds.first().and_then(|(_, kind)| kind.as_deref()) {
            Some("provenance") => {
                let given = if rest.is_empty() { "true".to_owned() } else { rest.join(",") };
                all.provenance =
                    detail(&given).with_context(|| format!("invalid --attest {text}"))?;
            }
            Some("sbom") if rest.is_empty() => all.sbom = true,
            Some("sbom") => all.sbom = rest.iter().all(|one| one != "disabled=true"),
            _ => bail!("invalid --attest {text}: type=provenance or type=sbom is wanted"),
        }
    }
    Ok(all)
}

fn detail(text: &str) -> Result<Option<Detail>> {
    let mut detail = Some(Detail::Min);
    for part in text.split(',') {
        detail = match part {
            "true" | "1" | "mode=min" => Some(Detail::Min),
            "mode=max" => Some(Detail::Max),
            "false" | "0" | "disabled=true" => return Ok(None),
            "version=v0.2" | "disabled=false" => detail,
            other => bail!("`{other}`: true, false, mode=min or mode=max is wanted"),
        };
    }
    Ok(detail)
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
    fn details_are_those_of_buildx() {
        for (text, wanted) in [
            ("true", Some(Detail::Min)),
            ("mode=max", Some(Detail::Max)),
            ("mode=max,version=v0.2", Some(Detail::Max)),
            ("false", None),
        ] {
            assert_eq!(detail(text).unwrap(), wanted, "{text}");
        }
        assert!(detail("mode=mid").is_err() && detail("version=v1").is_err());
    }
}
