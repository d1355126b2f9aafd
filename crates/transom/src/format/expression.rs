//! What stands between `{{` and `}}`. What functions do is in [`super::functions`].

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::functions::{apply, show};

/// A pipeline of calls; each one's result is the last argument of the next.
#[derive(Debug)]
pub(super) struct Expression {
    calls: Vec<Vec<Term>>,
}

#[derive(Debug)]
enum Term {
    /// `.A.B`, from the current thing.
    Members(Vec<String>),
    /// `$.A.B` or `$name.A`.
    Variable(String, Vec<String>),
    /// `(...)` and members of its result.
    Group(Expression, Vec<String>),
    /// A string, a number, a truth value.
    Literal(Value),
    /// A function's name.
    Word(String),
}

/// What names mean.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    root: &'a Value,
    here: &'a Value,
    variables: Vec<(&'a str, &'a Value)>,
}

impl<'a> Scope<'a> {
    /// At the beginning of a template.
    pub(super) fn root(value: &'a Value) -> Self {
        Self { root: value, here: value, variables: Vec::new() }
    }

    /// In the body of a loop.
    pub(super) fn inner(&self, names: &'a [String], key: &'a Value, value: &'a Value) -> Scope<'a> {
        let mut variables = self.variables.clone();
        match names {
            [one] => variables.push((one, value)),
            [first, second, ..] => {
                variables.extend([(first.as_str(), key), (second.as_str(), value)]);
            }
            [] => {}
        }
        Scope { root: self.root, here: value, variables }
    }
}

impl Expression {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let words = words(text).with_context(|| format!("template: {{{{{text}}}}}"))?;
        let mut calls = vec![Vec::new()];
        for word in words {
            match word.as_str() {
                "|" => calls.push(Vec::new()),
                _ => calls.last_mut().expect("there is always a last call").push(term(&word)?),
            }
        }
        if calls.iter().any(Vec::is_empty) {
            bail!("template: {{{{{text}}}}} has a missing part");
        }
        Ok(Self { calls })
    }

    /// The last member that it names: what a table's column is called.
    pub(super) fn last_member(&self) -> Option<&str> {
        let mut terms = self.calls.iter().flatten().rev();
        terms.find_map(|term| match term {
            Term::Members(names) | Term::Variable(_, names) => names.last().map(String::as_str),
            Term::Group(inner, names) => {
                names.last().map(String::as_str).or_else(|| inner.last_member())
            }
            Term::Literal(_) | Term::Word(_) => None,
        })
    }

    /// What it stands for.
    pub(super) fn evaluate(&self, scope: &Scope<'_>) -> Result<Value> {
        let mut piped: Option<Value> = None;
        for call in &self.calls {
            let (function, rest) = match call.split_first() {
                Some((Term::Word(word), rest)) => (Some(word.as_str()), rest),
                _ => (None, call.as_slice()),
            };
            let method = function.is_none() && rest.len() > 1 && rest[0].is_method();
            let value = |(at, term): (usize, &Term)| match at {
                0 if method => Ok(Value::Null),
                _ => term.evaluate(scope),
            };
            let mut arguments: Vec<Value> =
                rest.iter().enumerate().map(value).collect::<Result<_>>()?;
            arguments.extend(piped.take());
            piped = Some(match function {
                Some(name) => apply(name, &arguments)?,
                None if arguments.len() == 1 => arguments.remove(0),
                // Docker's rows answer for one of their labels: `{{.Label "name"}}`.
                None if method => label(scope.here, &show(&arguments[1]))?,
                None => bail!("template: a value takes no arguments"),
            });
        }
        piped.context("template: an empty action")
    }
}

impl Term {
    fn is_method(&self) -> bool {
        matches!(self, Self::Members(names) if names == &["Label"])
    }

    fn evaluate(&self, scope: &Scope<'_>) -> Result<Value> {
        match self {
            Self::Members(names) => descend(scope.here, names),
            Self::Variable(name, names) if name == "$" => descend(scope.root, names),
            Self::Variable(name, names) => {
                let mut known = scope.variables.iter().rev();
                let found = known.find(|(known, _)| known == name);
                descend(found.with_context(|| format!("template: no variable {name}"))?.1, names)
            }
            Self::Group(inner, names) => descend(&inner.evaluate(scope)?, names),
            Self::Literal(value) => Ok(value.clone()),
            Self::Word(word) => bail!("template: {word} is not a value"),
        }
    }
}

fn descend(from: &Value, names: &[String]) -> Result<Value> {
    let mut value = from;
    for name in names {
        value = match value {
            Value::Object(members) => {
                // Docker knows many by two names, Go's and JSON's: `.ID` and `.Id`, `.Time` and `.time`.
                let alike = || members.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
                let found = members.get(name).or_else(|| alike().map(|(_, value)| value));
                found.with_context(|| format!("template: there is no member .{name}"))?
            }
            Value::Null => return Ok(Value::Null),
            _ => bail!("template: there is no member .{name}"),
        };
    }
    Ok(value.clone())
}

/// A label of a row, which has them all in one text. A value may have a comma in it.
fn label(row: &Value, name: &str) -> Result<Value> {
    let labels = descend(row, &["Labels".to_owned()])?;
    let labels = labels.as_str().unwrap_or_default().split(',').collect::<Vec<_>>();
    let begins = |part: &&str| part.split_once('=').is_some_and(|(key, _)| key == name);
    let Some(first) = labels.iter().position(begins) else { return Ok("".into()) };
    let rest = labels[first + 1..].iter().take_while(|part| !part.contains('='));
    let whole: Vec<&str> = labels[first..=first].iter().chain(rest).copied().collect();
    Ok(whole.join(",")[name.len() + 1..].into())
}

/// Words: strings in quotes and groups in brackets are one each.
fn words(text: &str) -> Result<Vec<String>> {
    let mut words = vec![String::new()];
    let (mut depth, mut quote) = (0_usize, None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let word = words.last_mut().expect("there is always a last word");
        match (character, quote) {
            ('\\', Some('"')) => {
                word.push('\\');
                word.extend(characters.next());
                continue;
            }
            (closing, Some(open)) if closing == open => quote = None,
            ('"' | '`', None) => quote = Some(character),
            ('(', None) => depth += 1,
            (')', None) => depth = depth.checked_sub(1).context("a bracket too many")?,
            ('|', None) if depth == 0 => {
                words.extend(["|".to_owned(), String::new()]);
                continue;
            }
            (space, None) if space.is_whitespace() && depth == 0 => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        word.push(character);
    }
    if depth > 0 || quote.is_some() {
        bail!("a bracket or a quote is not closed");
    }
    words.retain(|word| !word.is_empty());
    Ok(words)
}

fn term(word: &str) -> Result<Term> {
    let members =
        |text: &str| text.split('.').filter(|n| !n.is_empty()).map(str::to_owned).collect();
    let first = word.chars().next().context("template: an empty word")?;
    match first {
        '.' => Ok(Term::Members(members(word))),
        '$' => {
            let (name, rest) = word.split_once('.').unwrap_or((word, ""));
            Ok(Term::Variable(name.to_owned(), members(rest)))
        }
        '(' => {
            let close = word.rfind(')').context("template: a bracket is not closed")?;
            Ok(Term::Group(Expression::parse(&word[1..close])?, members(&word[close + 1..])))
        }
        '"' => {
            let text = serde_json::from_str::<String>(word);
            Ok(Term::Literal(text.with_context(|| format!("template: {word}"))?.into()))
        }
        '`' => Ok(Term::Literal(word.trim_matches('`').into())),
        '0'..='9' | '-' => {
            let number = serde_json::from_str::<Value>(word);
            Ok(Term::Literal(number.with_context(|| format!("template: {word}"))?))
        }
        _ if word == "true" || word == "false" => Ok(Term::Literal((word == "true").into())),
        _ if word == "nil" => Ok(Term::Literal(Value::Null)),
        _ => Ok(Term::Word(word.to_owned())),
    }
}
