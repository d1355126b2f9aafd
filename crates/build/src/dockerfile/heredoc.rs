//! `<<NAME`: text that follows an instruction.

/// A heredoc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The line that ends it.
    pub name: String,
    /// Variables in it are expanded: its name was not quoted.
    pub expand: bool,
    /// Tabs at the beginning of its lines go.
    pub chomp: bool,
    /// Its lines.
    pub content: String,
    /// How it was announced.
    pub word: String,
}

/// Those that a line announces, still empty.
pub(super) fn announced(text: &str, escape: char) -> Vec<Heredoc> {
    raw_words(text, escape).iter().filter_map(|word| parse(word)).collect()
}

fn parse(word: &str) -> Option<Heredoc> {
    let (descriptor, rest) = word.split_once("<<")?;
    if !descriptor.bytes().all(|byte| byte.is_ascii_digit()) || rest.contains('<') {
        return None;
    }
    let (rest, chomp) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
    let name: String = rest.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
    let expand = name == rest;
    let heredoc = Heredoc { name, expand, chomp, content: String::new(), word: word.to_owned() };
    (!heredoc.name.is_empty()).then_some(heredoc)
}

/// Words with their quotes, as a shell would tell them apart.
fn raw_words(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c.is_whitespace() => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        word.push(c);
        if c == escape && quote != Some('\'') {
            word.extend(chars.next());
        }
    }
    words.push(word);
    words
}
