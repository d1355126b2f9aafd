//! A container's C:, put together from its layers without mounting anything; and paths in it, which
//! are found whatever their case, and through no link.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use image::merged::{Directory, Node};

use super::endpoint::Inside;
use crate::host::silo;
use crate::store::Found;

/// Follows `path` to what it names.
pub(super) fn find(drive: Directory, path: &Inside) -> Result<Node> {
    let missing = || format!("could not find the file {} in the container", path.display());
    let mut node = Node::Directory(drive);
    for part in &path.parts {
        let Node::Directory(directory) = node else { bail!("{}: not a directory", missing()) };
        let spelled = directory.spelling(part)?.with_context(missing)?;
        node = directory.open(&spelled)?.with_context(missing)?;
    }
    Ok(node)
}

/// The folders of a container that does not run, the newest first.
pub(super) fn stopped(found: &Found, platform: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![upper(found)?];
    let mut layers: Vec<PathBuf> =
        found.record.layers.iter().map(|layer| layer.join("fs")).collect();
    // The platform stands for the base layer's Windows, and wins over it.
    let base = layers.pop();
    folders.extend(layers);
    folders.push(platform.to_owned());
    folders.extend(base);
    Ok(folders)
}

/// Where a container's own files are.
pub(super) fn upper(found: &Found) -> Result<PathBuf> {
    let upper = found.folder.scratch().join("upper");
    if !upper.is_dir() {
        bail!(
            "container {} has a scratch of a fixed size, which is mounted only while it runs: \
             start it to copy",
            found.record.name
        );
    }
    Ok(upper)
}

/// The drive of a running container, as it sees it itself.
pub(super) fn running(silos: &Path, id: &str) -> Result<PathBuf> {
    let first = silo::first_process(silos, id)?;
    Ok(PathBuf::from(format!("/proc/{first}/root/wine/drive_c")))
}

#[cfg(test)]
mod tests {
    use engine::os::unix::fs::symlink;
    use std::{fs, io};

    use super::*;

    #[test]
    fn paths_are_found_whatever_their_case_and_through_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("Dir")).unwrap();
        fs::write(root.join("Dir/a.txt"), "new").unwrap();
        fs::write(folder.path().join("secret"), "host").unwrap();
        symlink(folder.path(), root.join("out")).unwrap();
        let find = |path: &str| {
            let drive = Directory::of(std::slice::from_ref(&root)).unwrap();
            super::find(drive, &Inside::parse(path).unwrap())
        };
        let Node::File(file, _) = find(r"c:\DIR\A.TXT").unwrap() else { panic!("not a file") };
        assert_eq!(io::read_to_string(file).unwrap(), "new");
        assert!(matches!(find("out").unwrap(), Node::Link(..)));
        assert!(find("out/secret").is_err() && find("dir/none").is_err());
    }
}
