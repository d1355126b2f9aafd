//! The folder that a process is started in: the root, unless it names another one, which is made where
//! it is missing.

use std::path::{Component, Path, PathBuf};

use schema::job::JobContainer;

use super::beneath;
use super::binding::{Place, place};
use super::environment::expand;
use crate::error::ErrorKind;

/// Without the bind filter: beneath the root, as the container's own paths are.
pub(super) fn beneath_root(wanted: &str, root: &str) -> Result<PathBuf, ErrorKind> {
    let expanded = expand(wanted, root);
    let bare = root.trim_end_matches('\\');
    let below = if expanded == wanted {
        // Beneath the root, as the container's own paths are.
        wanted.get(2..).filter(|_| wanted.as_bytes().get(1) == Some(&b':')).unwrap_or(wanted)
    } else {
        let is_below = expanded.get(..bare.len()).is_some_and(|at| at.eq_ignore_ascii_case(bare));
        if is_below { &expanded[bare.len()..] } else { &expanded }
    };
    beneath::used(Path::new(root), below, "WorkingDirectory")
}

/// With the filter: any path that the process sees. What is missing among the container's files is made
/// there; in a mount nothing is made.
pub(super) fn bound(
    wanted: &str,
    container: &JobContainer,
    files: &Path,
) -> Result<PathBuf, ErrorKind> {
    let expanded = expand(wanted, &container.root).replace('/', "\\");
    let path = Path::new(&container.root).join(&expanded);
    let is_whole =
        path.is_absolute() && path.components().all(|part| !matches!(part, Component::ParentDir));
    if !is_whole {
        return Err(wrong(wanted, "a folder of a drive, without `..`"));
    }
    // Without what says nothing: a dot, a backslash at the end.
    let path = path.components().collect::<PathBuf>();
    match place(container, &path.display().to_string()) {
        Place::Files(below) => {
            beneath::used(files, &below.display().to_string(), "WorkingDirectory")?;
        }
        Place::Mount(source) if !source.is_dir() => {
            return Err(wrong(wanted, "a folder that is there, in a mount"));
        }
        Place::Mount(_) | Place::Host => {}
    }
    Ok(path)
}

fn wrong(value: &str, rule: &str) -> ErrorKind {
    let (field, value) = ("WorkingDirectory".to_owned(), value.to_owned());
    ErrorKind::InvalidDocument { field, value, rule: rule.into() }
}

#[cfg(test)]
mod tests {
    use schema::job::JobMount;

    use super::*;

    #[test]
    fn a_working_folder_is_beneath_the_root() {
        let place = tempfile::tempdir().unwrap();
        let root = format!(r"{}\", place.path().display());
        let named = r"%CONTAINER_SANDBOX_MOUNT_POINT%\here";
        for (wanted, there) in
            [("", ""), (r"C:\", ""), (r"C:\app\bin", r"app\bin"), ("app", "app"), (named, "here")]
        {
            let folder = beneath_root(wanted, &root).unwrap();
            assert_eq!(folder, place.path().join(there), "{wanted}");
            assert!(folder.is_dir());
        }
        for wrong in [r"..\..\Windows", r"C:\a\..\..\b", r"%CONTAINER_SANDBOX_MOUNT_POINT%\..\x"] {
            let refused = beneath_root(wrong, &root).unwrap_err();
            assert!(matches!(refused, ErrorKind::InvalidDocument { .. }), "{wrong}: {refused:?}");
        }
    }

    #[test]
    fn a_bound_folder_is_what_the_process_sees() {
        let place = tempfile::tempdir().unwrap();
        let (files, source) = (place.path().join("files"), place.path().join("source"));
        std::fs::create_dir_all(source.join("there")).unwrap();
        std::fs::create_dir(&files).unwrap();
        let mount = JobMount {
            source: source.display().to_string(),
            destination: r"C:\hpc\data".into(),
            ..JobMount::default()
        };
        let root = r"C:\hpc\".to_owned();
        let container =
            JobContainer { root, bound: true, mounts: vec![mount], ..JobContainer::default() };
        let named = r"%CONTAINER_SANDBOX_MOUNT_POINT%\a/b";
        for (wanted, folder) in [
            ("", r"C:\hpc"),
            (named, r"C:\hpc\a\b"),
            ("app", r"C:\hpc\app"),
            (r"C:\", r"C:\"),
            (r"\Windows\.", r"C:\Windows"),
            (r"D:\elsewhere\", r"D:\elsewhere"),
            (r"C:\hpc\data\there", r"C:\hpc\data\there"),
        ] {
            let found = bound(wanted, &container, &files).unwrap();
            assert_eq!(found.display().to_string(), folder, "{wanted}");
        }
        assert!(files.join(r"a\b").is_dir() && files.join("app").is_dir());
        assert!(!files.join("data").exists(), "a mount is not among the files");
        for wrong in [r"C:\a\..\b", r"..\x", "C:x", r"C:\hpc\data\not-there"] {
            let refused = bound(wrong, &container, &files).unwrap_err();
            assert!(matches!(refused, ErrorKind::InvalidDocument { .. }), "{wrong}: {refused:?}");
        }
        assert!(!source.join("not-there").exists());
    }
}
