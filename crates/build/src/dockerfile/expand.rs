//! `$name`, `${name:-word}` and their like; quotes and escapes go.

use super::Fault;

/// Where the values of variables come from.
pub trait Names {
    /// The value of a variable; `None` when it is not set.
    fn value(&self, name: &str) -> Option<String>;
}

impl<F: Fn(&str) -> Option<String>> Names for F {
    fn value(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Expands a word of the instruction on `line`.
pub fn expand(text: &str, escape: char, names: &dyn Names, line: usize) -> Result<String, Fault> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, escape, names, literal: false };
    reader.until(None).map_err(|rule| Fault::new(line, format!("{rule} in \"{text}\"")))
}

/// A word without its quotes and escapes, variables as they were written.
pub fn unquote(text: &str, escape: char, line: usize) -> Result<String, Fault> {
    let names = |_: &str| None;
    let chars = text.chars().collect();
    let mut reader = Reader { chars, at: 0, escape, names: &names, literal: true };
    reader.until(None).map_err(|rule| Fault::new(line, format!("{rule} in \"{text}\"")))
}

struct Reader<'a> {
    chars: Vec<char>,
    at: usize,
    escape: char,
    names: &'a dyn Names,
    /// Variables stay.
    literal: bool,
}

type Read<T = String> = Result<T, String>;

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Reads to the end, or over `stop`.
    fn until(&mut self, stop: Option<char>) -> Read {
        let mut out = String::new();
        while let Some(c) = self.next() {
            match c {
                _ if Some(c) == stop => return Ok(out),
                '\'' => self.single(&mut out)?,
                '"' => self.double(&mut out)?,
                '$' => out.push_str(&self.dollar()?),
                _ if c == self.escape => out.extend(self.next()),
                _ => out.push(c),
            }
        }
        match stop {
            None => Ok(out),
            Some(stop) => Err(format!("unexpected end of statement while looking for {stop}")),
        }
    }

    fn single(&mut self, out: &mut String) -> Read<()> {
        while let Some(c) = self.next() {
            if c == '\'' {
                return Ok(());
            }
            out.push(c);
        }
        Err("unexpected end of statement while looking for matching single-quote".to_owned())
    }

    fn double(&mut self, out: &mut String) -> Read<()> {
        while let Some(c) = self.next() {
            match c {
                '"' => return Ok(()),
                '$' => out.push_str(&self.dollar()?),
                _ if c == self.escape => match self.peek() {
                    Some(next) if next == '"' || next == '$' || next == self.escape => {
                        out.extend(self.next());
                    }
                    _ => out.push(c),
                },
                _ => out.push(c),
            }
        }
        Err("unexpected end of statement while looking for matching double-quote".to_owned())
    }

    fn dollar(&mut self) -> Read {
        if self.literal {
            return Ok("$".to_owned());
        }
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(self.names.value(&name).unwrap_or_default());
        }
        self.at += 1;
        let name = self.name();
        if name.is_empty() {
            return Err("bad substitution".to_owned());
        }
        self.braced(&name)
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                while let Some(c) = self.peek().filter(char::is_ascii_digit) {
                    name.push(c);
                    self.at += 1;
                }
            }
            Some(c) if matches!(c, '@' | '*' | '#' | '?' | '-' | '$' | '!') => {
                name.push(c);
                self.at += 1;
            }
            _ => {
                while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.at += 1;
                }
            }
        }
        name
    }

    /// What stands behind `${name`.
    fn braced(&mut self, name: &str) -> Read {
        let value = self.names.value(name);
        match self.next() {
            Some('}') => Ok(value.unwrap_or_default()),
            Some(':') => {
                let what = self.next();
                let set = value.filter(|value| !value.is_empty());
                self.alternative(name, what, set)
            }
            Some(what @ ('+' | '-' | '?')) => self.alternative(name, Some(what), value),
            Some(what @ ('#' | '%')) => {
                let greedy = self.peek() == Some(what);
                self.at += usize::from(greedy);
                let pattern = self.until(Some('}'))?;
                Ok(trim(&value.unwrap_or_default(), &pattern, what == '#', greedy))
            }
            Some('/') => {
                let all = self.peek() == Some('/');
                self.at += usize::from(all);
                let pattern = self.until(Some('/'))?;
                let by = self.until(Some('}'))?;
                Ok(replace(&value.unwrap_or_default(), &pattern, &by, all))
            }
            Some(other) => Err(format!("unsupported modifier ({other}) in substitution")),
            None => Err("syntax error: missing '}'".to_owned()),
        }
    }

    fn alternative(&mut self, name: &str, what: Option<char>, set: Option<String>) -> Read {
        let word = self.until(Some('}'))?;
        match (what, set) {
            (Some('-'), set) => Ok(set.unwrap_or(word)),
            (Some('+'), set) => Ok(set.map_or_else(String::new, |_| word)),
            (Some('?'), Some(value)) => Ok(value),
            (Some('?'), None) if word.is_empty() => Err(format!("{name}: not allowed to be unset")),
            (Some('?'), None) => Err(format!("{name}: {word}")),
            (other, _) => {
                let other = other.unwrap_or(' ');
                Err(format!("unsupported modifier ({other}) in substitution"))
            }
        }
    }
}

/// Without the shortest, or the longest, match at one of its ends.
fn trim(value: &str, pattern: &str, front: bool, greedy: bool) -> String {
    let mut cuts: Vec<usize> =
        value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    if front == greedy {
        cuts.reverse();
    }
    for at in cuts {
        let (one, other) = value.split_at(at);
        let (cut, left) = if front { (one, other) } else { (other, one) };
        if matches(pattern, cut) {
            return left.to_owned();
        }
    }
    value.to_owned()
}

fn replace(value: &str, pattern: &str, by: &str, all: bool) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        let ends = (1..=rest.len()).rev().filter(|end| rest.is_char_boundary(*end));
        if let Some(end) = ends.into_iter().find(|end| matches(pattern, &rest[..*end])) {
            out.push_str(by);
            rest = &rest[end..];
            if !all {
                break;
            }
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out + rest
}

/// `*` is anything, `?` one character, `\` takes the next as it is.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(rest.as_str(), &text[at..]))
        }
        Some(c) => {
            let wanted = if c == '\\' { rest.next().unwrap_or(c) } else { c };
            let mut chars = text.chars();
            let fits = chars.next().is_some_and(|t| t == wanted || c == '?');
            fits && matches(rest.as_str(), chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, escape: char) -> Result<String, Fault> {
        let names = |name: &str| match name {
            "x" => Some("one.two.one".to_owned()),
            "e" => Some(String::new()),
            _ => None,
        };
        expand(text, escape, &names, 7)
    }

    #[test]
    fn every_form_gives_what_a_shell_gives() {
        let table = [
            ("$x/${x}", "one.two.one/one.two.one"),
            ("a$", "a$"),
            ("$none", ""),
            ("${e-w}${e:-w}${none-v}", "wv"),
            ("${x+a}${x:+b}${e+c}${e:+d}${none+f}", "abc"),
            ("${x:-${none}}", "one.two.one"),
            ("${none:-${x}}", "one.two.one"),
            ("${x#*.}", "two.one"),
            ("${x##*.}", "one"),
            ("${x%.*}", "one.two"),
            ("${x%%.*}", "one"),
            ("${x/one/1}", "1.two.one"),
            ("${x//one/1}", "1.two.1"),
            ("'$x' \"$e\"", "$x "),
            ("%x%", "%x%"),
        ];
        for (text, wanted) in table {
            assert_eq!(run(text, '\\').unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn the_escape_character_is_the_files() {
        assert_eq!(run(r"C:\foo", '\\').unwrap(), "C:foo");
        assert_eq!(run(r"C:\foo\$e`$x", '`').unwrap(), r"C:\foo\$x");
        assert_eq!(run(r#""a\"b\c""#, '\\').unwrap(), r#"a"b\c"#);
    }

    #[test]
    fn what_makes_no_sense_names_its_line() {
        for text in ["${", "${x", "${}", "'a", "\"a", "${x:=y}", "${none?}", "${e:?is empty}"] {
            assert_eq!(run(text, '\\').unwrap_err().line, 7, "{text}");
        }
        assert!(run("${e:?is empty}", '\\').unwrap_err().rule.contains("e: is empty"));
    }
}
