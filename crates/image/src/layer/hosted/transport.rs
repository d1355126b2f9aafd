//! The import folder: a layer in the form in which the service takes it.
//!
//! ```text
//! Files/a.txt              FILE_ATTRIBUTE_* u32, then the file's backup stream
//! Files/d, Files/d.$wcidirs$    a folder, and beside it the same of the folder
//! Hives/System_Delta       a file as it is
//! ```
//!
//! What was removed is not in it, and hard links are not: both are done in the finished layer.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use engine::os::fd::OwnedFd;
use engine::os::fs::{Mode, mkdirat, renameat, unlinkat};

use super::super::beneath;
use super::super::settle::{archive_path, split};
use super::super::stage::Staged;
use super::super::tree::{FILES, HIVES, Id, Kind};
use super::Ground;
use super::files::{About, Shape};
use super::stream;
use crate::error::{IoContext, Result};

const FOLDER: &str = "import";
/// What stands beside a folder and says what it is like.
const BESIDE: &str = ".$wcidirs$";

/// Makes it of what is staged, whose files are used up, and gives its path.
pub(super) fn build(staged: &Staged, ground: &Ground<'_>) -> Result<PathBuf> {
    let building = Building { staged, ground, root: staged.staging.root() };
    building.make_folder(FOLDER)?;
    for id in staged.tree.ids() {
        building.take(id)?;
    }
    Ok(staged.staging.path().join(FOLDER))
}

struct Building<'a> {
    staged: &'a Staged,
    ground: &'a Ground<'a>,
    root: &'a OwnedFd,
}

impl Building<'_> {
    fn take(&self, id: Id) -> Result<()> {
        let node = self.staged.tree.node(id);
        let to = format!("{FOLDER}/{}", archive_path(&self.staged.tree.path(id)));
        if node.name.to_ascii_lowercase().ends_with(BESIDE) {
            let rule = format!("Windows keeps names that end with {BESIDE} for itself");
            return Err(self.ground.refused(self.staged, id, rule));
        }
        match &node.kind {
            Kind::Dir { .. } => self.folder(id, &to, Shape::Folder),
            Kind::File if self.is_hive(id) => self.hive(id, &to),
            Kind::File => self.file(id, &to),
            Kind::Symlink(_) => match self.ground.link(self.staged, id) {
                shape @ Shape::Link { to_folder: true } => self.folder(id, &to, shape),
                shape => self.entry(id, &to, shape, None),
            },
            Kind::HardLink(_) | Kind::Whiteout => Ok(()),
        }
    }

    fn folder(&self, id: Id, to: &str, shape: Shape) -> Result<()> {
        self.make_folder(to)?;
        self.entry(id, &format!("{to}{BESIDE}"), shape, None)
    }

    fn file(&self, id: Id, to: &str) -> Result<()> {
        let from = self.staged.tree.path(id);
        let at = self.staged.staging.path().join(&from);
        let mut file = beneath::open_file(self.root, &from).at("open", &at)?;
        let size = file.metadata().at("look at", &at)?.len();
        self.entry(id, to, Shape::File, Some((&mut file, size)))?;
        drop(file);
        // It need not be there twice.
        let (folder, name) = split(&from);
        let folder = beneath::open_dir(self.root, folder).at("open", &at)?;
        unlinkat(&folder, name, engine::os::fs::AtFlags::empty()).at("remove", &at)
    }

    /// One file of the form: attributes, then the stream.
    fn entry(&self, id: Id, to: &str, shape: Shape, data: Option<stream::Data<'_>>) -> Result<()> {
        let meta = self.staged.tree.node(id).meta.as_deref();
        let about = About::of(meta, shape, self.ground.service)
            .map_err(|rule| self.ground.refused(self.staged, id, rule))?;
        let at = self.staged.staging.path().join(to);
        let file = beneath::create(self.root, to, Mode::from_raw_mode(0o600)).at("make", &at)?;
        let mut out = BufWriter::new(file);
        out.write_all(&about.attributes.to_le_bytes()).at("write", &at)?;
        stream::write(&mut out, &about, data).at("write", &at)?;
        drop(out.into_inner().map_err(std::io::IntoInnerError::into_error).at("write", &at)?);
        // Its own attributes are none: a read-only one could not be taken away again.
        self.ground.service.restore(self.root, to, &about.times(0)).at("set times of", &at)
    }

    fn hive(&self, id: Id, to: &str) -> Result<()> {
        let from = self.staged.tree.path(id);
        let at = self.staged.staging.path().join(to);
        let ((from_dir, from_name), (to_dir, to_name)) = (split(&from), split(to));
        let from_dir = beneath::open_dir(self.root, from_dir).at("open", &at)?;
        let to_dir = beneath::open_dir(self.root, to_dir).at("open", &at)?;
        renameat(&from_dir, from_name, &to_dir, to_name).at("move", &at)
    }

    fn make_folder(&self, path: &str) -> Result<()> {
        let at = self.staged.staging.path().join(path);
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parent = beneath::open_dir(self.root, parent).at("open", &at)?;
        mkdirat(&parent, name, Mode::from_raw_mode(0o755)).at("make", &at)
    }

    /// Below `Hives`.
    fn is_hive(&self, mut id: Id) -> bool {
        while ![FILES, HIVES].contains(&id) {
            id = self.staged.tree.node(id).parent;
        }
        id == HIVES
    }
}
