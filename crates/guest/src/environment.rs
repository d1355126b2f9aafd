//! The variables of a process: the system's, then the account's, then the request's.
//!
//! Windows compares names without case and wants its block sorted that way. A name keeps the
//! spelling of whoever set it first, as Windows does when a variable is overwritten.

use std::collections::BTreeMap;

use schema::container::Environment;

/// Variables by their upper-case names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables(BTreeMap<String, (String, String)>);

/// A variable that cannot exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadVariable {
    /// Its name.
    pub(crate) name: String,
    /// What is wrong with it.
    pub(crate) rule: &'static str,
}

impl Variables {
    /// Sets a variable.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        let entry =
            self.0.entry(name.to_uppercase()).or_insert_with(|| (name.to_owned(), String::new()));
        entry.1 = value.into();
    }

    /// A variable's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_uppercase()).map(|(_, value)| value.as_str())
    }

    /// Puts what a request asks for over these; nothing is changed when one of them is bad.
    pub(crate) fn put_over(&mut self, asked: &Environment) -> Result<(), BadVariable> {
        for (name, value) in asked {
            check(name, value)?;
        }
        for (name, value) in asked {
            self.set(name, value);
        }
        Ok(())
    }

    /// Replaces each `%NAME%` in `text` that names one of these, as `ExpandEnvironmentStrings`.
    pub(crate) fn expand(&self, text: &str) -> String {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('%') {
            let (before, from) = rest.split_at(start);
            done.push_str(before);
            let known = from[1..].find('%').map(|end| (&from[1..=end], &from[end + 2..]));
            if let Some((value, after)) =
                known.and_then(|(name, rest)| Some((self.get(name)?, rest)))
            {
                done.push_str(value);
                rest = after;
            } else {
                done.push('%');
                rest = &from[1..];
            }
        }
        done + rest
    }

    /// The block that `CreateProcessW` takes: sorted, each ended by a zero, one more at the end.
    pub(crate) fn block(&self) -> Vec<u16> {
        let mut block = Vec::new();
        for (name, value) in self.0.values() {
            block.extend(name.encode_utf16());
            block.push(u16::from(b'='));
            block.extend(value.encode_utf16());
            block.push(0);
        }
        if block.is_empty() {
            block.push(0);
        }
        block.push(0);
        block
    }
}

fn check(name: &str, value: &str) -> Result<(), BadVariable> {
    let bad = |rule| Err(BadVariable { name: name.to_owned(), rule });
    if name.is_empty() {
        return bad("a variable needs a name");
    }
    // A leading `=` is how cmd keeps a drive's current directory.
    if name.chars().skip(1).any(|c| c == '=') {
        return bad("a name holds no `=`");
    }
    if name.contains('\0') || value.contains('\0') {
        return bad("neither name nor value holds a zero character");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_request_replaces_a_variable_whatever_its_case() {
        let mut variables = Variables::default();
        variables.set("Path", r"C:\windows");
        variables.put_over(&asked(&[("PATH", r"C:\app")])).unwrap();
        assert_eq!(variables.get("path"), Some(r"C:\app"));
        assert_eq!(String::from_utf16(&variables.block()).unwrap(), "Path=C:\\app\0\0");
    }

    #[test]
    fn a_block_is_sorted_without_case() {
        let mut variables = Variables::default();
        for name in ["b", "A", "C"] {
            variables.set(name, "1");
        }
        assert_eq!(String::from_utf16(&variables.block()).unwrap(), "A=1\0b=1\0C=1\0\0");
    }

    #[test]
    fn an_empty_block_still_has_two_zeros() {
        assert_eq!(Variables::default().block(), [0, 0]);
    }

    #[test]
    fn a_bad_variable_changes_nothing() {
        let mut variables = Variables::default();
        let before = variables.clone();
        let error = variables.put_over(&asked(&[("A", "1"), ("B=C", "2")])).unwrap_err();
        assert_eq!(error.name, "B=C");
        assert_eq!(variables, before);
    }

    #[test]
    fn expansion_leaves_unknown_names_and_lone_signs() {
        let mut variables = Variables::default();
        variables.set("SystemRoot", r"C:\windows");
        assert_eq!(variables.expand(r"%SYSTEMROOT%\x;%NOPE%;5%"), r"C:\windows\x;%NOPE%;5%");
    }
}
