//! Who has an id: the state directory of a silo host, and sweeping one that was killed.
//!
//! A silo host holds a lock on `<silos>/<id>/pid` for as long as it lives. Whoever can take that
//! lock knows that nobody is there, and removes what was left: control groups with whatever still
//! runs in them, and the directory. `<silos>/.lock` makes claiming and sweeping one step each.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use schema::SystemId;

use super::cgroup::Cgroup;
use super::os::streams::address;
use crate::error::ErrorKind;

/// The socket's name.
pub(crate) const SOCKET: &str = "control.sock";

/// Locked by the silo host, and by whatever serves it a disk that is not whole on its file yet.
const LEASE: &str = "lease";

/// The lock's name, and the silo host's pid in it.
const PID: &str = "pid";

/// An id that is held.
#[derive(Debug)]
pub(crate) struct Claim {
    dir: PathBuf,
    lease: File,
    _lock: File,
}

impl Claim {
    /// Takes the id, sweeping what a killed silo host left.
    pub(crate) fn take(silos: &Path, id: &SystemId, cgroup: &Path) -> Result<Self, ErrorKind> {
        fs::create_dir_all(silos).map_err(|e| failed("make", silos, e))?;
        let _turn = turn(silos)?;
        let dir = silos.join(id.as_str());
        if is_held(&dir, PID)? || is_held(&dir, LEASE)? {
            return Err(ErrorKind::AlreadyExists);
        }
        // Groups may have outlived their directory, which lies where a reboot clears.
        Cgroup::sweep_left(cgroup, &dir)?;
        remove(&dir)?;
        make_private(&dir).map_err(|e| failed("make", &dir, e))?;
        let mut lock = File::create(dir.join(PID)).map_err(|e| failed("lock", &dir, e))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|e| failed("lock", &dir, e.into()))?;
        writeln!(lock, "{}", std::process::id()).map_err(|e| failed("write in", &dir, e))?;
        let lease = File::create(dir.join(LEASE)).map_err(|e| failed("lock", &dir, e))?;
        flock(&lease, FlockOperation::NonBlockingLockShared)
            .map_err(|e| failed("lock", &dir, e.into()))?;
        Ok(Self { dir, lease, _lock: lock })
    }

    /// A copy of this keeps the id from being swept after the silo host's end.
    pub(crate) fn lease(&self) -> &File {
        &self.lease
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives the id up, and the groups, which must be gone for that. While a disk of its is still
    /// written the directory stays: the id is nobody's until that is over, and whoever asks for it then
    /// removes the rest.
    pub(crate) fn release(self) -> Result<(), ErrorKind> {
        let Self { dir, lease, _lock } = self;
        let silos = dir.parent().expect("the directory is inside `silos`");
        let _turn = turn(silos)?;
        drop(lease);
        if is_held(&dir, LEASE)? {
            // Nobody answers there any more, and its groups are somebody else's from now on.
            Cgroup::forget(&dir)?;
            return remove_file(&dir.join(SOCKET));
        }
        remove(&dir)
    }

    /// Leaves the id to whoever asks for it next, with what tells of groups that are still there.
    pub(crate) fn leave(self) {
        // Nobody answers there any more.
        let _ = remove_file(&self.dir.join(SOCKET));
    }
}

/// Removes what a killed silo host left. `false` when one is alive, or a disk is still written.
pub(crate) fn sweep(silos: &Path, id: &SystemId, cgroup: &Path) -> Result<bool, ErrorKind> {
    if !silos.exists() {
        return Ok(true);
    }
    let _turn = turn(silos)?;
    let dir = silos.join(id.as_str());
    if !dir.exists() {
        return Ok(true);
    }
    if is_held(&dir, PID)? {
        return Ok(false);
    }
    Cgroup::sweep_left(cgroup, &dir)?;
    // Whatever kept a disk in use has gone now; its server follows.
    if is_held(&dir, LEASE)? {
        return Ok(false);
    }
    remove(&dir)?;
    Ok(true)
}

/// The directory's socket by a short path: a socket's address holds only 108 bytes.
pub(crate) fn short(dir: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    address(dir, SOCKET)
}

fn turn(silos: &Path) -> Result<File, ErrorKind> {
    let path = silos.join(".lock");
    let file = File::create(&path).map_err(|e| failed("open", &path, e))?;
    flock(&file, FlockOperation::LockExclusive).map_err(|e| failed("lock", &path, e.into()))?;
    Ok(file)
}

fn is_held(dir: &Path, lock: &str) -> Result<bool, ErrorKind> {
    let file = match File::open(dir.join(lock)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other.map_err(|e| failed("look into", dir, e))?,
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(e) => Err(failed("lock", dir, e.into())),
    }
}

fn remove_file(path: &Path) -> Result<(), ErrorKind> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, e)),
        _ => Ok(()),
    }
}

/// Removes the directory. All that is in it was made by silo hosts, and nothing is mounted there.
fn remove(dir: &Path) -> Result<(), ErrorKind> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", dir, e)),
        _ => Ok(()),
    }
}

fn make_private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(dir)
}

fn failed(what: &str, path: &Path, source: io::Error) -> ErrorKind {
    ErrorKind::io(format!("{what} {}", path.display()), source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_claimed_once_and_again_after_its_release() {
        let temp = tempfile::tempdir().unwrap();
        let id = SystemId::new("claimed").unwrap();
        let cgroup = Path::new("transom/no-such-group");
        let claim = Claim::take(temp.path(), &id, cgroup).unwrap();
        assert!(!sweep(temp.path(), &id, cgroup).unwrap(), "a living claim was swept");
        claim.release().unwrap();
        assert!(!temp.path().join("claimed").exists());
        Claim::take(temp.path(), &id, cgroup).unwrap();
    }

    #[test]
    fn an_id_is_kept_while_a_disk_of_its_is_served_after_its_hosts_end() {
        let temp = tempfile::tempdir().unwrap();
        let id = SystemId::new("served").unwrap();
        let cgroup = Path::new("transom/no-such-group");
        let claim = Claim::take(temp.path(), &id, cgroup).unwrap();
        let server = claim.lease().try_clone().unwrap();
        drop(claim);
        assert!(!sweep(temp.path(), &id, cgroup).unwrap());
        assert!(Claim::take(temp.path(), &id, cgroup).is_err());
        drop(server);
        assert!(sweep(temp.path(), &id, cgroup).unwrap());
    }

    #[test]
    fn an_id_that_is_given_up_is_nobodys_while_a_disk_of_its_is_served() {
        let temp = tempfile::tempdir().unwrap();
        let id = SystemId::new("flushing").unwrap();
        let cgroup = Path::new("transom/no-such-group");
        let claim = Claim::take(temp.path(), &id, cgroup).unwrap();
        fs::write(claim.dir().join(SOCKET), "").unwrap();
        let server = claim.lease().try_clone().unwrap();
        claim.release().unwrap();
        let dir = temp.path().join("flushing");
        assert!(dir.exists() && !dir.join(SOCKET).exists());
        assert!(Claim::take(temp.path(), &id, cgroup).is_err());
        assert!(!sweep(temp.path(), &id, cgroup).unwrap());
        drop(server);
        Claim::take(temp.path(), &id, cgroup).unwrap().release().unwrap();
        assert!(!dir.exists());
    }

    #[test]
    fn what_a_killed_host_left_is_swept() {
        let temp = tempfile::tempdir().unwrap();
        let id = SystemId::new("dead").unwrap();
        fs::create_dir(temp.path().join("dead")).unwrap();
        fs::write(temp.path().join("dead/pid"), "1").unwrap();
        assert!(sweep(temp.path(), &id, Path::new("transom/no-such-group")).unwrap());
        assert!(!temp.path().join("dead").exists());
    }
}
