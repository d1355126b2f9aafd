//! `--name=value` between an instruction's name and its words.

use super::fault::suggestion;

/// The flags of an instruction, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags(Vec<(String, Option<String>)>);

impl Flags {
    /// Takes the flags off the front of `text`.
    pub(crate) fn split(text: &str, escape: char) -> (Self, String) {
        let mut flags = Vec::new();
        let mut rest = text.trim_start();
        while rest.starts_with("--") {
            let (word, after) = word(rest, escape);
            rest = after.trim_start();
            if word == "--" {
                break;
            }
            let word = &word[2..];
            flags.push(match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word.to_owned(), None),
            });
        }
        (Self(flags), rest.to_owned())
    }

    /// Refuses flags that are not among `known`, and those given twice that are not in `many`.
    pub(super) fn check(&self, known: &[&str], many: &[&str]) -> Result<(), String> {
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in &self.0 {
            if !known.contains(&name.as_str()) {
                return Err(format!("unknown flag: --{name}{}", suggestion(name, known)));
            }
            if seen.contains(&name.as_str()) && !many.contains(&name.as_str()) {
                return Err(format!("duplicate flag specified: --{name}"));
            }
            seen.push(name);
        }
        Ok(())
    }

    /// The value of a flag that needs one.
    pub(super) fn value(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.values(name)?.into_iter().next())
    }

    /// All its values.
    pub(super) fn values(&self, name: &str) -> Result<Vec<String>, String> {
        let mine = self.0.iter().filter(|(flag, _)| flag == name);
        let value = |(_, value): &(String, Option<String>)| {
            value.clone().ok_or_else(|| format!("missing a value on flag: --{name}"))
        };
        mine.map(value).collect()
    }

    /// Whether a flag is set: bare, `=true` or `=false`.
    pub(super) fn is_set(&self, name: &str) -> Result<bool, String> {
        match self.0.iter().find(|(flag, _)| flag == name) {
            None => Ok(false),
            Some((_, value)) => match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
                None | Some("true") => Ok(true),
                Some("false") => Ok(false),
                Some(other) => {
                    Err(format!("expecting boolean value for flag --{name}, not: {other}"))
                }
            },
        }
    }
}

/// One word without its quotes, and what follows it.
fn word(text: &str, escape: char) -> (String, &str) {
    let (mut word, mut quote) = (String::new(), None);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => return (word, &text[at..]),
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ if c == escape => word.extend(chars.next().map(|(_, c)| c)),
            _ => word.push(c),
        }
    }
    (word, "")
}
