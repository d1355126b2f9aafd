//! Arguments to a Windows command line, and back.
//!
//! Windows hands a process one string; the C runtime of the started program splits it. [`join`]
//! writes a string that those rules take apart into the same arguments. It does not speak cmd.exe's
//! own syntax: `%`, `^`, `&` and `|` stay as they are.

/// The command line for `args`, each escaped, with single spaces between.
pub fn join<S: AsRef<str>>(args: &[S]) -> String {
    let words: Vec<String> = args.iter().map(|arg| escape(arg.as_ref())).collect();
    words.join(" ")
}

/// One argument, in quotes only where a space or a tab asks for them.
pub fn escape(arg: &str) -> String {
    if arg.is_empty() {
        return "\"\"".to_owned();
    }
    let quoted = arg.contains([' ', '\t']);
    let mut out = String::with_capacity(arg.len() + 2);
    if quoted {
        out.push('"');
    }
    let mut backslashes = 0;
    for c in arg.chars() {
        if c == '"' {
            push_backslashes(&mut out, backslashes + 1);
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        out.push(c);
    }
    if quoted {
        push_backslashes(&mut out, backslashes);
        out.push('"');
    }
    out
}

fn push_backslashes(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n('\\', count));
}

/// The arguments in `line`, by the rules for everything behind the program's name.
pub fn split(line: &str) -> Vec<String> {
    let mut rest = line.trim_start_matches(BLANKS);
    let mut args = Vec::new();
    while !rest.is_empty() {
        let (arg, behind) = argument(rest);
        args.push(arg);
        rest = behind.trim_start_matches(BLANKS);
    }
    args
}

/// The program and the arguments in `line`. The program's name knows no escapes: it ends at the
/// next quote if it begins with one, at the next blank otherwise.
pub fn split_command_line(line: &str) -> (String, Vec<String>) {
    let (program, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.split_at(line.find(BLANKS).unwrap_or(line.len())),
    };
    (program.to_owned(), split(rest))
}

const BLANKS: [char; 2] = [' ', '\t'];

/// The first argument of `text`, and what comes behind it.
fn argument(text: &str) -> (String, &str) {
    let mut arg = String::new();
    let mut in_quotes = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !in_quotes && BLANKS.contains(&c) {
            break;
        }
        match c {
            '\\' => rest = backslashes(rest, &mut arg),
            // Two quotes in a quoted part are one that is meant.
            '"' if in_quotes && rest[1..].starts_with('"') => {
                arg.push('"');
                rest = &rest[2..];
            }
            '"' => {
                in_quotes = !in_quotes;
                rest = &rest[1..];
            }
            other => {
                arg.push(other);
                rest = &rest[other.len_utf8()..];
            }
        }
    }
    (arg, rest)
}

/// A run of backslashes: halved before a quote, where an odd one also takes the quote.
fn backslashes<'t>(text: &'t str, arg: &mut String) -> &'t str {
    let rest = text.trim_start_matches('\\');
    let count = text.len() - rest.len();
    let Some(behind_quote) = rest.strip_prefix('"') else {
        push_backslashes(arg, count);
        return rest;
    };
    push_backslashes(arg, count / 2);
    if count.is_multiple_of(2) {
        return rest;
    }
    arg.push('"');
    behind_quote
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_the_backslashes_before_them_are_escaped() {
        assert_eq!(join(&["a b", "", "c\\\"d", "e\\"]), r#""a b" "" c\\\"d e\"#);
        assert_eq!(join(&[r"C:\Program Files\"]), r#""C:\Program Files\\""#);
    }

    #[test]
    fn splitting_reads_what_other_programs_write() {
        assert_eq!(
            split(r#"  "a""b" c"d e"f  \\\"g \\"h i""#),
            ["a\"b", "cd ef", "\\\"g", "\\h i"]
        );
        assert!(split(" \t ").is_empty());
    }

    #[test]
    fn the_program_name_knows_no_escapes() {
        let (program, args) = split_command_line(r#""C:\a b\" c\ "d e""#);
        assert_eq!(
            (program.as_str(), args),
            (r"C:\a b\", vec!["c\\".to_owned(), "d e".to_owned()])
        );
        assert_eq!(split_command_line("cmd.exe"), ("cmd.exe".to_owned(), vec![]));
    }
}
