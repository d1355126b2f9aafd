//! The command line, as containerd and its tools write it.
//!
//! Flags are Go's: one dash or two, a value after `=` or as the next argument, and those that
//! belong to everything before the command. `clap` has no such flags.

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Version,
    Start,
    Serve { socket: String, is_sandbox: bool },
    Delete,
}

/// The flags before the command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) namespace: String,
    pub(crate) address: String,
    pub(crate) publish_binary: String,
    pub(crate) id: String,
    pub(crate) bundle: String,
    pub(crate) debug: bool,
}

/// A command line that is not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misuse {
    /// A flag that must be there is not.
    #[error("{0} is required")]
    Missing(&'static str),
    /// A flag that does not exist.
    #[error("flag provided but not defined: -{0}")]
    Unknown(String),
    /// A flag without its value.
    #[error("flag needs an argument: -{0}")]
    NoValue(String),
    /// A command that does not exist.
    #[error("No help topic for '{0}'")]
    NoCommand(String),
}

pub(crate) const HELP: &str = "\
NAME:
   containerd-shim-runhcs-v1 - runs Windows containers for containerd

USAGE:
   containerd-shim-runhcs-v1 [global options] command

COMMANDS:
   start   start a shim for the bundle in the current folder, and print its address
   delete  clean up after a shim that is gone

GLOBAL OPTIONS:
   --namespace value       containerd's namespace
   --address value         containerd's address
   --publish-binary value  the program that publishes events
   --id value              the container's id
   --bundle value          the bundle's folder
   --debug                 more log lines
   --help, -h              show this
   --version, -v           print the version
";

/// Reads a command line without the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<(Flags, Command), Misuse> {
    let mut args = args.into_iter();
    let mut flags = Flags::default();
    let mut command = None;
    let (mut socket, mut is_sandbox) = (String::new(), false);
    while let Some(arg) = args.next() {
        let Some(flag) = flag_of(&arg) else {
            match command {
                None => command = Some(arg),
                Some(_) => return Err(Misuse::NoCommand(arg)),
            }
            continue;
        };
        let (name, inline) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        let mut value = || inline.clone().or_else(|| args.next());
        let needs = || Misuse::NoValue(name.to_owned());
        match (name, command.as_deref()) {
            ("h" | "help", _) => return Ok((flags, Command::Help)),
            ("v" | "version", None) => return Ok((flags, Command::Version)),
            ("debug", None) => flags.debug = inline.as_deref() != Some("false"),
            ("namespace", None) => flags.namespace = value().ok_or_else(needs)?,
            ("address", None) => flags.address = value().ok_or_else(needs)?,
            ("publish-binary", None) => flags.publish_binary = value().ok_or_else(needs)?,
            ("id", None) => flags.id = value().ok_or_else(needs)?,
            ("bundle", None) => flags.bundle = value().ok_or_else(needs)?,
            ("socket", Some("serve")) => socket = value().ok_or_else(needs)?,
            ("is-sandbox", Some("serve")) => is_sandbox = inline.as_deref() != Some("false"),
            (other, _) => return Err(Misuse::Unknown(other.to_owned())),
        }
    }
    flags.check()?;
    let command = match command.as_deref() {
        None | Some("help" | "h") => Command::Help,
        Some("start") => Command::Start,
        Some("serve") => Command::Serve { socket, is_sandbox },
        Some("delete") if flags.bundle.is_empty() => return Err(Misuse::Missing("bundle")),
        Some("delete") => Command::Delete,
        Some(other) => return Err(Misuse::NoCommand(other.to_owned())),
    };
    Ok((flags, command))
}

fn flag_of(arg: &str) -> Option<&str> {
    arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).filter(|flag| !flag.is_empty())
}

impl Flags {
    fn check(&self) -> Result<(), Misuse> {
        let needed = [
            ("namespace", &self.namespace),
            ("address", &self.address),
            ("publish-binary", &self.publish_binary),
            ("id", &self.id),
        ];
        match needed.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(Misuse::Missing(name)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Result<(Flags, Command), Misuse> {
        parse(text.split_whitespace().map(str::to_owned))
    }

    /// hcsshim's `test/containerd-shim-runhcs-v1`: the rows without a bundle.
    #[test]
    fn missing_flags_are_told_in_their_order() {
        assert_eq!(args("").unwrap_err().to_string(), "namespace is required");
        assert_eq!(args("-namespace n").unwrap_err().to_string(), "address is required");
        let error = args("--namespace n --address=a").unwrap_err();
        assert_eq!(error.to_string(), "publish-binary is required");
        let error = args("-namespace n -address a -publish-binary p start").unwrap_err();
        assert_eq!(error.to_string(), "id is required");
        let all = "-namespace n -address a -publish-binary p -id i";
        assert_eq!(args(all).unwrap().1, Command::Help);
        assert_eq!(args(&format!("{all} delete")), Err(Misuse::Missing("bundle")));
        assert_eq!(args(&format!("{all} -bundle b delete")).unwrap().1, Command::Delete);
    }

    #[test]
    fn an_unknown_flag_is_named() {
        assert_eq!(args("-info"), Err(Misuse::Unknown("info".to_owned())));
    }

    #[test]
    fn what_start_writes_serve_reads() {
        let line =
            "--namespace n --address a --publish-binary p --id i serve --socket s --is-sandbox";
        let (flags, command) = args(line).unwrap();
        assert_eq!(flags.id, "i");
        assert_eq!(command, Command::Serve { socket: "s".to_owned(), is_sandbox: true });
    }
}
