//! `RUN --mount`

use super::fault::suggestion;
use super::{Fault, Names, expand};

/// A `--mount` as it was written: its values, but for `from`, may hold variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountText {
    fields: Vec<String>,
}

impl MountText {
    /// Reads what can be read without the values of variables.
    pub(super) fn read(text: &str) -> Read<Self> {
        let read = Self { fields: fields(text) };
        if read.fields.iter().any(|field| field.contains('$')) {
            read.check_from()?;
        } else {
            Mount::of(&read.fields)?;
        }
        Ok(read)
    }

    /// The stage, image or context that it is taken from.
    pub fn from(&self) -> Option<&str> {
        self.last(&["from"])
    }

    /// Where it goes.
    pub fn target(&self) -> Option<&str> {
        self.last(&["target", "dst", "destination"])
    }

    fn last(&self, keys: &[&str]) -> Option<&str> {
        let mut pairs = self.fields.iter().filter_map(|field| field.split_once('='));
        let found = pairs.rfind(|(key, _)| keys.iter().any(|own| key.eq_ignore_ascii_case(own)));
        found.map(|(_, value)| value)
    }

    /// With the values of variables, for the instruction on `line`.
    pub fn decide(&self, names: &dyn Names, line: usize) -> Result<Mount, Fault> {
        let fields: Result<Vec<String>, Fault> = self
            .fields
            .iter()
            .map(|field| match field.split_once('=') {
                // Backslashes were the flag's to take away; here they are the path's.
                Some((key, value)) => Ok(format!("{key}={}", expand(value, '\0', names, line)?)),
                None => Ok(field.clone()),
            })
            .collect();
        Mount::of(&fields?).map_err(|rule| Fault::new(line, rule))
    }

    fn check_from(&self) -> Read<()> {
        if self.from().is_some_and(|from| from.contains('$')) {
            let rule = "'from' doesn't support variable expansion, define alias stage instead";
            return Err(rule.to_owned());
        }
        Ok(())
    }
}

/// What is mounted for one `RUN`.
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
const KEYS: [&str; 19] = [
    "env",
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

impl Mount {
    fn of(fields: &[String]) -> Read<Self> {
        let kind = fields
            .iter()
            .filter_map(|field| field.split_once('='))
            .rfind(|(key, _)| key.eq_ignore_ascii_case("type"));
        let kind = kind.map_or(Ok(MountKind::Bind), |(_, value)| kind_of(value))?;
        let read_only = matches!(kind, MountKind::Bind | MountKind::Secret | MountKind::Ssh);
        let mut mount = Self {
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
        for field in fields {
            mount.take(field)?;
        }
        mount.check()?;
        Ok(mount)
    }

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

    /// Windows knows neither modes nor numbers of accounts.
    fn number(&self, key: &str, text: &str) -> Read<()> {
        if matches!(self.kind, MountKind::Bind | MountKind::Tmpfs) {
            let kind = self.kind.name();
            return Err(format!("{key} not allowed for \"{kind}\" type mounts"));
        }
        Err(format!("{key}={text} means nothing on Windows, which has access lists: leave it out"))
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
                if self.target.is_none() && self.env.is_none() {
                    let rule = "a secret needs a target or an env: Windows has no /run/secrets";
                    return Err(rule.to_owned());
                }
                Ok(())
            }
            MountKind::Bind | MountKind::Cache | MountKind::Tmpfs if self.target.is_none() => {
                Err(format!("{kind} mount requires a target"))
            }
            MountKind::Tmpfs | MountKind::Ssh if self.from.is_some() || self.source.is_some() => {
                Err(format!("{kind} mount should not have a from or a source"))
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
    crate::truth::truth(text).ok_or_else(|| format!("invalid value for {key}: {text}"))
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

    fn parse(text: &str) -> Read<Mount> {
        MountText::read(text).map(|_| ())?;
        Mount::of(&fields(text))
    }

    #[test]
    fn variables_are_put_in_and_backslashes_stay() {
        let text = MountText::read(r"type=$T,id=a-${V},target=C:\x\$V,from=one").unwrap();
        let names = |name: &str| match name {
            "T" => Some("cache".to_owned()),
            "V" => Some("7".to_owned()),
            _ => None,
        };
        let mount = text.decide(&names, 3).unwrap();
        assert_eq!((mount.kind, text.from()), (MountKind::Cache, Some("one")));
        assert_eq!(mount.target.as_deref(), Some(r"C:\x\7"));
        assert_eq!(mount.id.as_deref(), Some("a-7"));
        let none = |_: &str| None;
        assert_eq!(text.decide(&none, 3).unwrap_err().line, 3);
    }

    #[test]
    fn a_bind_is_the_default_and_read_only() {
        let mount = parse(r#""source=a,b",target=C:\x"#).unwrap();
        assert_eq!((mount.kind, mount.read_only), (MountKind::Bind, true));
        assert_eq!(mount.source.as_deref(), Some("a,b"));
        let cache = parse("type=cache,ID=k,dst=/c,sharing=locked").unwrap();
        assert_eq!((cache.read_only, cache.sharing), (false, Some(Sharing::Locked)));
        assert!(!parse("rw,target=/x").unwrap().read_only);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_a_guess() {
        let table = [
            ("typ=tmpfs", "unexpected key 'typ' in 'typ=tmpfs' (did you mean type?)"),
            ("type=tmp,target=/x", "unsupported mount type \"tmp\""),
            ("from=$x,target=/x", "'from' doesn't support variable expansion"),
            ("type=cache,target=/x,mode=0755", "mode=0755 means nothing on Windows"),
            ("type=secret,id=a", "needs a target or an env"),
            ("type=ssh,from=x", "should not have a from"),
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
