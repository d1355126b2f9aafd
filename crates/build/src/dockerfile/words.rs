//! The forms in which instructions take their words.

use serde_json::Value;

/// A JSON array of strings; `None` when the text is not one, and then is taken as it stands.
pub(super) fn json(text: &str) -> Option<Result<Vec<String>, String>> {
    if !text.starts_with('[') {
        return None;
    }
    let Ok(Value::Array(items)) = serde_json::from_str::<Value>(text) else { return None };
    let word = |item| match item {
        Value::String(text) => Ok(text),
        _ => Err("only string type is allowed in JSON format arrays".to_owned()),
    };
    Some(items.into_iter().map(word).collect())
}

/// A JSON array of strings, or words between blanks.
pub(super) fn list(text: &str) -> Result<Vec<String>, String> {
    json(text).unwrap_or_else(|| Ok(text.split_whitespace().map(str::to_owned).collect()))
}

/// Words between blanks, where quotes and escapes keep blanks together. They stay in the words.
pub(super) fn quoted(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        word.push(c);
        match quote {
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ if c == escape && quote != Some('\'') => word.extend(chars.next()),
            _ => {}
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// `name=value ...`, or the old `name value` where that is allowed.
pub(super) fn pairs(name: &str, text: &str, escape: char) -> Result<Vec<(String, String)>, String> {
    let words = quoted(text, escape);
    let Some(first) = words.first() else {
        return Err(format!("{name} requires at least one argument"));
    };
    if !first.contains('=') {
        let (key, value) = text
            .split_once(char::is_whitespace)
            .ok_or_else(|| format!("{name} must have two arguments"))?;
        return Ok(vec![(key.to_owned(), value.trim_start().to_owned())]);
    }
    let pair = |word: &String| match word.split_once('=') {
        Some(("", _)) => Err(format!("{name} names can not be blank")),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(format!(
            "Syntax error - can't find = in \"{word}\". Must be of the form: name=value"
        )),
    };
    words.iter().map(pair).collect()
}
