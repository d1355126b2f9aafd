//! Command lines of programs that have quoting rules of their own.
//!
//! Words become a command line by the rules of C programs, and a quote becomes `\"`. `cmd` knows no
//! such thing: for it `\"` is two characters. What stands behind its `/c` or `/k` is a line of its
//! own language, so it is passed on as it was typed, in the one form whose quotes `cmd` does not
//! interpret: `/s /c "..."`.

use oci_spec::runtime::Process;

/// Makes a `cmd` line of the words of a process that runs `cmd`. Lines without quotes mean the
/// same either way, and stay words.
pub fn adapt(process: &mut Process) {
    let Some(words) = process.args().clone().filter(|_| process.command_line().is_none()) else {
        return;
    };
    if let Some(line) = of_cmd(&words) {
        process.set_command_line(Some(line));
        process.set_args(None);
    }
}

fn of_cmd(words: &[String]) -> Option<String> {
    let (program, rest) = words.split_first()?;
    let at = rest.iter().position(|word| is_switch(word, b"ck"))?;
    let (switches, command) = (&rest[..at], &rest[at + 1..]);
    if !is_cmd(program) || !switches.iter().all(|word| word.starts_with('/')) {
        return None;
    }
    if !command.iter().any(|word| word.contains('"')) {
        return None;
    }
    let mut line = spec::escape::join(std::slice::from_ref(program));
    for switch in switches.iter().filter(|word| !is_switch(word, b"s")) {
        line.push(' ');
        line.push_str(switch);
    }
    Some(format!("{line} /s {} \"{}\"", rest[at], typed(command)))
}

/// One word is a line already; of several, those with blanks are kept together.
fn typed(command: &[String]) -> String {
    if let [line] = command {
        return line.clone();
    }
    let word = |word: &String| {
        if word.contains([' ', '\t']) && !word.contains('"') {
            format!("\"{word}\"")
        } else {
            word.clone()
        }
    };
    command.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn is_cmd(program: &str) -> bool {
    let name = program.rsplit(['\\', '/']).next().unwrap_or(program);
    name.eq_ignore_ascii_case("cmd") || name.eq_ignore_ascii_case("cmd.exe")
}

fn is_switch(word: &str, letters: &[u8]) -> bool {
    matches!(word.as_bytes(), [b'/', letter] if letters.contains(&letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Option<String> {
        of_cmd(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn quotes_reach_cmd_as_they_were_typed() {
        let expected = r#"cmd /s /c "echo a "b c" d""#;
        assert_eq!(line(&["cmd", "/c", r#"echo a "b c" d"#]).as_deref(), Some(expected));
        assert_eq!(
            line(&["cmd", "/S", "/c", "echo", "a", r#""b c""#, "d"]).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn words_with_blanks_stay_together() {
        let expected = r#"cmd.exe /v:on /s /C "type "C:\a b\c" "x"""#;
        let words = ["cmd.exe", "/v:on", "/C", "type", r"C:\a b\c", r#""x""#];
        assert_eq!(line(&words).as_deref(), Some(expected));
    }

    #[test]
    fn other_programs_and_lines_without_quotes_are_left_alone() {
        assert_eq!(line(&["cmd", "/c", "echo a"]), None);
        assert_eq!(line(&["prog", "/c", r#"a "b""#]), None);
        assert_eq!(line(&["cmd", r#"a "b""#]), None);
    }
}
