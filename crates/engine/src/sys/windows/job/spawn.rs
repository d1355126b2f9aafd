//! What a process in a job is started with: whose it is, where, with which variables.

use std::path::Path;

use schema::job::JobContainer;
use schema::process::ProcessParameters;

use super::super::starting;
use super::account::Account;
use super::environment::{Variables, expand};
use super::launch::{Order, Started, launch};
use super::object::Job;
use super::resolve::resolve;
use super::stdio;
use crate::error::ErrorKind;
use crate::system::Stdio;

/// Starts a process; after an error nothing runs.
pub(super) fn start(
    job: &Job,
    container: &JobContainer,
    account: &Account,
    folder: &Path,
    parameters: &ProcessParameters,
) -> Result<(Started, Stdio), ErrorKind> {
    let mut variables = Variables::of_account(account.raw())?;
    let given = parameters.environment.iter();
    variables.extend(given.map(|(name, value)| (name.to_owned(), expand(value, &container.root))));
    variables.finish(&container.root);
    let line = expand(&parameters.command_line, &container.root);
    let line = if container.bound { by_cmd(&line) } else { line };
    let found = resolve(&line, folder, variables.get("PATH").unwrap_or_default())?;
    // Let go only after the streams, which can be inherited for as long as they are open here.
    let _alone = starting::alone();
    let (streams, stdio) =
        stdio::make(parameters).map_err(|error| ErrorKind::io("make a process' streams", error))?;
    let order = Order { found: &found, folder, variables: &variables, account, streams };
    Ok((launch(job, order)?, stdio))
}

/// The program is looked up in the silo, by `cmd`: from here nothing is seen of what is bound there.
///
/// Of a line that begins with a quote `cmd` takes the first and the last one away, unless it is told
/// that those are its own.
fn by_cmd(line: &str) -> String {
    if line.trim_start().starts_with('"') {
        format!("cmd /s /c \"{line}\"")
    } else {
        format!("cmd /c {line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cmd_is_told_which_quotes_are_its_own() {
        assert_eq!(by_cmd("hello.cmd a \"b c\""), "cmd /c hello.cmd a \"b c\"");
        assert_eq!(by_cmd(r#""C:\a b\x.exe" "b c""#), r#"cmd /s /c ""C:\a b\x.exe" "b c"""#);
    }
}
