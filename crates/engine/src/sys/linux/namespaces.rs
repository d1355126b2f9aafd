#![expect(unsafe_code, reason = "cloning into namespaces and setting credentials is done by hand")]
//! Processes in namespaces of their own, and the credentials that they end up with.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Gid, Pid, Signal, Uid, WaitOptions, waitpid};
use rustix::thread::{CapabilitiesSecureBits as Bits, CapabilitySet, CapabilitySets};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

use super::identity::{FIRST_ID, ID_COUNT};
use crate::error::ErrorKind;

/// What a copy that panicked ends with, as a program of Rust's does.
const PANICKED: i32 = 101;

/// A child process that is killed and reaped when let go.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    pidfd: OwnedFd,
}

impl Child {
    /// A copy of this process in new namespaces, running `body` and then ending with its answer.
    /// Only for processes with a single thread: a lock that another thread held would stay held.
    pub(crate) fn fork(flags: i32, body: impl FnOnce() -> i32) -> io::Result<Self> {
        let mut pidfd = -1_i32;
        let flags = u64::try_from(flags | libc::CLONE_PIDFD).expect("clone flags are positive");
        // SAFETY: zero is a valid value of every field.
        let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
        args.flags = flags;
        args.pidfd = (&raw mut pidfd) as u64;
        args.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
        let size = size_of::<libc::clone_args>();
        // SAFETY: without CLONE_VM this is a fork: the child has a copy of everything.
        match unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size) } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                // A panic must not carry the copy on into what the original was about to do.
                let code = catch_unwind(AssertUnwindSafe(body)).unwrap_or(PANICKED);
                // SAFETY: ends the copy at once, running nothing that belongs to the original.
                unsafe { libc::_exit(code) }
            }
            pid => {
                let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
                // SAFETY: the kernel has just opened it for us.
                let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
                Ok(Self { pid: pid.expect("the kernel gives a positive pid"), pidfd })
            }
        }
    }

    /// A child that does nothing, in a user namespace that nobody has mapped yet.
    pub(crate) fn idle_in_user_namespace() -> io::Result<Self> {
        Self::fork(libc::CLONE_NEWUSER, || {
            // SAFETY: waits for a signal, which is the one that kills it.
            unsafe { libc::pause() }
        })
    }

    /// Its pid.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Readable when it has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Kills it; one that has ended is a success.
    pub(crate) fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    /// Waits for its end, and gives its exit code if it ended by itself.
    pub(crate) fn wait(&self) -> Option<i32> {
        loop {
            match waitpid(Some(self.pid), WaitOptions::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(Some((_, status))) => return status.exit_status(),
                _ => return None,
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        self.wait();
    }
}

/// Enters the namespace behind `fd`.
pub(crate) fn enter(fd: impl AsFd, kind: LinkNameSpaceType, what: &str) -> Result<(), ErrorKind> {
    move_into_link_name_space(fd.as_fd(), Some(kind))
        .map_err(|e| ErrorKind::io(format!("enter {what}"), e))
}

/// Gives this process a cgroup namespace: its own groups look like the root.
pub(crate) fn unshare_cgroup() -> Result<(), ErrorKind> {
    // SAFETY: this process has one thread, and no descriptor depends on the cgroup namespace.
    unsafe { unshare_unsafe(UnshareFlags::NEWCGROUP) }
        .map_err(|e| ErrorKind::io("make a cgroup namespace", e))
}

/// Brings up loopback in a new network namespace.
pub(crate) fn loopback_up() -> Result<(), ErrorKind> {
    let fail = |e: io::Error| ErrorKind::io("bring loopback up", e);
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None).map_err(|e| fail(e.into()))?;
    // SAFETY: zero is a valid value of every field.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP).expect("a small constant");
    // SAFETY: the ioctl reads the `ifreq` that it is given.
    match unsafe { libc::ioctl(any.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } {
        0 => Ok(()),
        _ => Err(fail(io::Error::last_os_error())),
    }
}

/// Lets a container that has no capability listen on any port, and ping: on Windows it may. The
/// network namespace is the container's, and an old kernel that has no such setting says no later.
pub(crate) fn open_network_to_all() {
    let last = FIRST_ID + ID_COUNT - 1;
    for (name, value) in [
        ("ip_unprivileged_port_start", "0".to_owned()),
        ("ping_group_range", format!("{FIRST_ID} {last}")),
    ] {
        let _ = std::fs::write(format!("/proc/sys/net/ipv4/{name}"), value);
    }
}

/// Runs `body` with files being made as `id`, without the powers of root over files.
pub(crate) fn as_file_owner<T>(id: u32, body: impl FnOnce() -> T) -> T {
    // SAFETY: changes two numbers of this thread, and back.
    unsafe {
        libc::setfsgid(id);
        libc::setfsuid(id);
    }
    let result = body();
    // SAFETY: as above.
    unsafe {
        libc::setfsuid(0);
        libc::setfsgid(0);
    }
    result
}

/// Becomes the container's root for good: id 0 of `user_namespace`, no capability in any set, and
/// no way to gain one.
pub(crate) fn become_container_root(user_namespace: impl AsFd) -> Result<(), ErrorKind> {
    let fail = |what: &'static str| move |e: rustix::io::Errno| ErrorKind::io(what, e);
    enter(user_namespace, LinkNameSpaceType::User, "the user namespace")?;
    let (user, group) = (Uid::ROOT, Gid::ROOT);
    rustix::thread::set_thread_groups(&[]).map_err(fail("drop the groups"))?;
    rustix::thread::set_thread_res_gid(group, group, group).map_err(fail("become its group"))?;
    rustix::thread::set_thread_res_uid(user, user, user).map_err(fail("become its root"))?;
    drop_capabilities()?;
    rustix::thread::set_no_new_privs(true).map_err(fail("set no_new_privs"))
}

fn drop_capabilities() -> Result<(), ErrorKind> {
    let fail = |e: rustix::io::Errno| ErrorKind::io("drop the capabilities", e);
    let locked = Bits::NO_ROOT
        | Bits::NO_ROOT_LOCKED
        | Bits::NO_SETUID_FIXUP
        | Bits::NO_SETUID_FIXUP_LOCKED
        | Bits::KEEP_CAPS_LOCKED
        | Bits::NO_CAP_AMBIENT_RAISE
        | Bits::NO_CAP_AMBIENT_RAISE_LOCKED;
    rustix::thread::set_capabilities_secure_bits(locked).map_err(fail)?;
    drop_bounding_set(&[])?;
    rustix::thread::clear_ambient_capability_set().map_err(fail)?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, none).map_err(fail)
}

/// Takes every capability but these out of the set that programs started later may have at most.
pub(crate) fn drop_bounding_set(kept: &[libc::c_ulong]) -> Result<(), ErrorKind> {
    for capability in (0..64).filter(|capability| !kept.contains(capability)) {
        // SAFETY: takes one number away from a set of this process.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } == 0 {
            continue;
        }
        let refused = io::Error::last_os_error();
        // Those that this kernel does not have end the row.
        if refused.raw_os_error() == Some(libc::EINVAL) {
            break;
        }
        return Err(ErrorKind::io("drop the bounding set", refused));
    }
    Ok(())
}
