//! No question about the OS above the engine.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::Fault;
use super::arrows::KNOWS_THE_OS;
use super::sources::Source;

/// What a `cfg` asks with when it asks which OS this is.
const QUESTIONS: &[&str] = &["target_os", "target_family", "target_env", "unix", "windows"];

pub(super) fn check(file: &Source) -> Vec<Fault> {
    if file.package().is_none_or(|package| KNOWS_THE_OS.contains(&package)) {
        return Vec::new();
    }
    let mut faults = Vec::new();
    visit(file.tokens(), &mut |question| {
        let rule = format!("`cfg({question})` above the engine: ask the engine instead");
        faults.push(Fault::new(&file.path, question.span().start().line, rule));
    });
    faults
}

/// Finds the questions in every `cfg(..)`, `cfg_attr(..)` and `cfg!(..)`.
fn visit(tokens: TokenStream, found: &mut impl FnMut(&Ident)) {
    let mut asks = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => asks = word == "cfg" || word == "cfg_attr",
            TokenTree::Punct(mark) => asks &= mark.as_char() == '!',
            TokenTree::Literal(_) => asks = false,
            TokenTree::Group(group) => {
                if asks && group.delimiter() == Delimiter::Parenthesis {
                    questions(group.stream(), found);
                }
                visit(group.stream(), found);
                asks = false;
            }
        }
    }
}

fn questions(tokens: TokenStream, found: &mut impl FnMut(&Ident)) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) if QUESTIONS.iter().any(|question| word == question) => {
                found(&word);
            }
            TokenTree::Group(group) => questions(group.stream(), found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::of(path, text)).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn every_way_to_ask_is_found() {
        let text = "#[cfg(windows)]\nfn a() {}\nfn b() { if cfg!(not(target_os = \"linux\")) {} }\n\
                    #[cfg_attr(unix, path = \"x\")]\nmod c;\n";
        assert_eq!(lines("crates/shim/src/lib.rs", text), [1, 3, 4]);
    }

    #[test]
    fn other_questions_and_other_words_are_free() {
        let text = "#[cfg(test)]\nmod a;\n// #[cfg(windows)]\nfn b(windows: u8) { f(windows) }\n";
        assert!(lines("crates/shim/src/lib.rs", text).is_empty());
    }

    #[test]
    fn the_engine_may_ask() {
        assert!(lines("crates/engine/src/lib.rs", "#[cfg(windows)]\nmod a;\n").is_empty());
    }
}
