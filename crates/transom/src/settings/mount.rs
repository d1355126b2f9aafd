//! `--mount`: `type=bind,source=/srv,target=C:\srv,readonly`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use spec::api::{BindOptions, Driver, Mount, VolumeOptions};

/// Reads a mount. Values may be quoted as in CSV.
pub(super) fn parse(text: &str) -> Result<Mount> {
    let mut mount = Mount { kind: "volume".to_owned(), ..Mount::default() };
    let mut volume = VolumeOptions::default();
    for field in fields(text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_lowercase(), Some(value)),
            None => (field.to_lowercase(), None),
        };
        let wanted =
            || value.with_context(|| format!("invalid field '{field}' must be a key=value pair"));
        match key.as_str() {
            "type" => mount.kind = wanted()?.to_lowercase(),
            "source" | "src" => wanted()?.clone_into(&mut mount.source),
            "target" | "dst" | "destination" => wanted()?.clone_into(&mut mount.target),
            "readonly" | "ro" => mount.read_only = switch(&key, value)?,
            "volume-subpath" => wanted()?.clone_into(&mut volume.subpath),
            "volume-nocopy" => volume.no_copy = switch(&key, value)?,
            "volume-label" => {
                let label = super::pairs::labels(&[], &[wanted()?.to_owned()])?;
                volume.labels.extend(label);
            }
            "volume-driver" => {
                let driver = Driver { name: wanted()?.to_owned(), options: BTreeMap::new() };
                volume.driver_config = Some(driver);
            }
            "volume-opt" => {
                bail!("--mount {field} is refused: the local driver has no options on Windows")
            }
            "bind-propagation" => {
                let options = mount.bind_options.get_or_insert_with(BindOptions::default);
                wanted()?.clone_into(&mut options.propagation);
            }
            "consistency" => wanted()?.clone_into(&mut mount.consistency),
            _ => bail!("unexpected key '{key}' in '{field}'"),
        }
    }
    if mount.target.is_empty() {
        bail!("--mount {text}: target is required");
    }
    if let Some(driver) = &volume.driver_config
        && driver.name != "local"
    {
        bail!("--mount {text}: there is one volume driver, local");
    }
    if volume != VolumeOptions::default() {
        mount.volume_options = Some(volume);
    }
    Ok(mount)
}

fn switch(key: &str, value: Option<&str>) -> Result<bool> {
    match value {
        None | Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => bail!("invalid value for {key}: {other}"),
    }
}

/// The fields of one CSV record.
fn fields(text: &str) -> Result<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        let field = fields.last_mut().expect("there is always a last field");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    if quoted {
        bail!("--mount {text}: a quote is not closed");
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_spellings_are_read() {
        let mount = parse(r"type=bind,src=/srv/data,dst=C:\data,readonly").unwrap();
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("bind", "/srv/data"));
        assert!(mount.read_only);
        let mount = parse(r#"type=volume,"source=a,b",target=C:\x,ro=false"#).unwrap();
        assert_eq!((mount.source.as_str(), mount.read_only), ("a,b", false));
    }

    #[test]
    fn a_field_that_means_nothing_is_refused() {
        for text in [
            "",
            r"target=C:\x,size=3",
            "type=bind,source",
            r"ro=maybe,dst=C:\x",
            r"volume-driver=x,dst=C:\x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
