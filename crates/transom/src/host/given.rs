//! Secrets and configs of a container: written when it starts, wiped when it has ended.
//!
//! ```text
//! $STATE/secrets/<id>/                         a tmpfs of its own: secrets are in memory only
//!                    secrets/<secret id>
//! $ROOT/containers/<id>/configs/<config id>
//! ```
//!
//! Only where they come from is kept with the container. The links by which applications find them
//! go into a scratch that never ran: afterwards what is in it could lead them anywhere.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use spec::secrets::{Kind, Reference, links};

use super::Host;
use crate::store::{Found, Given, Record, private_dir};

/// A secret or config is at most this large, as with docker.
const LARGEST: u64 = 1 << 20;

/// As `spec` knows them.
pub fn references(given: &[Given]) -> Vec<Reference> {
    let one = |one: &Given| Reference {
        id: one.id.clone(),
        file_name: Some(one.target.clone()),
        runtime: false,
    };
    given.iter().map(one).collect()
}

/// Writes the files for a run.
pub fn write(host: &Host, found: &Found) -> Result<()> {
    let record = &found.record;
    if !record.secrets.is_empty() {
        let memory = memory(host, &record.id);
        take_away(&memory)?;
        private_dir(&memory)?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("tmpfs", &memory, "tmpfs", flags, c"mode=0700,size=64m")
            .context("making a memory file system for secrets")?;
        fill(&memory.join("secrets"), &record.secrets).context("giving out secrets")?;
    }
    if !record.configs.is_empty() {
        let folder = found.folder.path().join("configs");
        fill(&folder, &record.configs).context("giving out configs")?;
    }
    Ok(())
}

/// Takes the secrets of a container away; those that are gone are a success.
pub fn wipe(host: &Host, id: &str) -> Result<()> {
    take_away(&memory(host, id)).context("wiping secrets")
}

fn memory(host: &Host, id: &str) -> PathBuf {
    host.dirs.secrets().join(id)
}

fn take_away(memory: &Path) -> Result<()> {
    match unmount(memory, UnmountFlags::DETACH) {
        Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
        Err(error) => bail!("unmounting {}: {error}", memory.display()),
    }
    match fs::remove_dir(memory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn fill(folder: &Path, given: &[Given]) -> Result<()> {
    if let Err(error) = fs::remove_dir_all(folder)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error.into());
    }
    private_dir(folder)?;
    for one in given {
        let reading = || format!("reading {} from {}", one.id, one.source.display());
        let size = fs::metadata(&one.source).with_context(reading)?.len();
        if size > LARGEST {
            bail!("{}: {} is larger than 1 MiB", one.id, one.source.display());
        }
        let content = fs::read(&one.source).with_context(reading)?;
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o400).open(folder.join(&one.id));
        file.and_then(|mut file| file.write_all(&content))
            .with_context(|| format!("writing {}", one.id))?;
    }
    Ok(())
}

/// Puts the links into a new scratch.
pub fn link(scratch: &Path, record: &Record) -> Result<()> {
    let all = links(&references(&record.secrets), &references(&record.configs));
    if all.is_empty() {
        return Ok(());
    }
    let upper = scratch.join("upper");
    if !upper.is_dir() {
        bail!(
            "--secret and --config do not go with --storage-opt size: the links to them cannot be made"
        );
    }
    for link in all {
        place(&upper, &record.layers, &link.path, &link.points_to)
            .with_context(|| format!("linking {}", link.path))?;
    }
    Ok(())
}

/// The folders that `internal` paths begin with, for both kinds.
pub fn is_internal(path: &str) -> bool {
    [Kind::Secret, Kind::Config].iter().any(|kind| path.starts_with(kind.internal_folder()))
}

fn place(upper: &Path, layers: &[PathBuf], path: &str, points_to: &str) -> Result<()> {
    let path = components(path)?;
    let to = components(points_to)?;
    let (name, folders) = path.split_last().context("it has no name")?;
    let mut at = PathBuf::new();
    for folder in folders {
        at.push(spelled(upper, layers, &at, folder)?);
        match fs::create_dir(upper.join(&at)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    at.push(spelled(upper, layers, &at, name)?);
    // Relative, so that it leads to the same place wherever the drive is mounted.
    let up: PathBuf = folders.iter().map(|_| "..").collect();
    symlink(to.iter().fold(up, |to, part| to.join(part)), upper.join(&at))?;
    Ok(())
}

/// The parts of a path on `C:`.
fn components(path: &str) -> Result<Vec<&str>> {
    let rest = path.get(..2).filter(|drive| drive.eq_ignore_ascii_case("c:"));
    let rest = rest.map(|_| &path[2..]).with_context(|| format!("{path} is not on drive C:"))?;
    let parts: Vec<&str> = rest.split(['\\', '/']).filter(|part| !part.is_empty()).collect();
    match parts.iter().all(|part| !matches!(*part, "." | "..") && !part.contains(':')) {
        true => Ok(parts),
        false => bail!("{path} is not a plain path"),
    }
}

/// How the drive spells a name in a folder: Windows does not tell case apart, overlays do.
fn spelled(upper: &Path, layers: &[PathBuf], folder: &Path, name: &str) -> Result<String> {
    let lowers = layers.iter().map(|layer| layer.join("fs"));
    for root in std::iter::once(upper.to_owned()).chain(lowers) {
        let entries = match fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let lower = name.to_lowercase();
        let same = |entry: &fs::DirEntry| {
            entry.file_name().to_str().is_some_and(|other| other.to_lowercase() == lower)
        };
        if let Some(entry) = entries.filter_map(io::Result::ok).find(same) {
            return Ok(entry.file_name().into_string().expect("it was read as text"));
        }
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_and_follow_the_layers_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let (upper, layer) = (folder.path().join("upper"), folder.path().join("layer"));
        fs::create_dir_all(&upper).unwrap();
        fs::create_dir_all(layer.join("fs/programdata/docker")).unwrap();
        let link = Kind::Secret.link("id1", "db");
        place(&upper, &[layer], &link.path, &link.points_to).unwrap();
        let made = fs::read_link(upper.join("programdata/docker/secrets/db")).unwrap();
        assert_eq!(made, Path::new("../../../ProgramData/Docker/internal/secrets/id1"));
    }

    #[test]
    fn a_link_stays_on_the_drive() {
        for path in [r"D:\x", r"C:\..\x", r"\x", r"C:\a:b", "x"] {
            assert!(components(path).is_err(), "{path}");
        }
    }
}
