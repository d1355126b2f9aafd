//! A file of the user's that is written whole or not at all: half an archive is none.
//!
//! What is no regular file (`/dev/null`, `/dev/stdout`, a FIFO) is never replaced or removed: it is
//! written to, and whoever reads from it gets what there was. What Transom keeps itself is written
//! by [`store`](crate::store).

use std::fs::{self, File, Permissions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::os::fs::give_as;
use engine::os::unix::fs::{at_creation, permissions};
use tempfile::NamedTempFile;

/// What a new file may have before the umask.
const MODE: u32 = 0o666;

/// A file that is being written; dropping it leaves everything as it was.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Takes the name when it is whole.
    Beside(NamedTempFile),
    /// Not ours to replace.
    Straight(File),
}

impl Draft {
    /// Begins to write what will be at `path`.
    pub fn begin(path: &Path) -> Result<Self> {
        let creating = || format!("creating {}", path.display());
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => bail!("{}: it is a directory", creating()),
            Ok(there) if there.is_file() => {
                let path = followed(path).with_context(creating)?;
                let draft =
                    Self::beside(path, at_creation(there.permissions())).with_context(creating)?;
                let file = draft.file()?;
                give_as(&file, &there).with_context(creating)?;
                // Last: another account takes some of them away.
                file.set_permissions(there.permissions()).with_context(creating)?;
                Ok(draft)
            }
            Ok(_) => {
                let file = File::options().write(true).open(path).with_context(creating)?;
                Ok(Self { path: path.to_owned(), place: Place::Straight(file) })
            }
            Err(_) if fs::symlink_metadata(path).is_ok_and(|there| there.is_symlink()) => {
                bail!("{}: it is a link that leads nowhere", creating())
            }
            Err(_) => Self::beside(path.to_owned(), permissions(MODE)).with_context(creating),
        }
    }

    fn beside(path: PathBuf, permissions: Option<Permissions>) -> std::io::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(path.file_name().unwrap_or_default());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        if let Some(permissions) = permissions {
            builder.permissions(permissions);
        }
        let file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
        Ok(Self { path, place: Place::Beside(file) })
    }

    /// What is to be written to.
    pub fn file(&self) -> Result<File> {
        let file = match &self.place {
            Place::Beside(file) => file.as_file(),
            Place::Straight(file) => file,
        };
        file.try_clone().with_context(|| format!("opening {}", self.path.display()))
    }

    /// It is whole.
    pub fn keep(self) -> Result<()> {
        match self.place {
            Place::Beside(file) => {
                let kept = file.persist(&self.path).map(drop);
                kept.with_context(|| format!("writing {}", self.path.display()))
            }
            Place::Straight(_) => Ok(()),
        }
    }
}

/// A link stays one: what it leads to is replaced.
#[expect(clippy::disallowed_methods, reason = "the path is the user's own word")]
fn followed(path: &Path) -> std::io::Result<PathBuf> {
    fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use engine::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::io::{Read, Write};

    use engine::os::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn write(path: &Path, text: &str) -> Result<()> {
        let draft = Draft::begin(path)?;
        draft.file()?.write_all(text.as_bytes())?;
        draft.keep()
    }

    #[test]
    fn a_file_is_there_when_it_is_whole_and_keeps_its_links_and_mode() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.tar"), folder.path().join("link"));
        let half = Draft::begin(&path).unwrap();
        half.file().unwrap().write_all(b"half").unwrap();
        drop(half);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        write(&path, "whole").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        drop(Draft::begin(&link).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(Draft::begin(folder.path()).is_err());
        fs::remove_file(&path).unwrap();
        assert!(Draft::begin(&link).is_err() && fs::symlink_metadata(&link).is_ok());
    }

    #[test]
    fn what_is_no_file_is_written_to_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (device, fifo) = (folder.path().join("null"), folder.path().join("fifo"));
        mknodat(CWD, &device, FileType::CharacterDevice, Mode::RUSR | Mode::WUSR, 0x103).unwrap();
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        write(&device, "nothing").unwrap();
        drop(Draft::begin(&device).unwrap());
        assert!(fs::metadata(&device).unwrap().file_type().is_char_device());
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || {
                let mut text = String::new();
                File::open(fifo).unwrap().read_to_string(&mut text).unwrap();
                text
            }
        });
        write(&fifo, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
        assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
    }
}
