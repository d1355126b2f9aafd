//! Patterns of `${x#pattern}` and its like: `*` is anything, `?` one character.

/// One part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    /// `*`
    Any,
    /// `?`
    One,
    /// This character.
    Is(char),
}

/// What a text means as a pattern, when nothing of it was escaped.
pub(super) fn wild(text: &str) -> impl Iterator<Item = Glyph> {
    text.chars().map(|c| match c {
        '*' => Glyph::Any,
        '?' => Glyph::One,
        c => Glyph::Is(c),
    })
}

/// Without the shortest, or the longest, match at one of its ends.
pub(super) fn trim(value: &str, pattern: &[Glyph], front: bool, greedy: bool) -> String {
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

/// With the first match, or with all, replaced: each the longest at its place.
pub(super) fn replace(value: &str, pattern: &[Glyph], by: &str, all: bool) -> String {
    if value.is_empty() {
        return if matches(pattern, "") { by.to_owned() } else { String::new() };
    }
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

/// Whether the whole text is what the pattern says. Only the last `*` is ever taken back, so that no
/// pattern takes long.
fn matches(pattern: &[Glyph], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(next) {
            Some(Glyph::Any) => {
                star = Some((next, at));
                next += 1;
                continue;
            }
            Some(Glyph::One) => {}
            Some(Glyph::Is(c)) if *c == text[at] => {}
            _ => {
                let Some((glyph, from)) = star else { return false };
                star = Some((glyph, from + 1));
                (next, at) = (glyph + 1, from + 1);
                continue;
            }
        }
        next += 1;
        at += 1;
    }
    pattern[next..].iter().all(|glyph| *glyph == Glyph::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_the_whole_text() {
        let fits = |pattern: &str, text: &str| matches(&wild(pattern).collect::<Vec<_>>(), text);
        for (pattern, text) in
            [("", ""), ("*", ""), ("a*c", "abbc"), ("a?c", "aéc"), ("*a*b", "xaxabxb"), ("**", "x")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", ""), ("a", "ab"), ("?", ""), ("a*b", "abc"), ("*a", "b")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
        let many = "*a".repeat(50);
        assert!(!fits(&many, &"a".repeat(49)) && !fits(&format!("{many}b"), &"a".repeat(5000)));
    }
}
