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

use engine::os::unix::fs::OpenOptionsExt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::os::fs::{make_volatile, remove_volatile};
use spec::secrets::{Reference, links};

use super::Host;
use super::drive::NewDrive;
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
        make_volatile(&memory).context("making a folder in memory for secrets")?;
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
    remove_volatile(&memory(host, id)).context("wiping secrets")
}

fn memory(host: &Host, id: &str) -> PathBuf {
    host.dirs.secrets().join(id)
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
pub fn link(drive: &NewDrive, record: &Record) -> Result<()> {
    let all = links(&references(&record.secrets), &references(&record.configs));
    if !all.is_empty() && !drive.can_be_changed() {
        bail!(
            "--secret and --config do not go with --storage-opt size: the links to them cannot be made"
        );
    }
    for link in all {
        drive
            .link(&link.path, &link.points_to)
            .with_context(|| format!("linking {}", link.path))?;
    }
    Ok(())
}
