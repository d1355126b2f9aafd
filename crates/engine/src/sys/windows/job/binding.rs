//! A container's files and mounts, bound in its silo: every container sees its own at the same place.
//!
//! Only the folders that bound paths are in are made on the host ([`folders`]), since the filter wants
//! them. For programs that look for a mount below the root there is a link among the container's files
//! too; one that cannot be made, as where an image has something in its place, is told in the log.

use std::path::{Path, PathBuf};

use schema::job::{JobContainer, JobMount};

use super::filter::Filter;
use super::leftovers::Leftovers;
use super::object::Job;
use super::{folders, root};
use crate::error::ErrorKind;

/// What a volume's path begins with.
const VOLUME: &str = r"\\?\Volume";

/// Where a container's files are, as the filter takes it: a volume's path ends with a backslash.
pub(super) fn files(volume: &str) -> String {
    let bare = volume.trim_end_matches('\\');
    if volume.starts_with(VOLUME) { format!(r"{bare}\") } else { bare.to_owned() }
}

/// Binds what a container sees.
pub(super) fn make(
    filter: Filter,
    job: &Job,
    container: &JobContainer,
    files: &str,
    note: &mut Leftovers,
) -> Result<(), ErrorKind> {
    check(container, files)?;
    folders::make(Path::new(&container.root), "HostProcess.Root", note)?;
    filter.bind(job, &container.root, files, false)?;
    container.mounts.iter().try_for_each(|mount| bind(filter, job, files, mount, note))
}

fn check(container: &JobContainer, files: &str) -> Result<(), ErrorKind> {
    let destinations = container.mounts.iter().map(|mount| &mount.destination);
    let wrong = |field: &str, value: &str, rule: &str| {
        Err(ErrorKind::InvalidDocument {
            field: field.into(),
            value: value.into(),
            rule: rule.into(),
        })
    };
    if files.is_empty() {
        return wrong("Storage.Path", files, "a volume or a folder, to be bound at the root");
    }
    for (field, path) in std::iter::once(("HostProcess.Root", &container.root))
        .chain(destinations.map(|path| ("HostProcess.Mounts.Destination", path)))
    {
        if !matches!(path.as_bytes(), [drive, b':', b'\\', _, ..] if drive.is_ascii_alphabetic()) {
            return wrong(field, path, r"a path on a drive, like `C:\hpc`");
        }
    }
    Ok(())
}

fn bind(
    filter: Filter,
    job: &Job,
    files: &str,
    mount: &JobMount,
    note: &mut Leftovers,
) -> Result<(), ErrorKind> {
    let JobMount { source, destination, .. } = mount;
    std::fs::metadata(source)
        .map_err(|error| ErrorKind::io(format!("look at `{source}`, to be mounted"), error))?;
    let at = Path::new(destination);
    if std::fs::symlink_metadata(at).is_ok() {
        tracing::warn!(destination, "the host's own is not seen where a mount is");
    }
    let above = at.parent().unwrap_or(at);
    folders::make(above, "HostProcess.Mounts.Destination", note)?;
    filter.bind(job, destination, source, mount.read_only)?;
    // What may not be written to may not be so by its link either: that leads to what is bound.
    let to = if mount.read_only { destination } else { source };
    if let Err(error) = root::link(Path::new(files), mount, Path::new(to), note) {
        tracing::warn!(destination, %error, "a mount has no link below the root");
    }
    Ok(())
}

/// Where a path of the container's is on the host: among its files, or in what is mounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Below the container's files.
    Files(PathBuf),
    /// In the source of a mount.
    Mount(PathBuf),
    /// Where it says.
    Host,
}

/// Finds it. The longest path that was bound decides.
pub(super) fn place(container: &JobContainer, path: &str) -> Place {
    let mounts = container.mounts.iter();
    let bound = mounts.map(|mount| (mount.destination.as_str(), Some(mount.source.as_str())));
    let bound = bound.chain([(container.root.as_str(), None)]);
    let found = bound.filter_map(|(at, source)| Some((at.len(), below(path, at)?, source)));
    match found.max_by_key(|(length, ..)| *length) {
        Some((_, below, Some(source))) => Place::Mount(Path::new(source).join(below)),
        Some((_, below, None)) => Place::Files(PathBuf::from(below)),
        None => Place::Host,
    }
}

/// What of a path is below another one.
fn below<'a>(path: &'a str, at: &str) -> Option<&'a str> {
    let at = at.trim_end_matches('\\');
    let (start, rest) = path.split_at_checked(at.len())?;
    let is_below = start.eq_ignore_ascii_case(at) && (rest.is_empty() || rest.starts_with('\\'));
    is_below.then(|| rest.trim_start_matches('\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> JobContainer {
        let mount = |destination: &str, source: &str| JobMount {
            source: source.into(),
            destination: destination.into(),
            ..JobMount::default()
        };
        JobContainer {
            root: r"C:\hpc\".into(),
            bound: true,
            mounts: vec![mount(r"C:\hpc\data", r"D:\data"), mount(r"C:\conf", r"D:\conf")],
            ..JobContainer::default()
        }
    }

    #[test]
    fn a_path_is_found_where_it_was_bound() {
        let files = |path: &str| Place::Files(path.into());
        let mount = |path: &str| Place::Mount(path.into());
        for (path, there) in [
            (r"C:\hpc", files("")),
            (r"c:\HPC\a\b", files(r"a\b")),
            (r"C:\hpc\data\x", mount(r"D:\data\x")),
            (r"C:\hpc\database", files("database")),
            (r"C:\conf\x", mount(r"D:\conf\x")),
            (r"C:\hpcx", Place::Host),
            (r"C:\", Place::Host),
        ] {
            assert_eq!(place(&container(), path), there, "{path}");
        }
    }

    #[test]
    fn a_volume_ends_with_a_backslash_and_a_folder_does_not() {
        let volume = r"\\?\Volume{8b1f0a52-3c7d-4e19-9a4b-6d2c5e7f8a90}";
        assert_eq!(files(volume), format!(r"{volume}\"));
        assert_eq!(files(&format!(r"{volume}\")), format!(r"{volume}\"));
        assert_eq!(files(r"D:\files\"), r"D:\files");
    }

    #[test]
    fn what_is_bound_at_no_path_of_a_drive_is_refused() {
        check(&container(), r"D:\files").unwrap();
        let no_root = JobContainer { root: "hpc".into(), ..container() };
        let no_destination = JobContainer { mounts: vec![JobMount::default()], ..container() };
        for (wrong, files) in [(no_root, "f"), (no_destination, "f"), (container(), "")] {
            let refused = check(&wrong, files).unwrap_err();
            assert!(matches!(refused, ErrorKind::InvalidDocument { .. }), "{refused:?}");
        }
    }
}
