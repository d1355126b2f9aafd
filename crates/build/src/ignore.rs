//! `.dockerignore`: what of a context is not there.
//!
//! Patterns are matched against a path and its parents, with case; the last that matches decides.

/// The patterns of an ignore file.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    parts: Vec<String>,
    keeps: bool,
}

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid pattern \"{pattern}\" in an ignore file: {rule}")]
pub struct BadPattern {
    /// It.
    pub pattern: String,
    /// What is broken.
    pub rule: &'static str,
}

impl Ignore {
    /// Reads an ignore file.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty()).map(Pattern::parse);
        let patterns: Result<Vec<_>, _> = patterns.collect();
        Ok(Self { patterns: patterns?.into_iter().filter(|p| !p.parts.is_empty()).collect() })
    }

    /// These patterns, each leaving out what it matches.
    pub fn of(patterns: &[String]) -> Result<Self, BadPattern> {
        Self::parse(&patterns.join("\n"))
    }

    /// Whether the file at `path` (slashes, relative) is not there.
    pub fn hides(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let deciding = self
            .patterns
            .iter()
            .rfind(|pattern| (1..=parts.len()).any(|end| matches(&pattern.parts, &parts[..end])));
        deciding.is_some_and(|pattern| !pattern.keeps)
    }

    /// Whether something below a folder that is hidden may be there all the same.
    pub fn may_keep_below(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.keeps)
    }
}

impl Pattern {
    fn parse(line: &str) -> Result<Self, BadPattern> {
        let bad = |rule| BadPattern { pattern: line.to_owned(), rule };
        let (text, keeps) = match line.strip_prefix('!') {
            Some("") => return Err(bad("an exclusion needs a path")),
            Some(rest) => (rest.trim(), true),
            None => (line, false),
        };
        let cleaned = crate::paths::clean(text, false);
        let cleaned = cleaned.trim_start_matches('/');
        let names = cleaned.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<String> = names.map(str::to_owned).collect();
        if !parts.iter().all(|part| is_closed(part)) {
            return Err(bad("a bracket or an escape is not ended"));
        }
        Ok(Self { parts, keeps })
    }
}

fn is_closed(part: &str) -> bool {
    let mut chars = part.chars();
    let mut open = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next().is_none() => return false,
            '[' => open = true,
            ']' => open = false,
            _ => {}
        }
    }
    !open
}

fn matches(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "**" => {
            (0..=path.len()).any(|skip| matches(rest, &path[skip..]))
        }
        (Some((first, rest)), Some((name, below))) => {
            name_matches(first, name) && matches(rest, below)
        }
        _ => false,
    }
}

/// `*`, `?` and `[a-z]` within one name.
pub fn name_matches(pattern: &str, name: &str) -> bool {
    let mut rest = pattern.chars();
    let mut text = name.chars();
    match rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| name_matches(rest.as_str(), &name[at..]))
        }
        Some('?') => text.next().is_some() && name_matches(rest.as_str(), text.as_str()),
        Some('[') => {
            let Some((class, after)) = rest.as_str().split_once(']') else { return false };
            text.next().is_some_and(|c| in_class(class, c)) && name_matches(after, text.as_str())
        }
        Some(c) => {
            let wanted = if c == '\\' { rest.next().unwrap_or(c) } else { c };
            text.next() == Some(wanted) && name_matches(rest.as_str(), text.as_str())
        }
    }
}

fn in_class(class: &str, c: char) -> bool {
    let (class, not) = class.strip_prefix('^').map_or((class, false), |class| (class, true));
    let members: Vec<char> = class.chars().collect();
    let mut found = false;
    let mut at = 0;
    while at < members.len() {
        if members.get(at + 1) == Some(&'-') && at + 2 < members.len() {
            found |= (members[at]..=members[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= members[at] == c;
            at += 1;
        }
    }
    found != not
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let ignore =
            Ignore::parse("# c\n*.log\n!keep.log\n/dir/\n**/deep/x?\n  a[b-d]  \n").unwrap();
        let hidden = ["a.log", "dir", "dir/in", "deep/x1", "q/deep/xy/z", "ac"];
        let there = ["keep.log", "sub/a.log", "dirt", "A.LOG", "deep/x", "ae", "# c"];
        for path in hidden {
            assert!(ignore.hides(path), "{path}");
        }
        for path in there {
            assert!(!ignore.hides(path), "{path}");
        }
    }

    #[test]
    fn everything_but_one_folder() {
        let ignore = Ignore::parse("*\n!src\nsrc/secret").unwrap();
        assert!(ignore.hides("x") && !ignore.hides("src/a/b") && ignore.hides("src/secret"));
        assert!(ignore.may_keep_below());
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named() {
        assert_eq!(Ignore::parse("[a").unwrap_err().pattern, "[a");
        assert!(Ignore::parse("!").is_err());
    }
}
