//! `--filter`, as buildx reads it: `type=exec.cachemount`, `description~=words`, `until=24h`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use regex::Regex;

use super::entries::Entry;
use crate::settings::time;

const KINDS: [&str; 6] =
    ["exec.cachemount", "frontend", "internal", "regular", "source.git.checkout", "source.local"];

/// What is meant: whatever all of them take.
#[derive(Debug, Default)]
pub(super) struct Filters {
    texts: Vec<(Field, Test)>,
    flags: Vec<(Flag, bool)>,
    unused_for: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    Kind,
    Description,
    Parents,
}

#[derive(Debug)]
enum Test {
    Is(String),
    IsNot(String),
    Matches(Regex),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    InUse,
    Mutable,
    Immutable,
    Shared,
    Private,
}

impl Filters {
    pub(super) fn parse(given: &[String]) -> Result<Self> {
        let mut filters = Self::default();
        for text in given {
            filters.add(text).with_context(|| format!("invalid filter '{text}'"))?;
        }
        Ok(filters)
    }

    fn add(&mut self, text: &str) -> Result<()> {
        let (key, operator, value) = split(text);
        if let Some(flag) = flag(key) {
            let wanted = match value {
                "true" | "1" | "" => true,
                "false" | "0" => false,
                other => bail!("\"{other}\" is neither true nor false"),
            };
            self.flags.push((flag, wanted == (operator != "!=")));
            return Ok(());
        }
        let field = match key {
            "id" => Field::Id,
            "type" => Field::Kind,
            "description" => Field::Description,
            "parents" | "parent" => Field::Parents,
            "until" | "unused-for" => {
                let age = time::duration(value).context("a duration as 24h is wanted")?;
                self.unused_for = Some(age);
                return Ok(());
            }
            _ => bail!(
                "id, type, description, parents, inuse, mutable, immutable, shared, private and \
                 until are known"
            ),
        };
        if field == Field::Kind && operator != "~=" && !KINDS.contains(&value) {
            bail!("there is no type {value}: {} are", KINDS.join(", "));
        }
        let rule = match (field, operator) {
            // The beginning of an id is enough.
            (Field::Id, "=") => Test::Matches(Regex::new(&format!("^{}", regex::escape(value)))?),
            (_, "~=") => Test::Matches(Regex::new(value)?),
            (_, "!=") => Test::IsNot(value.to_owned()),
            _ => Test::Is(value.to_owned()),
        };
        self.texts.push((field, rule));
        Ok(())
    }

    /// Whether it is meant.
    pub(super) fn take(&self, one: &Entry) -> bool {
        let old = self.unused_for.is_none_or(|age| time::since(one.used) >= age);
        let said = self.texts.iter().all(|(field, test)| test.takes(&values(*field, one)));
        let is = |flag: Flag| match flag {
            Flag::InUse => one.in_use,
            Flag::Mutable => one.mutable,
            Flag::Immutable => !one.mutable,
            Flag::Shared => one.shared,
            Flag::Private => !one.shared,
        };
        old && said && self.flags.iter().all(|(flag, wanted)| is(*flag) == *wanted)
    }

    /// Whether what images hold is asked for by name.
    pub(super) fn asks_for_shared(&self) -> bool {
        self.flags.iter().any(|flag| matches!(flag, (Flag::Shared, true) | (Flag::Private, false)))
    }
}

impl Test {
    fn takes(&self, values: &[&str]) -> bool {
        match self {
            Self::Is(wanted) => values.contains(&wanted.as_str()),
            Self::IsNot(other) => !values.contains(&other.as_str()),
            Self::Matches(pattern) => values.iter().any(|value| pattern.is_match(value)),
        }
    }
}

fn values(field: Field, one: &Entry) -> Vec<&str> {
    match field {
        Field::Id => vec![&one.id],
        Field::Kind => vec![one.kind],
        Field::Description => vec![&one.description],
        Field::Parents => one.parents.iter().map(String::as_str).collect(),
    }
}

fn flag(key: &str) -> Option<Flag> {
    Some(match key {
        "inuse" => Flag::InUse,
        "mutable" => Flag::Mutable,
        "immutable" => Flag::Immutable,
        "shared" => Flag::Shared,
        "private" => Flag::Private,
        _ => return None,
    })
}

/// `key`, how it is compared, and with what.
fn split(text: &str) -> (&str, &str, &str) {
    let Some(at) = text.find('=') else { return (text, "", "") };
    let (key, value) = (&text[..at], &text[at + 1..]);
    if let Some(key) = key.strip_suffix('!') {
        return (key, "!=", value);
    }
    if let Some(key) = key.strip_suffix('~') {
        return (key, "~=", value);
    }
    match value.strip_prefix('=') {
        Some(value) => (key, "==", value),
        None => (key, "=", value),
    }
}

#[cfg(test)]
mod tests {
    use image::Digest;
    use jiff::{SignedDuration, Timestamp};

    use super::super::entries::What;
    use super::*;

    fn entry(kind: &'static str, description: &str) -> Entry {
        let used = Timestamp::now() - SignedDuration::from_hours(2);
        Entry {
            id: "abc123".to_owned(),
            kind,
            description: description.to_owned(),
            size: 1,
            created: used,
            used,
            uses: 0,
            parents: vec!["def".to_owned()],
            mutable: true,
            in_use: false,
            shared: false,
            what: What::Layer(Digest::of(b"x")),
        }
    }

    #[test]
    fn every_filter_takes_what_it_says_and_nothing_else() {
        let one = entry("exec.cachemount", "cached mount /c");
        let takes = |text: &str| Filters::parse(&[text.to_owned()]).unwrap().take(&one);
        for text in [
            "type=exec.cachemount",
            "type!=regular",
            "id=abc",
            "id~=^abc1",
            "id==abc123",
            "description~=mount",
            "description=cached mount /c",
            "parents=def",
            "mutable",
            "mutable=true",
            "private=true",
            "inuse=false",
            "shared!=true",
            "until=1h",
        ] {
            assert!(takes(text), "{text}");
        }
        for text in [
            "type=regular",
            "type!=exec.cachemount",
            "id==abc",
            "description=mount",
            "immutable",
            "shared=true",
            "inuse",
            "until=3h",
            "unused-for=24h",
        ] {
            assert!(!takes(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_by_name() {
        for (text, wanted) in [
            ("size=3", "id, type, description"),
            ("type=nothing", "exec.cachemount"),
            ("until=soon", "a duration as 24h"),
            ("shared=perhaps", "neither true nor false"),
            ("description~=(", "regex parse error"),
        ] {
            let error = format!("{:#}", Filters::parse(&[text.to_owned()]).unwrap_err());
            assert!(error.contains(wanted) && error.contains(text), "{error}");
        }
    }
}
