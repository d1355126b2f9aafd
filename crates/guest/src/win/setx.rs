//! `setx` against the registry. Nobody has a window here who would have to be told of the change:
//! every process gets its variables from the registry anew ([`super::environment`]).

use super::environment::{SYSTEM_KEY, USER_KEY};
use super::registry::{self, Data, Key, Root};
use crate::setx::{self, Asked, Value};

const HELP: &str = "SetX NAME VALUE [/M]\nSetX NAME /K PATH [/M]\n\n\
    Keeps a variable for the processes that are started from now on.\n\n\
    NAME   of the variable\nVALUE  of the variable\n\
    /K     takes the value from the registry: HKEY_LOCAL_MACHINE\\key\\value\n\
    /M     for the whole machine, not only for this account";

/// Does what the words ask for.
pub(super) fn carry_out(words: &[String]) -> Result<(), String> {
    let Asked::Set { name, value, machine } = setx::read(words)? else {
        println!("{HELP}");
        return Ok(());
    };
    let value = match value {
        Value::Text(text) => text,
        Value::Registry(path) => from_registry(&path)?,
    };
    let data =
        if setx::names_variables(&value) { Data::expanding(&value) } else { Data::text(&value) };
    let (root, path) = if machine { (Root::Machine, SYSTEM_KEY) } else { (Root::User, USER_KEY) };
    let key = Key::create(root, path, false).map_err(|failure| failure.to_string())?;
    key.set(&name, &data).map_err(|failure| failure.to_string())?;
    println!("\nSUCCESS: Specified value was saved.");
    Ok(())
}

fn from_registry(path: &str) -> Result<String, String> {
    let missing = || format!("The value {path} was not found, or is no text and no number.");
    let (hive, rest) = path.split_once('\\').ok_or_else(missing)?;
    let root = match hive.to_ascii_uppercase().as_str() {
        "HKEY_LOCAL_MACHINE" | "HKLM" => Root::Machine,
        "HKEY_CURRENT_USER" | "HKCU" => Root::User,
        _ => return Err(format!("{hive} is not HKEY_LOCAL_MACHINE or HKEY_CURRENT_USER.")),
    };
    let (key, name) = rest.rsplit_once('\\').ok_or_else(missing)?;
    registry::shown(root, key, name).ok_or_else(missing)
}
