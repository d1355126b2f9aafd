//! `--secret` and `--ssh`: what some steps may see and no image keeps.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use build::Secret;

/// `id=NAME[,src=FILE][,env=VARIABLE][,type=file|env]`
pub(super) fn secrets(given: &[String]) -> Result<BTreeMap<String, Secret>> {
    let mut secrets = BTreeMap::new();
    for text in given {
        let (id, secret) = secret(text).with_context(|| format!("reading --secret {text}"))?;
        secrets.insert(id, secret);
    }
    Ok(secrets)
}

fn secret(text: &str) -> Result<(String, Secret)> {
    let (mut id, mut file, mut variable, mut kind) = (None, None, None, None);
    for (key, value) in build::output::fields(text).map_err(|rule| anyhow::anyhow!(rule))? {
        let Some(value) = value else {
            bail!("invalid field '{key}': KEY=VALUE is wanted");
        };
        let place = match key.as_str() {
            "id" => &mut id,
            "src" | "source" => &mut file,
            "env" => &mut variable,
            "type" => &mut kind,
            _ => bail!("unexpected key '{key}': id, src, env or type is wanted"),
        };
        *place = Some(value);
    }
    let id = match (id, &file, &variable) {
        (Some(id), ..) => id,
        (None, Some(name), _) | (None, None, Some(name)) => name.clone(),
        (None, None, None) => bail!("id is missing"),
    };
    match kind.as_deref() {
        None | Some("file" | "env") => {}
        Some(other) => bail!("unsupported secret type {other:?}: file or env is wanted"),
    }
    // With `type=env`, the source is the variable.
    if kind.as_deref() == Some("env") && variable.is_none() {
        variable = file.take().or_else(|| Some(id.clone()));
    }
    if let Some(name) = variable {
        return of_variable(&name).map(|secret| (id, secret));
    }
    if file.is_none() && kind.is_none() && std::env::var_os(&id).is_some() {
        return of_variable(&id).map(|secret| (id, secret));
    }
    let path = PathBuf::from(file.unwrap_or_else(|| id.clone()));
    std::fs::metadata(&path).with_context(|| format!("looking at {}", path.display()))?;
    Ok((id, Secret::File(path)))
}

fn of_variable(name: &str) -> Result<Secret> {
    let value = std::env::var_os(name);
    let value = value.with_context(|| format!("the variable {name} is not set"))?;
    Ok(Secret::Value(value.into_encoded_bytes()))
}

/// `default`, `ID=SOCKET`; without a socket, the one that `SSH_AUTH_SOCK` names.
pub(super) fn agents(given: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let mut agents = BTreeMap::new();
    for text in given {
        let (id, path) = match text.split_once('=') {
            Some((id, path)) => (id, PathBuf::from(path)),
            None => (text.as_str(), own_agent().with_context(|| format!("reading --ssh {text}"))?),
        };
        check_socket(&path).with_context(|| format!("reading --ssh {text}"))?;
        agents.insert(id.to_owned(), std::path::absolute(path)?);
    }
    Ok(agents)
}

fn own_agent() -> Result<PathBuf> {
    let path = std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty());
    Ok(path.context("SSH_AUTH_SOCK names no agent's socket")?.into())
}

fn check_socket(path: &std::path::Path) -> Result<()> {
    use engine::os::unix::fs::FileTypeExt;
    let about =
        std::fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    if !about.file_type().is_socket() {
        bail!("{} is no socket: give keys to an ssh-agent and name its socket", path.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_comes_from_a_file_or_a_variable() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let read = |text: &str| secret(text).map(|(id, secret)| (id, format!("{secret:?}")));
        assert_eq!(
            read(&format!("id=a,src={path}")).unwrap(),
            ("a".into(), format!("File({path:?})"))
        );
        assert_eq!(read("id=a,env=PATH").unwrap(), ("a".into(), "Value".into()));
        assert_eq!(read("type=env,id=PATH").unwrap(), ("PATH".into(), "Value".into()));
        assert_eq!(read("id=PATH").unwrap(), ("PATH".into(), "Value".into()));
        for bad in
            ["id", "id=a,x=b", "src=/nowhere/at/all", "id=a,env=NOT_SET_ANYWHERE_7", "type=x,id=a"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_agent_is_a_socket() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let given = format!("default={}", path.display());
        assert_eq!(agents(&[given]).unwrap()["default"], path);
        let bad = format!("x={}", dir.path().display());
        let why = format!("{:#}", agents(&[bad]).unwrap_err());
        assert!(why.contains("is no socket"), "{why}");
    }
}
