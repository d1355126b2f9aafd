//! `RUN --mount`

use super::fault::suggestion;

/// What is mounted for one `RUN`. Its values hold variables still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Of which kind.
    pub kind: MountKind,
    /// A stage, image or context.
    pub from: Option<String>,
    /// The path in it.
    pub source: Option<String>,
    /// The path in the container.
    pub target: Option<String>,
    /// Not writable.
    pub read_only: bool,
    /// Which cache, secret or agent.
    pub id: Option<String>,
    /// How builds share a cache.
    pub sharing: Option<Sharing>,
    /// The build fails without it.
    pub required: bool,
    /// Of a tmpfs, with its suffix.
    pub size: Option<String>,
    /// The variable that holds a secret.
    pub env: Option<String>,
}

/// Kinds of mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// Files of a stage, an image or the context.
    Bind,
    /// A folder that lasts.
    Cache,
    /// Memory.
    Tmpfs,
    /// A secret.
    Secret,
    /// An agent's socket.
    Ssh,
}

/// How builds share a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// All at once.
    Shared,
    /// Each its own.
    Private,
    /// One after the other.
    Locked,
}

const KINDS: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const KEYS: [&str; 18] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "size",
    "mode",
    "uid",
    "gid",
];

type Read<T> = Result<T, String>;

pub(super) fn parse(text: &str) -> Read<Mount> {
    let fields = fields(text);
    let kind = fields
        .iter()
        .filter_map(|field| field.split_once('='))
        .rfind(|(key, _)| key.eq_ignore_ascii_case("type"));
    let kind = kind.map_or(Ok(MountKind::Bind), |(_, value)| kind_of(value))?;
    let read_only = matches!(kind, MountKind::Bind | MountKind::Secret | MountKind::Ssh);
    let mut mount = Mount {
        kind,
        from: None,
        source: None,
        target: None,
        read_only,
        id: None,
        sharing: None,
        required: false,
        size: None,
        env: None,
    };
    for field in &fields {
        mount.take(field)?;
    }
    mount.check()?;
    Ok(mount)
}

impl Mount {
    fn take(&mut self, field: &str) -> Read<()> {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value)),
            None => (field.to_ascii_lowercase(), None),
        };
        let flag = matches!(key.as_str(), "readonly" | "ro" | "readwrite" | "rw" | "required");
        let text = match value {
            Some(value) => value.to_owned(),
            None if flag => "true".to_owned(),
            None => return Err(format!("invalid field '{field}' must be a key=value pair")),
        };
        match key.as_str() {
            "type" => {}
            "from" if text.contains('$') => {
                return Err(
                    "'from' doesn't support variable expansion, define alias stage instead"
                        .to_owned(),
                );
            }
            "from" => self.from = Some(text),
            "source" | "src" => self.source = Some(text),
            "target" | "dst" | "destination" => self.target = Some(text),
            "readonly" | "ro" => self.read_only = truth(&key, &text)?,
            "readwrite" | "rw" => self.read_only = !truth(&key, &text)?,
            "id" => self.id = Some(text),
            "env" => self.env = Some(text),
            "required" => self.required = truth(&key, &text)?,
            "sharing" => self.sharing = Some(sharing(&text)?),
            "size" => self.size = Some(text),
            "mode" | "uid" | "gid" => self.number(&key, &text)?,
            _ => {
                let near = suggestion(&key, &KEYS);
                return Err(format!("unexpected key '{key}' in '{field}'{near}"));
            }
        }
        Ok(())
    }

    /// Windows knows neither modes nor numbers of accounts: they are checked, and mean nothing.
    fn number(&self, key: &str, text: &str) -> Read<()> {
        if matches!(self.kind, MountKind::Bind | MountKind::Tmpfs) {
            let kind = self.kind.name();
            return Err(format!("{key} not allowed for \"{kind}\" type mounts"));
        }
        let radix = if key == "mode" { 8 } else { 10 };
        u32::from_str_radix(text, radix)
            .map(drop)
            .map_err(|_| format!("invalid value {text} for {key}"))
    }

    fn check(&self) -> Read<()> {
        let kind = self.kind.name();
        if self.sharing.is_some() && self.kind != MountKind::Cache {
            return Err(format!("invalid cache sharing set for {kind} mount"));
        }
        if self.env.is_some() && self.kind != MountKind::Secret {
            return Err(format!("'env' field can't be used with mount type '{kind}'"));
        }
        if self.size.is_some() && self.kind != MountKind::Tmpfs {
            return Err(format!("size not allowed for \"{kind}\" type mounts"));
        }
        match self.kind {
            MountKind::Secret => {
                if self.from.is_some() {
                    return Err("secret mount should not have a from".to_owned());
                }
                if self.source.is_none() && self.target.is_none() && self.id.is_none() {
                    return Err("invalid secret mount. one of source, target required".to_owned());
                }
                if self.source.is_some() && self.id.is_some() {
                    return Err("both source and id can't be set".to_owned());
                }
                Ok(())
            }
            MountKind::Bind | MountKind::Cache | MountKind::Tmpfs if self.target.is_none() => {
                Err(format!("{kind} mount requires a target"))
            }
            MountKind::Bind | MountKind::Cache | MountKind::Tmpfs | MountKind::Ssh => Ok(()),
        }
    }
}

impl MountKind {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Cache => "cache",
            Self::Tmpfs => "tmpfs",
            Self::Secret => "secret",
            Self::Ssh => "ssh",
        }
    }
}

fn kind_of(text: &str) -> Read<MountKind> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "bind" => MountKind::Bind,
        "cache" => MountKind::Cache,
        "tmpfs" => MountKind::Tmpfs,
        "secret" => MountKind::Secret,
        "ssh" => MountKind::Ssh,
        _ => {
            return Err(format!("unsupported mount type \"{text}\"{}", suggestion(text, &KINDS)));
        }
    })
}

fn sharing(text: &str) -> Read<Sharing> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "shared" => Sharing::Shared,
        "private" => Sharing::Private,
        "locked" => Sharing::Locked,
        _ => {
            let near = suggestion(text, &["shared", "private", "locked"]);
            return Err(format!("unsupported sharing value \"{text}\"{near}"));
        }
    })
}

fn truth(key: &str, text: &str) -> Read<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(format!("invalid value for {key}: {text}")),
    }
}

/// Between commas; a field in double quotes may hold some.
fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bind_is_the_default_and_read_only() {
        let mount = parse(r#""source=a,b",target=C:\x"#).unwrap();
        assert_eq!((mount.kind, mount.read_only), (MountKind::Bind, true));
        assert_eq!(mount.source.as_deref(), Some("a,b"));
        let cache = parse("type=cache,ID=k,dst=/c,sharing=locked,mode=0755").unwrap();
        assert_eq!((cache.read_only, cache.sharing), (false, Some(Sharing::Locked)));
        assert!(!parse("rw,target=/x").unwrap().read_only);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_a_guess() {
        let table = [
            ("typ=tmpfs", "unexpected key 'typ' in 'typ=tmpfs' (did you mean type?)"),
            ("type=tmp,target=/x", "unsupported mount type \"tmp\""),
            ("from=$x,target=/x", "'from' doesn't support variable expansion"),
            ("type=secret", "one of source, target required"),
            ("type=secret,id=a,src=b", "both source and id"),
            ("sharing=shared,target=/x", "invalid cache sharing set for bind mount"),
            ("target=/x,mode=0700", "mode not allowed for \"bind\" type mounts"),
            ("type=cache", "requires a target"),
        ];
        for (text, wanted) in table {
            let rule = parse(text).unwrap_err();
            assert!(rule.contains(wanted), "{text}: {rule}");
        }
    }
}
