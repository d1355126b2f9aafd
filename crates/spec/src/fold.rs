//! Letter case as the original compares it: rune by rune, by Unicode's simple mappings.

/// Lower case, one character for one character.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(lower_char).collect()
}

/// Whether two texts differ in letter case only.
pub(crate) fn eq(left: &str, right: &str) -> bool {
    left.chars().map(folded).eq(right.chars().map(folded))
}

fn lower_char(c: char) -> char {
    // U+0130 alone maps to two characters; its simple mapping is the first of them.
    c.to_lowercase().next().unwrap_or(c)
}

/// The letter that stands for all its forms: long s and Kelvin's sign meet `s` and `k`, while the
/// dotted and the dotless i of Turkish stay themselves.
fn folded(c: char) -> char {
    if matches!(c, '\u{130}' | '\u{131}') {
        return c;
    }
    let mut upper = c.to_uppercase();
    let single = match (upper.next(), upper.next()) {
        (Some(only), None) => only,
        _ => c,
    };
    lower_char(single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_letters_fold_to_ascii() {
        assert!(eq("credential\u{17f}pec", "CredentialSpec"));
        assert!(eq("\u{212a}", "k"));
        assert!(!eq("\u{131}", "i"));
    }

    #[test]
    fn lower_case_keeps_the_number_of_characters() {
        assert_eq!(lower("\u{130}\u{3a3}A"), "i\u{3c3}a");
    }
}
