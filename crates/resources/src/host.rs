//! The host: what acquires, and what planning asks of its file system.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use engine::{Credentials, Network, Storage};
use plan::host::{Found, LookupError, Lookups};
use plan::{HostFacts, PathStyle};

/// A host that can hold what a container stands on.
pub trait Host: Storage + Network + Credentials {}

impl<T: Storage + Network + Credentials> Host for T {}

/// Facts of this host.
pub fn facts() -> HostFacts {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let processors = u32::try_from(processors).unwrap_or(u32::MAX);
    match style() {
        PathStyle::Unix => HostFacts::unix(processors),
        PathStyle::Windows => {
            let shim = std::env::current_exe().unwrap_or_default();
            let folder = shim.parent().map(|path| path.display().to_string()).unwrap_or_default();
            HostFacts {
                bind_filter: engine::os::machine::has_bind_filter(),
                ..HostFacts::windows(plan::host::builds::LTSC2022, processors, folder)
            }
        }
    }
}

fn style() -> PathStyle {
    if std::path::MAIN_SEPARATOR == '/' { PathStyle::Unix } else { PathStyle::Windows }
}

/// The longest file whose text is asked for.
const MOST_READ: u64 = 1 << 20;

/// Answers planning's questions from this host's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostFiles;

impl Lookups for HostFiles {
    fn find(&self, path: &str) -> Result<Found, LookupError> {
        let about = fs::metadata(path).map_err(|error| failed(path, &error))?;
        Ok(if about.is_dir() { Found::Directory } else { Found::File(about.len()) })
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        let resolved = resolve(Path::new(path)).map_err(|error| failed(path, &error))?;
        resolved.into_os_string().into_string().map_err(|_| LookupError {
            path: path.to_owned(),
            why: "its real name is not valid UTF-8".into(),
        })
    }

    fn read(&self, path: &str) -> Result<String, LookupError> {
        read(path).map_err(|error| failed(path, &error))
    }

    /// The engine names layers when it mounts them; until then a name-based GUID will do.
    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        let name = Path::new(path).file_name().unwrap_or_default();
        Ok(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_encoded_bytes()).to_string())
    }

    fn new_guid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

fn failed(path: &str, error: &std::io::Error) -> LookupError {
    LookupError { path: path.to_owned(), why: error.to_string() }
}

/// Reads a small file. What is no file may never end, or never begin.
fn read(path: &str) -> std::io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(MOST_READ + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_READ {
        return Err(std::io::Error::other("it is longer than 1 MiB"));
    }
    Ok(text)
}

/// Follows every link of an operator's own path. `fs::canonicalize` is banned for paths that a
/// container can reach; a mount's source is named by whoever starts the container.
fn resolve(path: &Path) -> std::io::Result<PathBuf> {
    const MOST_LINKS: usize = 40;
    let mut rest: Vec<std::ffi::OsString> = Vec::new();
    push_components(&mut rest, path);
    let mut resolved = PathBuf::new();
    let mut links = 0;
    while let Some(element) = rest.pop() {
        if element == ".." {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&element);
        if !fs::symlink_metadata(&next)?.is_symlink() {
            resolved = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(std::io::Error::other("too many links"));
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            resolved = PathBuf::new();
        }
        push_components(&mut rest, &target);
    }
    Ok(resolved)
}

/// Puts a path's elements on a stack, the first on top.
fn push_components(stack: &mut Vec<std::ffi::OsString>, path: &Path) {
    let elements = path.components().rev().filter(|element| !matches!(element, Component::CurDir));
    stack.extend(elements.map(|element| element.as_os_str().to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_followed_through_every_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = resolve(folder.path()).unwrap();
        fs::create_dir_all(root.join("real/inner")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("link/inner"), root.join("deep")).unwrap();
        let path = root.join("deep/../../link/inner/.");
        let path = HostFiles.resolve(path.to_str().unwrap());
        assert_eq!(path.unwrap(), root.join("real/inner").to_str().unwrap());
    }

    #[test]
    fn only_a_small_regular_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("most"), vec![b'a'; 1 << 20]).unwrap();
        assert_eq!(HostFiles.read(&path("most")).unwrap().len(), 1 << 20);
        fs::write(path("more"), vec![b'a'; (1 << 20) + 1]).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("fifo")).status().unwrap();
        assert!(made.success());
        for (name, reason) in [("more", "1 MiB"), ("fifo", "regular"), (".", "regular")] {
            let refused = HostFiles.read(&path(name)).unwrap_err();
            assert!(refused.why.contains(reason), "{name}: {}", refused.why);
        }
        assert!(HostFiles.read("/dev/zero").is_err());
    }

    #[test]
    fn a_link_to_itself_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("loop", folder.path().join("loop")).unwrap();
        assert!(resolve(&folder.path().join("loop")).is_err());
    }
}
