//! `--provenance`, `--sbom` and `--attest`: what is attested of an image.

use anyhow::{Context, Result, bail};
use build::output::{self, Attestations, Detail, Provenance, Version};

use crate::cli::build::Results;

/// What is attested.
pub(super) fn read(flags: &Results) -> Result<Attestations> {
    let mut all = Attestations::default();
    if let Some(text) = &flags.provenance {
        all.provenance =
            provenance(text).with_context(|| format!("invalid --provenance {text}"))?;
    }
    if let Some(text) = &flags.sbom {
        all.sbom = sbom(text).with_context(|| format!("invalid --sbom {text}"))?;
    }
    for text in &flags.attest {
        attest(text, &mut all).with_context(|| format!("invalid --attest {text}"))?;
    }
    Ok(all)
}

fn attest(text: &str, all: &mut Attestations) -> Result<()> {
    let (mut kind, mut rest) = (None, Vec::new());
    for (key, value) in output::fields(text).map_err(|rule| anyhow::anyhow!(rule))? {
        match (key.as_str(), value) {
            ("type", value) => kind = value,
            (_, Some(value)) => rest.push((key, value)),
            (_, None) => bail!("`{key}` has no value"),
        }
    }
    match kind.as_deref() {
        Some("provenance") => all.provenance = decide(rest)?,
        Some("sbom") => all.sbom = wanted(rest)?,
        _ => bail!("type=provenance or type=sbom is wanted"),
    }
    Ok(())
}

/// `true`, or what `type=provenance` takes.
fn provenance(text: &str) -> Result<Option<Provenance>> {
    match truth(text) {
        Some(wanted) => Ok(wanted.then(Provenance::default)),
        None => decide(pairs(text)?),
    }
}

/// `true`, or what `type=sbom` takes.
fn sbom(text: &str) -> Result<bool> {
    match truth(text) {
        Some(wanted) => Ok(wanted),
        None => wanted(pairs(text)?),
    }
}

fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let fields = output::fields(text).map_err(|rule| anyhow::anyhow!(rule))?;
    let pair = |(key, value): (String, Option<String>)| match value {
        Some(value) => Ok((key, value)),
        None => bail!("`{key}`: true, false or KEY=VALUE is wanted"),
    };
    fields.into_iter().map(pair).collect()
}

fn decide(given: Vec<(String, String)>) -> Result<Option<Provenance>> {
    let (mut asked, mut disabled) = (Provenance::default(), false);
    for (key, value) in given {
        let truth = || truth(&value).with_context(|| format!("`{key}={value}`: true or false"));
        match key.as_str() {
            "mode" => {
                asked.detail = match value.as_str() {
                    "min" => Detail::Min,
                    "max" => Detail::Max,
                    _ => bail!("mode {value}: min or max is wanted"),
                }
            }
            "version" => {
                asked.version = match value.as_str() {
                    "v0.2" => Version::V02,
                    "v1" => Version::V1,
                    _ => bail!("version {value}: v0.2 or v1 is wanted"),
                }
            }
            "builder-id" => asked.builder = value,
            "reproducible" => asked.reproducible = truth()?,
            "disabled" => disabled = truth()?,
            _ => bail!("`{key}`: mode, version, builder-id, reproducible and disabled are known"),
        }
    }
    Ok((!disabled).then_some(asked))
}

fn wanted(given: Vec<(String, String)>) -> Result<bool> {
    let mut wanted = true;
    for (key, value) in given {
        match key.as_str() {
            "disabled" => {
                let disabled = truth(&value);
                wanted = !disabled.with_context(|| format!("`{key}={value}`: true or false"))?;
            }
            "generator" => {
                bail!("a generator is a Linux image: Transom looks through images itself")
            }
            _ => bail!("`{key}`: only disabled is known"),
        }
    }
    Ok(wanted)
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_as_buildx_reads_it() {
        let plain = Provenance::default();
        let max = Provenance { detail: Detail::Max, ..plain.clone() };
        let v1 =
            Provenance { version: Version::V1, builder: "https://a".to_owned(), ..max.clone() };
        for (text, wanted) in [
            ("true", Some(plain)),
            ("mode=max", Some(max.clone())),
            ("mode=max,version=v0.2", Some(max)),
            ("mode=max,version=v1,builder-id=https://a", Some(v1)),
            ("false", None),
            ("mode=max,disabled=true", None),
        ] {
            assert_eq!(provenance(text).unwrap(), wanted, "{text}");
        }
        for text in ["mode=mid", "version=v2", "max", "inline-only=true"] {
            assert!(provenance(text).is_err(), "{text}");
        }
        assert!(sbom("true").unwrap() && !sbom("disabled=true").unwrap());
        assert!(sbom("generator=docker/scout").is_err());
        let mut all = Attestations::default();
        attest("type=provenance,version=v1", &mut all).unwrap();
        attest("type=sbom", &mut all).unwrap();
        assert!(all.sbom && all.provenance.is_some_and(|one| one.version == Version::V1));
        assert!(attest("type=sbom,generator=x", &mut Attestations::default()).is_err());
    }
}
