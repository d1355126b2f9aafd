//! `setx`: what its command line asks for, by the rules of Windows' own.
//!
//! Left out: other computers (`/S`), and taking a value out of a file (`/F`), which are refused.
//! Windows cuts a value after 1024 characters, which has cost many a `PATH`; this does not. The
//! other half, which writes the registry, is `win::setx`.

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Tell how it is used.
    Help,
    /// Keep a variable for every process that is started from now on.
    Set {
        /// Its name.
        name: String,
        /// Its value.
        value: Value,
        /// Of the machine, not of the account.
        machine: bool,
    },
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// It was given.
    Text(String),
    /// A value of the registry: `HKEY_LOCAL_MACHINE\key\value`.
    Registry(String),
}

const USAGE: &str = "Invalid syntax.\nType \"SETX /?\" for usage.";

/// Reads the words behind the program's name.
pub(crate) fn read(words: &[String]) -> Result<Asked, String> {
    let (mut plain, mut machine, mut key) = (Vec::new(), false, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match switch(word).as_deref() {
            Some("?") => return Ok(Asked::Help),
            Some("m") => machine = true,
            Some("k") => key = Some(words.next().ok_or(USAGE)?.clone()),
            Some(other @ ("s" | "u" | "p" | "f" | "a" | "r" | "x" | "d")) => {
                return Err(format!("/{} is not supported here.", other.to_uppercase()));
            }
            _ => plain.push(word.clone()),
        }
    }
    let (name, value) = match (plain.len(), key) {
        (2, None) => (plain.remove(0), Value::Text(plain.remove(0))),
        (1, Some(key)) => (plain.remove(0), Value::Registry(key)),
        _ => return Err(USAGE.to_owned()),
    };
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(USAGE.to_owned());
    }
    Ok(Asked::Set { name, value, machine })
}

/// `/M` and `-m` are `m`. Whatever is longer is a value, as `/usr/bin` is.
fn switch(word: &str) -> Option<String> {
    let rest = word.strip_prefix(['/', '-'])?;
    (rest.chars().count() == 1).then(|| rest.to_ascii_lowercase())
}

/// A value that names variables is kept for whoever reads it to replace them.
pub(crate) fn names_variables(value: &str) -> bool {
    value.split_once('%').is_some_and(|(_, rest)| rest.find('%').is_some_and(|end| end > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<Asked, String> {
        read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    fn set(name: &str, value: &str, machine: bool) -> Asked {
        Asked::Set { name: name.into(), value: Value::Text(value.into()), machine }
    }

    #[test]
    fn the_machine_is_meant_wherever_the_switch_stands() {
        for words in [["X", "y", "/M"], ["/m", "X", "y"], ["X", "/M", "y"], ["-M", "X", "y"]] {
            assert_eq!(asked(&words).unwrap(), set("X", "y", true), "{words:?}");
        }
        assert_eq!(asked(&["X", ""]).unwrap(), set("X", "", false));
        assert_eq!(asked(&["X", "/usr"]).unwrap(), set("X", "/usr", false));
        let value = Value::Registry(r"HKEY_LOCAL_MACHINE\a\b".into());
        let from_key = Asked::Set { name: "X".into(), value, machine: false };
        assert_eq!(asked(&["X", "/K", r"HKEY_LOCAL_MACHINE\a\b"]).unwrap(), from_key);
        assert_eq!(asked(&["/?"]).unwrap(), Asked::Help);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for words in [&[][..], &["X"], &["X", "a", "b"], &["", "a"], &["a=b", "c"], &["X", "/K"]] {
            assert!(asked(words).unwrap_err().starts_with("Invalid syntax."), "{words:?}");
        }
        assert!(asked(&["/S", "host", "X", "y"]).unwrap_err().contains("/S"));
        assert!(asked(&["/F", "file", "X", "/A", "0,1"]).unwrap_err().contains("/F"));
    }

    #[test]
    fn only_what_stands_between_two_signs_is_a_variable() {
        for (value, names) in
            [(r"%SystemRoot%\x", true), ("100%", false), ("%%", false), ("a%b%c", true)]
        {
            assert_eq!(names_variables(value), names, "{value}");
        }
    }
}
