//! `$name`, `${name:-word}` and their like; quotes and escapes go.

use super::Fault;
use super::glob::{self, Glyph, replace, trim};

/// Where the values of variables come from.
pub trait Names {
    /// The value of a variable; `None` when it is not set.
    fn value(&self, name: &str) -> Option<String>;

    /// Hears of a variable that is not set, where nothing is said for that case.
    fn missing(&self, _name: &str) {}
}

impl<F: Fn(&str) -> Option<String>> Names for F {
    fn value(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Expands a word of the instruction on `line`.
pub fn expand(text: &str, escape: char, names: &dyn Names, line: usize) -> Result<String, Fault> {
    Reader::new(text, escape, names).whole(text, line)
}

/// The same of a text whose quotes are its own, as a file's are.
pub fn expand_text(
    text: &str,
    escape: char,
    names: &dyn Names,
    line: usize,
) -> Result<String, Fault> {
    let mut reader = Reader { quotes: false, ..Reader::new(text, escape, names) };
    reader.whole(text, line)
}

/// A word without its quotes and escapes, variables as they were written.
pub fn unquote(text: &str, escape: char, line: usize) -> Result<String, Fault> {
    let names = |_: &str| None;
    let mut reader = Reader { literal: true, ..Reader::new(text, escape, &names) };
    reader.whole(text, line)
}

struct Reader<'a> {
    chars: Vec<char>,
    at: usize,
    escape: char,
    names: &'a dyn Names,
    /// Variables stay.
    literal: bool,
    /// Quotes go, and keep what is in them together.
    quotes: bool,
}

type Read<T = String> = Result<T, String>;

impl<'a> Reader<'a> {
    fn new(text: &str, escape: char, names: &'a dyn Names) -> Self {
        let chars = text.chars().collect();
        Self { chars, at: 0, escape, names, literal: false, quotes: true }
    }

    fn whole(&mut self, text: &str, line: usize) -> Result<String, Fault> {
        let told = |rule| Fault::new(line, format!("failed to process \"{text}\": {rule}"));
        self.until(None).map_err(told)
    }

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
                '\'' if self.quotes => self.single(&mut out)?,
                '"' if self.quotes => self.double(&mut out)?,
                '$' => out.push_str(&self.dollar()?),
                _ if c == self.escape => out.extend(self.next()),
                _ => out.push(c),
            }
        }
        match stop {
            None => Ok(out),
            Some(_) => Err(UNCLOSED.to_owned()),
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
            return Ok(self.found(&name));
        }
        self.at += 1;
        match self.peek() {
            None => return Err(UNCLOSED.to_owned()),
            Some('{' | '}' | ':') => return Err("syntax error: bad substitution".to_owned()),
            Some(_) => {}
        }
        let name = self.name();
        self.braced(&name)
    }

    fn found(&self, name: &str) -> String {
        self.names.value(name).unwrap_or_else(|| {
            self.names.missing(name);
            String::new()
        })
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
                while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || *c == '_') {
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
            Some('}') => Ok(self.found(name)),
            Some(':') => match self.next() {
                Some(what @ ('+' | '-' | '?')) => {
                    let set = value.filter(|value| !value.is_empty());
                    self.alternative(name, what, set, "empty")
                }
                what => {
                    let what = what.map(String::from).unwrap_or_default();
                    Err(format!("unsupported modifier (:{what}) in substitution"))
                }
            },
            Some(what @ ('+' | '-' | '?')) => self.alternative(name, what, value, "unset"),
            Some(what @ ('#' | '%')) => {
                let greedy = self.peek() == Some(what);
                self.at += usize::from(greedy);
                let pattern = self.pattern('}')?;
                Ok(trim(&value.unwrap_or_default(), &pattern, what == '#', greedy))
            }
            Some('/') => {
                let all = self.peek() == Some('/');
                self.at += usize::from(all);
                let pattern = self.pattern('/')?;
                let by = self.until(Some('}'))?;
                Ok(replace(&value.unwrap_or_default(), &pattern, &by, all))
            }
            Some(other) => Err(format!("unsupported modifier ({other}) in substitution")),
            None => Err(UNCLOSED.to_owned()),
        }
    }

    /// Reads a pattern over `stop`. What is escaped stands for itself.
    fn pattern(&mut self, stop: char) -> Read<Vec<Glyph>> {
        let mut pattern = Vec::new();
        while let Some(c) = self.next() {
            let mut text = String::new();
            match c {
                _ if c == stop => return Ok(pattern),
                '\'' => self.single(&mut text)?,
                '"' => self.double(&mut text)?,
                '$' => text = self.dollar()?,
                _ if c == self.escape => {
                    pattern.extend(self.next().map(Glyph::Is));
                    continue;
                }
                _ => text.push(c),
            }
            pattern.extend(glob::wild(&text));
        }
        Err(format!("syntax error: missing '{stop}' in ${{}}"))
    }

    fn alternative(&mut self, name: &str, what: char, set: Option<String>, not: &str) -> Read {
        let word = self.until(Some('}'))?;
        match (what, set) {
            ('-', set) => Ok(set.unwrap_or(word)),
            ('+', set) => Ok(set.map_or_else(String::new, |_| word)),
            (_, Some(value)) => Ok(value),
            (_, None) if word.is_empty() => Err(format!("{name}: is not allowed to be {not}")),
            (_, None) => Err(format!("{name}: {word}")),
        }
    }
}

const UNCLOSED: &str = "syntax error: missing '}'";

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
            ("${x/.*/-}", "one-"),
            ("${x//o?e/<${x%%.*}>}", "<one>.two.<one>"),
            ("${x#\\*}${x#'*.'}", "one.two.onetwo.one"),
            ("${x%.${none:-o*}}", "one.two"),
            ("${e/*/x}${none//a/b}", "x"),
            ("${x:-a}b}", "one.two.oneb}"),
            ("${none:-\"}\"}", "}"),
            ("${none:-'$x'}", "$x"),
            ("$1$x1${x}1", "one.two.one1"),
            ("$$x|$@|${?}", "x||"),
            ("${x+${e:+a}${e:-b}}", "b"),
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
    fn quotes_of_a_text_are_its_own() {
        let names = |name: &str| (name == "x").then(|| "X".to_owned());
        let text = r#"{"a": "it's \"$x\" \$x"}"#;
        assert_eq!(expand_text(text, '\\', &names, 1).unwrap(), r#"{"a": "it's "X" $x"}"#);
    }

    #[test]
    fn what_makes_no_sense_names_its_line() {
        for text in ["${", "${x", "${}", "'a", "\"a", "${x:=y}", "${none?}", "${e:?is empty}"] {
            assert_eq!(run(text, '\\').unwrap_err().line, 7, "{text}");
        }
        for (text, wanted) in [
            ("${e:?is empty}", "failed to process \"${e:?is empty}\": e: is empty"),
            ("${none?}", "none: is not allowed to be unset"),
            ("${e:?}", "e: is not allowed to be empty"),
            ("${x", "syntax error: missing '}'"),
            ("${x:-a", "syntax error: missing '}'"),
            ("${x#a", "syntax error: missing '}' in ${}"),
            ("${x/a}", "syntax error: missing '/' in ${}"),
            ("${", "syntax error: missing '}'"),
            ("${}", "syntax error: bad substitution"),
            ("${{x}}", "syntax error: bad substitution"),
            ("${:-x}", "syntax error: bad substitution"),
            ("${x:#a}", "unsupported modifier (:#) in substitution"),
            ("${x^a}", "unsupported modifier (^) in substitution"),
            ("'a", "while looking for matching single-quote"),
        ] {
            let rule = run(text, '\\').unwrap_err().rule;
            assert!(rule.contains(wanted), "{text}: {rule}");
        }
    }
}
