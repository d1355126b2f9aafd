//! What the program was asked for on its command line.
//!
//! ```text
//! transom-guest                      serve the socket that TRANSOM_CONTROL_FD names
//! transom-guest resolve-user NAME    {"name","domain","sid"}
//! transom-guest ps                   the processes, as JSON
//! transom-guest run -- COMMAND LINE  start it, wait, end with its code
//! transom-guest dump PID EVENT       write the dump of a program that broke, as a debugger
//! transom-guest --version
//! wineboot --init                    set the session up (any start under that name)
//! setx NAME VALUE [/M]               what Windows' program of that name does ([`crate::setx`])
//! powershell ...                     fails and says why; Wine's does nothing, and that well
//! ```

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Serve requests.
    Serve,
    /// Set the session up and end.
    Boot,
    /// Print an account.
    ResolveUser(String),
    /// Print the processes.
    Processes,
    /// Run a raw command line.
    Run(String),
    /// Write a process' dump.
    Dump(u32),
    /// Print the version.
    Version,
    /// Set a variable in the registry; these are the words behind the program's name.
    Setx(Vec<String>),
    /// Fail: this is the place of a program that is not here.
    Absent(&'static str),
    /// Print how to use it; the text says what was wrong.
    Usage(String),
}

/// Decides from a raw command line and the same one taken apart.
pub(crate) fn decide(raw: &str, arguments: &[String]) -> Mode {
    let program = arguments.first().map_or("", String::as_str);
    match stem(program).as_str() {
        "wineboot" => return Mode::Boot,
        "setx" => return Mode::Setx(arguments.iter().skip(1).cloned().collect()),
        "powershell" => return Mode::Absent("PowerShell"),
        _ => {}
    }
    let rest: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match rest.as_slice() {
        [] | ["serve"] => Mode::Serve,
        ["--init"] => Mode::Boot,
        ["--version" | "-V"] => Mode::Version,
        ["ps"] => Mode::Processes,
        ["resolve-user", name] => Mode::ResolveUser((*name).to_owned()),
        ["run", "--", _, ..] => Mode::Run(after_dashes(raw).to_owned()),
        ["dump", pid, _] if let Ok(pid) = pid.parse() => Mode::Dump(pid),
        ["--help" | "-h"] => Mode::Usage(String::new()),
        [other, ..] => Mode::Usage(format!("cannot tell what `{other}` asks for")),
    }
}

/// The name that the program was started under.
fn stem(program: &str) -> String {
    let name = program.rsplit(['\\', '/']).next().unwrap_or(program);
    name.split('.').next().unwrap_or(name).to_ascii_lowercase()
}

/// The untouched text behind the first ` -- `, with its quotes as they are.
fn after_dashes(raw: &str) -> &str {
    raw.split_once(" -- ").map_or("", |(_, rest)| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(raw: &str, arguments: &[&str]) -> Mode {
        decide(raw, &arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn without_arguments_it_serves() {
        assert_eq!(mode("transom-guest.exe", &["transom-guest.exe"]), Mode::Serve);
    }

    #[test]
    fn under_the_name_wineboot_it_boots() {
        let program = r"C:\windows\system32\WineBoot.exe";
        assert_eq!(mode("", &[program, "--init"]), Mode::Boot);
        assert_eq!(mode("", &["transom-guest", "--init"]), Mode::Boot);
    }

    #[test]
    fn under_the_name_of_what_is_not_here_it_says_so_whatever_is_asked() {
        let asked = [r"C:\windows\system32\WindowsPowerShell\v1.0\PowerShell.exe", "-Command", "x"];
        assert_eq!(mode("", &asked), Mode::Absent("PowerShell"));
    }

    #[test]
    fn under_the_name_setx_it_takes_every_word() {
        let wanted = Mode::Setx(vec!["PATH".into(), "run".into(), "/M".into()]);
        assert_eq!(mode("", &["SetX", "PATH", "run", "/M"]), wanted);
        assert_eq!(mode("", &[r"C:\windows\system32\setx.exe"]), Mode::Setx(Vec::new()));
    }

    #[test]
    fn a_command_line_is_run_with_its_quotes() {
        let raw = r#"transom-guest run --  cmd /c echo a "b -- c""#;
        let arguments = ["transom-guest", "run", "--", "cmd", "/c", "echo", "a", "b -- c"];
        assert_eq!(mode(raw, &arguments), Mode::Run(r#"cmd /c echo a "b -- c""#.into()));
    }

    #[test]
    fn a_dump_is_of_a_number() {
        assert_eq!(mode("", &["g", "dump", "4294967295", "7"]), Mode::Dump(u32::MAX));
        for bad in ["-1", "4294967296", "cmd", ""] {
            assert!(matches!(mode("", &["g", "dump", bad, "7"]), Mode::Usage(_)), "{bad}");
        }
    }

    #[test]
    fn anything_else_names_what_it_could_not_read() {
        let Mode::Usage(text) = mode("", &["g", "frobnicate"]) else { panic!("not usage") };
        assert!(text.contains("frobnicate"));
    }
}
