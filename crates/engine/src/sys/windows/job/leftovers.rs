//! What a job container has on its host beside its job: a root, links, folders, an account.
//!
//! It is written down before it is made, so that it can be taken away after whoever held the
//! container was killed: the job goes with its holder, all else stays. One way back serves both.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schema::SystemId;
use schema::job::JobContainer;
use serde::{Deserialize, Serialize};

use super::super::os::fs::{check_owner, make_private};
use super::{account, folders, root};
use crate::error::ErrorKind;

/// What is on disk.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// Whose container it is.
    pub(super) owner: String,
    /// Its root.
    pub(super) root: PathBuf,
    /// The root was not there before.
    pub(super) made: bool,
    /// A volume is mounted at the root.
    pub(super) mounted: bool,
    /// Links below it that were not there before, oldest first.
    pub(super) links: Vec<PathBuf>,
    /// Folders of the host that were not there before, oldest first, or that others have made.
    #[serde(default)]
    pub(super) folders: Vec<PathBuf>,
    /// An account that was made for it.
    pub(super) account: Option<String>,
}

/// A container's note, and the way back.
#[derive(Debug)]
pub(super) struct Leftovers {
    path: PathBuf,
    id: SystemId,
    written: Written,
}

/// Where notes are; whoever may write there decides what is removed.
fn folder(state: &Path) -> Result<PathBuf, ErrorKind> {
    let place = state.join("jobs");
    match check_owner(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ErrorKind::io(format!("trust the notes in `{}`", place.display()), error))
        }
        _ => Ok(place),
    }
}

fn path(state: &Path, id: &SystemId) -> Result<PathBuf, ErrorKind> {
    Ok(folder(state)?.join(format!("{}.json", id.as_str())))
}

impl Leftovers {
    /// Writes down what a container is going to have.
    pub(super) fn note(
        state: &Path,
        id: &SystemId,
        owner: &str,
        container: &JobContainer,
        volume: &str,
    ) -> Result<Self, ErrorKind> {
        let root = PathBuf::from(&container.root);
        let written = Written {
            owner: owner.to_owned(),
            // A link that leads nowhere is there too.
            made: !container.bound && fs::symlink_metadata(&root).is_err(),
            // One that leads elsewhere already is somebody else's mount: making ours is refused.
            mounted: !container.bound && !volume.is_empty() && !root::leads_elsewhere(&root),
            root,
            links: Vec::new(),
            folders: Vec::new(),
            account: None,
        };
        let place = state.join("jobs");
        make_private(&place)
            .map_err(|error| ErrorKind::io(format!("make `{}`", place.display()), error))?;
        let note = Self { path: path(state, id)?, id: id.clone(), written };
        note.write()?;
        Ok(note)
    }

    /// The note of a container that somebody has or had; nothing when there is none.
    pub(super) fn read(state: &Path, id: &SystemId) -> Result<Option<Self>, ErrorKind> {
        let path = path(state, id)?;
        let reading = |error| ErrorKind::io(format!("read `{}`", path.display()), error);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(reading)?,
        };
        let written =
            serde_json::from_slice(&text).map_err(|error| reading(io::Error::other(error)))?;
        Ok(Some(Self { path, id: id.clone(), written }))
    }

    /// Whose notes there are.
    pub(super) fn ids(state: &Path) -> Result<Vec<SystemId>, ErrorKind> {
        let Ok(files) = fs::read_dir(folder(state)?) else { return Ok(Vec::new()) };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| SystemId::new(name.strip_suffix(".json")?).ok()).collect())
    }

    pub(super) fn owner(&self) -> &str {
        &self.written.owner
    }

    /// Notes an account before it is made, or that it was not.
    pub(super) fn note_account(&mut self, account: Option<&str>) -> Result<(), ErrorKind> {
        self.written.account = account.map(str::to_owned);
        self.write()
    }

    /// Notes a link before it is made.
    pub(super) fn note_link(&mut self, link: &Path) -> Result<(), ErrorKind> {
        self.written.links.push(link.to_owned());
        self.write()
    }

    /// Notes a folder before it is made, or that it is needed too.
    pub(super) fn note_folder(&mut self, folder: &Path) -> Result<(), ErrorKind> {
        if folders::is_in(&self.written.folders, folder) {
            return Ok(());
        }
        self.written.folders.push(folder.to_owned());
        self.write()
    }

    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.written.folders
    }

    /// The folders in the notes beside this one. A note that cannot be read is nobody's.
    pub(super) fn folders_of_others(&self) -> Vec<PathBuf> {
        let place = self.path.parent().expect("a note is in a folder");
        let files =
            fs::read_dir(place).into_iter().flatten().filter_map(|file| Some(file.ok()?.path()));
        let notes = files.filter(|path| {
            path.extension().is_some_and(|kind| kind == "json") && *path != self.path
        });
        notes
            .filter_map(|path| serde_json::from_slice::<Written>(&fs::read(path).ok()?).ok())
            .flat_map(|written| written.folders)
            .collect()
    }

    fn write(&self) -> Result<(), ErrorKind> {
        let text = serde_json::to_vec(&self.written).expect("a note is plain data");
        // Whole or not at all: a note that cannot be read takes nothing away.
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &self.path))
            .map_err(|error| ErrorKind::io(format!("write `{}`", self.path.display()), error))
    }

    /// Takes everything away, and the note last; it stays while something could not be.
    pub(super) fn give_back(&self) -> Result<(), ErrorKind> {
        root::take_away(&self.written)?;
        folders::take_away(self)?;
        if let Some(account) = &self.written.account {
            account::remove_made(account, &self.id)
                .map_err(|error| ErrorKind::io(format!("remove the account `{account}`"), error))?;
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ErrorKind::io(format!("remove `{}`", self.path.display()), error))
            }
            _ => Ok(()),
        }
    }
}
