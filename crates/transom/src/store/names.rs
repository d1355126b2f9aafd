//! Who has which name: one file per name, made by one process only.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::files;

/// The id of the container that has `name`.
pub(super) fn holder(names: &Path, name: &str) -> Option<String> {
    super::record::check_name(name).ok()?;
    let id = fs::read_to_string(names.join(name)).ok()?;
    super::record::is_id(&id).then_some(id)
}

/// Takes `name` for `id`. A name whose holder is gone, by `exists`, is taken over: its container
/// was removed, or never finished, by a process that was killed.
pub(super) fn take(
    names: &Path,
    name: &str,
    id: &str,
    exists: impl Fn(&str) -> bool,
) -> Result<()> {
    let path = names.join(name);
    for _ in 0..2 {
        if claim(&path, id)? {
            return Ok(());
        }
        match holder(names, name) {
            Some(other) if exists(&other) => bail!(
                "the container name \"/{name}\" is already in use by container \"{other}\"; \
                 remove or rename that container to use the name again"
            ),
            _ => files::remove_file(&path)?,
        }
    }
    bail!("the container name \"/{name}\" is being taken by somebody else right now")
}

/// Gives it back, if `id` has it.
pub(super) fn give_back(names: &Path, name: &str, id: &str) {
    if holder(names, name).as_deref() == Some(id) {
        // One that stays is taken over by whoever wants it next.
        fs::remove_file(names.join(name)).ok();
    }
}

/// Makes the file with its content at once, or finds that it is there.
fn claim(path: &Path, id: &str) -> Result<bool> {
    let draft = path.with_file_name(format!(".{id}.{}", std::process::id()));
    let claimed = || -> std::io::Result<bool> {
        fs::File::create(&draft)?.write_all(id.as_bytes())?;
        match fs::hard_link(&draft, path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    };
    let result = claimed().with_context(|| format!("writing {}", path.display()));
    files::remove_file(&draft)?;
    result
}
