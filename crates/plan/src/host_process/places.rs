//! Where a host process container's files are seen.
//!
//! ```text
//! with the bind filter    bound at one place, the same in all containers, each in its own silo
//! without                 a volume is mounted at a place of the container's own
//! without, a folder       where it is
//! ```

use crate::annotations::names;
use crate::error::{PlanError, Result};
use crate::host::HostFacts;
use crate::job::identity;
use crate::oci::Annotations;
use crate::request::ContainerRequest;

/// Where a container's files are seen when the spec names no place.
const ROOT: &str = r"C:\hpc\";
/// What a volume's path begins with.
const VOLUME: &str = r"\\?\";

/// What is seen, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// What is mounted or bound: a volume, or a folder of the host. Nothing while the volume is not
    /// known yet, or where the root is the folder itself.
    pub(super) files: String,
    /// Where its processes see it.
    pub(super) root: String,
    /// It is bound.
    pub(super) bound: bool,
}

impl Places {
    /// Decides for a container whose files are at `at`, or on a volume that is not known yet.
    pub(super) fn decide(request: &ContainerRequest, host: &HostFacts, at: String) -> Result<Self> {
        let nothing = Annotations::new();
        let (_, place) = identity(request.spec.annotations.as_ref().unwrap_or(&nothing));
        let is_volume = at.is_empty() || at.starts_with(VOLUME);
        let at = if is_volume { Some(at.clone()) } else { folder(&at) }.ok_or_else(|| {
            let rule = "a volume, or a folder of a drive, of a host process container";
            PlanError::field("root.path", at, rule)
        })?;
        match (host.bind_filter, is_volume) {
            (true, _) => Self::bound(place, at),
            (false, true) => Ok(Self::mounted(place, request.id.as_str(), at)),
            (false, false) => Self::as_it_stands(place, &at),
        }
    }

    fn bound(place: &str, files: String) -> Result<Self> {
        let root = if place.is_empty() { ROOT } else { place };
        let Some(root) = folder(root) else {
            let rule = r"a folder of a drive, like `C:\hpc`";
            return Err(PlanError::field(names::HOST_PROCESS_ROOT, root, rule));
        };
        Ok(Self { files, root, bound: true })
    }

    fn mounted(place: &str, id: &str, files: String) -> Self {
        let place = if place.is_empty() { ROOT } else { place };
        let root = format!(r"{}\{id}\", place.trim_end_matches('\\'));
        Self { files, root, bound: false }
    }

    fn as_it_stands(place: &str, at: &str) -> Result<Self> {
        if !place.is_empty() {
            let rule = "not beside a folder in `root.path`, where its files are seen then";
            return Err(PlanError::field(names::HOST_PROCESS_ROOT, place, rule));
        }
        let root = format!(r"{}\", at.trim_end_matches('\\'));
        Ok(Self { files: String::new(), root, bound: false })
    }
}

/// The path of something in a drive, spelt as Windows spells it; nothing for a whole drive, and for
/// what leads elsewhere.
pub(super) fn folder(path: &str) -> Option<String> {
    let path = path.replace('/', r"\");
    let (drive, below) = path.split_at_checked(3)?;
    let is_drive =
        matches!(drive.as_bytes(), [letter, b':', b'\\'] if letter.is_ascii_alphabetic());
    let mut names = below.split('\\').filter(|name| !name.is_empty()).peekable();
    let is_below = names.peek().is_some()
        && names.all(|name| !matches!(name, "." | "..") && !name.contains(':'));
    (is_drive && is_below).then_some(path)
}
