//! `--secret` and `--config`: `id=NAME,src=/FILE[,target=PLACE]`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::store::Given;

/// Reads all of one flag.
pub fn parse(flag: &str, texts: &[String]) -> Result<Vec<Given>> {
    let mut all: Vec<Given> = Vec::new();
    for text in texts {
        let given = one(flag, text)?;
        if all.iter().any(|other| other.id.eq_ignore_ascii_case(&given.id)) {
            bail!("{flag} {text}: the id {} is given twice", given.id);
        }
        all.push(given);
    }
    Ok(all)
}

fn one(flag: &str, text: &str) -> Result<Given> {
    let (mut id, mut source, mut target) = (None, None, None);
    for field in text.split(',') {
        let pair = field.split_once('=');
        let (key, value) =
            pair.with_context(|| format!("{flag} {text}: '{field}' is not KEY=VALUE"))?;
        match key {
            "id" | "name" => id = Some(value.to_owned()),
            "src" | "source" => source = Some(PathBuf::from(value)),
            "target" | "dst" | "destination" => target = Some(value.to_owned()),
            "type" if value == "file" => {}
            "uid" | "gid" | "mode" => {
                bail!("{flag} {text}: {key} means nothing in a Windows container")
            }
            _ => bail!("{flag} {text}: unexpected field '{field}'; id, src and target are known"),
        }
    }
    let source = source.with_context(|| format!("{flag} {text}: src is required"))?;
    let named = || source.file_name()?.to_str().map(str::to_owned);
    let id = id.or_else(named).with_context(|| format!("{flag} {text}: id is required"))?;
    check_id(&id).with_context(|| format!("{flag} {text}"))?;
    let source = std::path::absolute(&source).with_context(|| format!("{flag} {text}"))?;
    if !source.is_file() {
        bail!("{flag} {text}: {} is not a file", source.display());
    }
    let target = target.filter(|target| !target.is_empty()).unwrap_or_else(|| id.clone());
    if target.contains(['"', '*', '<', '>', '|', '?', '\0']) {
        bail!("{flag} {text}: target is not a Windows path");
    }
    Ok(Given { id, source, target })
}

/// Docker's rule for the names of secrets, which is also safe as a file name.
fn check_id(id: &str) -> Result<()> {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = id.as_bytes();
    let good = (1..=64).contains(&bytes.len())
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    if good {
        Ok(())
    } else {
        bail!("id \"{id}\": 1 to 64 of [a-zA-Z0-9-_.] are wanted, at both ends a letter or digit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_given_under_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "x").unwrap();
        let file = file.to_string_lossy();
        let all = parse(
            "--secret",
            &[format!("id=db,src={file}"), format!(r"source={file},target=C:\k")],
        );
        let all = all.unwrap();
        assert_eq!((all[0].id.as_str(), all[0].target.as_str()), ("db", "db"));
        assert_eq!((all[1].id.as_str(), all[1].target.as_str()), ("key", r"C:\k"));
        for wrong in [
            "id=db".to_owned(),
            format!("id=../x,src={file}"),
            format!("id=a,src={file},mode=0400"),
            format!("id=a,src={file}x"),
            format!("id=a,src={file},target=a?b"),
        ] {
            assert!(parse("--secret", std::slice::from_ref(&wrong)).is_err(), "{wrong}");
        }
        let twice = [format!("id=A,src={file}"), format!("id=a,src={file}")];
        assert!(parse("--secret", &twice).is_err());
    }
}
