//! Making, pinning and removing network namespaces.

#![expect(unsafe_code, reason = "leaving a namespace can break what shares it")]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::mount::{UnmountFlags, mount_bind, unmount};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::super::identity::{FIRST_ID, ID_COUNT};
use crate::error::ErrorKind;

/// Makes a namespace with loopback up and pins it at `pin`.
pub(super) fn create(pin: &Path) -> Result<(), ErrorKind> {
    take_name(pin)?;
    let target = pin.to_owned();
    // A thread of its own: it never returns to the namespace that it came from.
    let made = std::thread::spawn(move || unshare_and_pin(&target)).join();
    made.unwrap_or_else(|panic| std::panic::resume_unwind(panic)).inspect_err(|_| {
        let _ = fs::remove_file(pin);
    })
}

/// Pins the namespace at `path`, which somebody else made, at `pin` too.
pub(super) fn adopt(pin: &Path, path: &Path) -> Result<(), ErrorKind> {
    check_foreign(path)?;
    take_name(pin)?;
    let pinned = mount_bind(path, pin).map_err(|e| io_error("pin a namespace at", pin, e));
    let pinned = pinned.and_then(|()| {
        super::inside::within(pin, || {
            as_on_windows().map_err(|e| ErrorKind::io("set up a network namespace", e))
        })
    });
    pinned.inspect_err(|_| {
        let _ = delete(pin);
    })
}

/// What is there must be a network namespace, and not the one of this host: a container would
/// have all of its network, and its settings would be changed.
fn check_foreign(path: &Path) -> Result<(), ErrorKind> {
    const FIELD: &str = "windows.network.networkNamespace";
    let refuse = |rule: &str| {
        let (field, value) = (FIELD.to_owned(), path.display().to_string());
        Err(ErrorKind::InvalidDocument { field, value, rule: rule.to_owned() })
    };
    let identity = |path: &Path| {
        let about = fs::metadata(path).map_err(|e| io_error("look at", path, e))?;
        Ok::<_, ErrorKind>((about.dev(), about.ino()))
    };
    let host = identity(Path::new("/proc/self/ns/net"))?;
    let found = identity(path)?;
    if !is_pinned(path) || found.0 != host.0 {
        return refuse("must be the path of a network namespace");
    }
    if found == host {
        return refuse("a container cannot be in the host's own network");
    }
    Ok(())
}

/// Makes the file that a namespace is to be pinned at.
fn take_name(pin: &Path) -> Result<(), ErrorKind> {
    let dir = pin.parent().expect("a pin is inside the pins' directory");
    fs::create_dir_all(dir).map_err(|e| io_error("create", dir, e))?;
    match fs::OpenOptions::new().write(true).create_new(true).open(pin) {
        Ok(_) => Ok(()),
        // A file without a namespace: the host was restarted, or a creation was cut short.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && !is_pinned(pin) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(ErrorKind::AlreadyExists),
        Err(e) => Err(io_error("create", pin, e)),
    }
}

fn unshare_and_pin(pin: &Path) -> Result<(), ErrorKind> {
    // SAFETY: only the network namespace of this thread changes, and the thread ends here.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
        .map_err(|e| ErrorKind::io("make a network namespace", e))?;
    super::link::set_up("lo", true).map_err(|e| ErrorKind::io("bring loopback up", e))?;
    as_on_windows().map_err(|e| ErrorKind::io("set up a network namespace", e))?;
    mount_bind("/proc/thread-self/ns/net", pin).map_err(|e| io_error("pin a namespace at", pin, e))
}

/// Windows has no privileged ports, and lets any program send ICMP echo requests: the container's
/// ids may do both without a capability. The settings are the namespace's own.
fn as_on_windows() -> io::Result<()> {
    let (first, last) = (FIRST_ID, FIRST_ID + ID_COUNT - 1);
    fs::write("/proc/sys/net/ipv4/ping_group_range", format!("{first} {last}"))?;
    fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
}

/// Unpins a namespace and forgets it; it lives on while something is inside.
pub(super) fn delete(pin: &Path) -> Result<(), ErrorKind> {
    match unmount(pin, UnmountFlags::DETACH) {
        Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {}
        Err(e) => return Err(io_error("unpin", pin, e)),
    }
    for file in [pin.to_owned(), super::resolver::path(pin)] {
        gone(fs::remove_file(&file)).map_err(|e| io_error("remove", &file, e))?;
    }
    let attachments = super::attachment::directory(pin);
    gone(fs::remove_dir_all(&attachments)).map_err(|e| io_error("remove", &attachments, e))
}

/// The names of what is pinned in `pins`.
pub(super) fn list(pins: &Path) -> Result<Vec<String>, ErrorKind> {
    let entries = match fs::read_dir(pins) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| io_error("read", pins, e))?,
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| is_pinned(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Whether a namespace is mounted at `pin`, rather than an empty file left there.
fn is_pinned(pin: &Path) -> bool {
    const NSFS_MAGIC: u64 = 0x6e73_6673;
    rustix::fs::statfs(pin)
        .is_ok_and(|fs| u64::try_from(fs.f_type).is_ok_and(|magic| magic == NSFS_MAGIC))
}

/// Makes a file that is not there a success.
pub(super) fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// An I/O error that names what was done to which file.
pub(super) fn io_error(what: &str, path: &Path, source: impl Into<io::Error>) -> ErrorKind {
    ErrorKind::io(format!("{what} {}", PathBuf::from(path).display()), source)
}
