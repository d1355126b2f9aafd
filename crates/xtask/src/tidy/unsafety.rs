//! Where `unsafe` may stand: in the engine's `sys`, in the guest and in the test doubles of HCS, in files that open by saying
//! why, or whose folder's `mod.rs` does.
//!
//! The compiler denies it to every file that does not say so, and clippy asks each block for its
//! `SAFETY:` comment; neither knows which folders are meant to have any.

use proc_macro2::{TokenStream, TokenTree};

use super::Fault;
use super::sources::{Source, Sources};

const ALLOWED: &[&str] = &["crates/engine/src/sys", "crates/guest", "tests/hcs-emulator"];

pub(super) fn check(file: &Source, sources: &Sources) -> Vec<Fault> {
    let Some(line) = first_unsafe(file.tokens()) else { return Vec::new() };
    let rule = if !ALLOWED.iter().any(|folder| file.is_in(folder)) {
        "`unsafe` outside the engine's `sys` and the guest"
    } else if !opens_with_reason(&file.text) && !folder_says_why(file, sources) {
        "a file with `unsafe` opens with `#![expect(unsafe_code, reason = \"..\")]`"
    } else {
        return Vec::new();
    };
    vec![Fault::new(&file.path, line, rule)]
}

fn first_unsafe(tokens: TokenStream) -> Option<usize> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(word) if word == "unsafe" => Some(word.span().start().line),
        TokenTree::Group(group) => first_unsafe(group.stream()),
        _ => None,
    })
}

/// An attribute of a module covers the modules in it.
fn folder_says_why(file: &Source, sources: &Sources) -> bool {
    let folders = file.path.ancestors().skip(1);
    folders
        .filter_map(|folder| sources.find(&folder.join("mod.rs")))
        .any(|module| opens_with_reason(&module.text))
}

/// Whether an attribute above the first item speaks of unsafe code. The inner lines of an attribute
/// that takes several are indented.
fn opens_with_reason(text: &str) -> bool {
    let head = text.lines().take_while(|line| {
        line.is_empty() || ["//", "#!", " ", ")]"].iter().any(|start| line.starts_with(start))
    });
    head.map(str::trim).collect::<String>().contains("expect(unsafe_code")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "fn a() { unsafe { b() } }\n";

    fn faults(path: &str, text: &str) -> usize {
        let sources = Sources::of(vec![Source::of(path, text)]);
        sources.rust().map(|file| check(file, &sources).len()).sum()
    }

    #[test]
    fn no_unsafe_outside_its_folders() {
        assert_eq!(faults("crates/shim/src/lib.rs", BLOCK), 1);
        assert_eq!(faults("crates/engine/src/memory.rs", BLOCK), 1);
    }

    #[test]
    fn a_word_in_a_comment_or_a_string_is_no_unsafe() {
        assert_eq!(faults("crates/shim/src/lib.rs", "// unsafe\nconst A: &str = \"unsafe\";\n"), 0);
    }

    #[test]
    fn a_folder_may_say_why_for_its_files() {
        let why = "//! Doc.\n\n#![expect(unsafe_code, reason = \"calls Windows\")]\n";
        let sources = Sources::of(vec![
            Source::of("crates/guest/src/win/mod.rs", why),
            Source::of("crates/guest/src/win/spawn.rs", BLOCK),
        ]);
        assert!(sources.rust().all(|file| check(file, &sources).is_empty()));
    }

    #[test]
    fn a_file_says_why_before_its_first_item() {
        let path = "crates/engine/src/sys/linux/clone.rs";
        assert_eq!(faults(path, BLOCK), 1);
        let one_line = "//! Doc.\n\n#![expect(unsafe_code, reason = \"clone3\")]\n";
        assert_eq!(faults(path, &format!("{one_line}{BLOCK}")), 0);
        let wrapped = "//! Doc.\n#![expect(\n    unsafe_code,\n    reason = \"clone3\"\n)]\n";
        assert_eq!(faults(path, &format!("{wrapped}{BLOCK}")), 0);
    }
}
