//! The containers of this host, as files.
//!
//! ```text
//! $ROOT/containers/<id>/config.json   what was asked for; rewritten by rename and update only
//!                       state.json    what became of it; rewritten by its monitor
//!                       lock          held by its monitor, or by who removes it
//!                       live          there from before anything is acquired until all is given back
//!                       scratch/      the engine's
//!                       <id>-json.log
//! $ROOT/names/<name>                  the id of who has it
//! ```
//!
//! No process keeps all this in memory and none is needed to read it. `live` without a holder of
//! `lock` means that a monitor was killed: [`Found::is_orphan`], and [`host::sweep`](crate::host)
//! gives back what it held. Files are replaced whole, so a reader never sees half of one.
//!
//! A name with a dot is out of sight: `.<id>.new` is being made, `.<id>.gone` is being removed. While
//! that has a `live` it still holds something, and the same goes for it; `live` is the first of its
//! files to go, so a folder without one is only a folder. `.<id>.lock` is the lock of one that is being
//! removed, set aside until the folder is gone.

mod files;
mod folder;
pub mod health;
mod names;
pub mod record;
pub mod state;
pub mod volumes;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub use files::{private_dir, read_json, replace, tree_size, write_json};
pub use folder::{Folder, Lock};
pub use record::{Given, MountKind, MountPoint, Record};
pub use state::{State, Status};

use crate::paths::Dirs;

/// How the folder of a container that is being removed ends.
const GONE: &str = ".gone";

/// The containers of this host.
#[derive(Debug, Clone)]
pub struct Store {
    containers: PathBuf,
    names: PathBuf,
}

/// A container that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where its files are.
    pub folder: Folder,
    /// What was asked for.
    pub record: Record,
    /// What became of it, as its files tell.
    pub state: State,
}

impl Found {
    /// Its monitor was killed, and what it held has not been given back.
    pub fn is_orphan(&self) -> bool {
        self.folder.is_live() && !self.folder.is_held()
    }
}

impl Store {
    /// The store of an installation; makes its folders.
    pub fn open(dirs: &Dirs) -> Result<Self> {
        let store = Self { containers: dirs.containers(), names: dirs.names() };
        files::private_dir(&dirs.root)?;
        files::private_dir(&store.containers)?;
        files::private_dir(&store.names)?;
        Ok(store)
    }

    /// Begins to add a container: first its files, then its name, and only then itself.
    pub fn begin(&self, id: &str) -> Result<Draft> {
        let draft = self.containers.join(format!(".{id}.new"));
        files::private_dir(&draft)?;
        let folder = Folder::new(draft, id);
        let mut draft = Draft { store: self.clone(), folder, done: false, lock: None };
        draft.lock = Some(draft.folder.lock()?);
        draft.folder.write_state(&State::default())?;
        Ok(draft)
    }

    /// All containers, the newest first, and why others cannot be read. One that is being removed
    /// meanwhile is left out.
    pub fn list(&self) -> Result<(Vec<Found>, Vec<anyhow::Error>)> {
        let (mut all, mut broken) = (Vec::new(), Vec::new());
        for id in self.ids()? {
            match self.load(&id) {
                Ok(found) => all.push(found),
                Err(error) if error.is::<NoSuchContainer>() => {}
                Err(error) => broken.push(error),
            }
        }
        all.sort_by_key(|found| std::cmp::Reverse(found.record.created));
        Ok((all, broken))
    }

    /// All containers, for who must not overlook one: that one cannot be read is an error.
    pub fn every(&self) -> Result<Vec<Found>> {
        let (all, broken) = self.list()?;
        broken.into_iter().next().map_or(Ok(all), Err)
    }

    /// The container of this full id, name, or unique beginning of an id.
    pub fn find(&self, wanted: &str) -> Result<Found> {
        let wanted = wanted.strip_prefix('/').unwrap_or(wanted);
        if record::is_id(wanted) && self.folder(wanted).exists() {
            return self.load(wanted);
        }
        if let Some(id) = names::holder(&self.names, wanted)
            && self.folder(&id).exists()
        {
            return self.load(&id);
        }
        self.load(&self.by_prefix(wanted)?)
    }

    /// The files of a container, which may not exist.
    pub fn folder(&self, id: &str) -> Folder {
        Folder::new(self.containers.join(id), id)
    }

    /// Reads a container by its full id.
    pub fn load(&self, id: &str) -> Result<Found> {
        let folder = self.folder(id);
        let read = || Ok((folder.read_record()?, folder.read_state()?));
        match read() {
            Ok((record, state)) => Ok(Found { folder, record, state }),
            // It was taken out of sight while it was looked at.
            Err(_) if !folder.exists() => Err(NoSuchContainer(id.to_owned()).into()),
            Err(error) => Err(error),
        }
    }

    /// Gives a container another name. Its lock need not be held.
    pub fn rename(&self, found: &mut Found, name: &str) -> Result<()> {
        record::check_name(name)?;
        if name == found.record.name {
            bail!("the container already has the name {name}");
        }
        self.take_name(name, &found.record.id)?;
        let old = std::mem::replace(&mut found.record.name, name.to_owned());
        if let Err(error) = found.folder.write_record(&found.record) {
            names::give_back(&self.names, name, &found.record.id);
            found.record.name = old;
            return Err(error);
        }
        names::give_back(&self.names, &old, &found.record.id);
        Ok(())
    }

    /// Takes a container out of sight, and gives its name back. Tells where its files are now.
    pub fn hide(&self, found: &Found) -> Result<Folder> {
        let id = &found.record.id;
        let gone = self.containers.join(format!(".{id}{GONE}"));
        match std::fs::rename(found.folder.path(), &gone) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            other => {
                other.with_context(|| format!("removing {}", found.folder.path().display()))?;
            }
        }
        names::give_back(&self.names, &found.record.name, id);
        Ok(Folder::new(gone, id))
    }

    /// Removes the files of a container that is out of sight. Whatever they stood for must have been
    /// given back.
    pub fn remove_hidden(folder: &Folder) -> Result<()> {
        // Nobody may take this for an orphan once its files go in any order.
        folder.clear_live()?;
        let lock = folder.set_lock_aside()?;
        files::remove_all(folder.path())?;
        files::remove_file(&lock)
    }

    /// Containers out of sight that nobody is giving back any more what they hold. Their records
    /// may be gone already.
    pub fn hidden(&self) -> Result<Vec<Folder>> {
        let mut hidden = Vec::new();
        for name in files::entries(&self.containers)? {
            let id = name.strip_prefix('.').and_then(|name| name.strip_suffix(GONE));
            let Some(id) = id.filter(|id| record::is_id(id)) else { continue };
            let folder = Folder::new(self.containers.join(&name), id);
            if folder.is_live() && folder.is_abandoned() {
                hidden.push(folder);
            }
        }
        Ok(hidden)
    }

    /// Whether there is anything of a container: it is being made, it is there, or it is being
    /// removed. Looked for in the order of its life, so that one that goes on meanwhile is found.
    pub fn has_any(&self, id: &str) -> bool {
        let folders = [format!(".{id}.new"), id.to_owned(), format!(".{id}{GONE}")];
        // What cannot be looked at may be there.
        folders.iter().any(|name| self.containers.join(name).try_exists().unwrap_or(true))
    }

    /// Removes what a creation or a removal that was killed has left. Cheap when there is nothing.
    pub fn sweep(&self) -> Result<()> {
        let names = files::entries(&self.containers)?.into_iter();
        let folders = names
            .filter(|name| name.starts_with('.'))
            .map(|name| Folder::new(self.containers.join(name), ""));
        let left = folders.filter(|folder| folder.is_abandoned() && !folder.is_live());
        files::remove_each(left.map(|folder| folder.path().to_owned()))
    }

    fn take_name(&self, name: &str, id: &str) -> Result<()> {
        names::take(&self.names, name, id, |holder| {
            self.load(holder).is_ok_and(|found| found.record.name == name)
        })
    }

    fn ids(&self) -> Result<Vec<String>> {
        let mut ids = files::entries(&self.containers)?;
        ids.retain(|name| record::is_id(name));
        Ok(ids)
    }

    fn by_prefix(&self, wanted: &str) -> Result<String> {
        let mut matching: Vec<String> = match wanted {
            "" => Vec::new(),
            wanted => self.ids()?.into_iter().filter(|id| id.starts_with(wanted)).collect(),
        };
        match (matching.pop(), matching.len()) {
            (Some(id), 0) => Ok(id),
            (Some(_), _) => bail!("multiple containers have an id that begins with {wanted}"),
            (None, _) => Err(NoSuchContainer(wanted.to_owned()).into()),
        }
    }
}

/// Nobody has this name or id.
#[derive(Debug, thiserror::Error)]
#[error("No such container: {0}")]
pub struct NoSuchContainer(pub String);

/// A container that is being made; dropping it takes everything back.
#[derive(Debug)]
pub struct Draft {
    store: Store,
    folder: Folder,
    done: bool,
    /// Tells [`Store::sweep`] that somebody is at it.
    lock: Option<Lock>,
}

impl Draft {
    /// Where its files are for now.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Takes the container's name; the first to do so has it.
    pub fn take_name(&self, name: &str) -> Result<()> {
        self.store.take_name(name, self.folder.id())
    }

    /// Puts it where everybody sees it. Its name must have been taken.
    pub fn finish(mut self, record: Record) -> Result<Found> {
        let put = || -> Result<Folder> {
            self.folder.write_record(&record)?;
            let folder = self.store.folder(&record.id);
            std::fs::rename(self.folder.path(), folder.path())
                .context("putting the container in its place")?;
            Ok(folder)
        };
        let folder =
            put().inspect_err(|_| names::give_back(&self.store.names, &record.name, &record.id))?;
        self.done = true;
        Ok(Found { folder, record, state: State::default() })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            // `sweep` tries again, and the caller is already telling what went wrong.
            files::remove_all(self.folder.path()).ok();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
