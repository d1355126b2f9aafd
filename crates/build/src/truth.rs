//! Yes or no in the words of flags: what Go reads as a boolean, since buildx and `BuildKit` do.

/// What `text` says; nothing when it says neither.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
