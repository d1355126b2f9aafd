#![expect(unsafe_code, reason = "namespaces and a last signal are set by hand")]
//! What a serving program may do: mount FUSE and use its image, without a network, and end with
//! its helper. It reads images that may be hostile.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::Signal;
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags, unshare_unsafe};

use crate::error::ErrorKind;
use crate::sys::namespaces::drop_bounding_set;

/// The capabilities that stay: any owner's image is read, FUSE is mounted, and `ntfs-3g` drops its
/// groups.
const KEPT: [libc::c_ulong; 4] = [CAP_DAC_OVERRIDE, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN];

const CAP_DAC_OVERRIDE: libc::c_ulong = 1;
const CAP_SETGID: libc::c_ulong = 6;
const CAP_SETUID: libc::c_ulong = 7;
const CAP_SYS_ADMIN: libc::c_ulong = 21;

/// Gives this process mounts, a network and shared memory of its own.
pub(super) fn unshare() -> Result<(), ErrorKind> {
    let own = UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC;
    // SAFETY: the helper has one thread, and nothing that it has open depends on these.
    unsafe { unshare_unsafe(own) }.map_err(|e| ErrorKind::io("make namespaces", e))
}

/// Takes from every later program what it has no use for: what it may have at most, and what it would
/// be handed.
pub(super) fn limit() -> Result<(), ErrorKind> {
    let fail = |e: rustix::io::Errno| ErrorKind::io("drop the capabilities", e);
    drop_bounding_set(&KEPT)?;
    rustix::thread::clear_ambient_capability_set().map_err(fail)?;
    let own = rustix::thread::capabilities(None).map_err(fail)?;
    let inheritable = CapabilitySet::empty();
    rustix::thread::set_capabilities(None, CapabilitySets { inheritable, ..own }).map_err(fail)?;
    rustix::thread::set_no_new_privs(true).map_err(|e| ErrorKind::io("set no_new_privs", e))
}

/// Has a program end when the helper does.
pub(super) fn end_with_helper(command: &mut Command) {
    let ask =
        || rustix::process::set_parent_process_death_signal(Some(Signal::TERM)).map_err(Into::into);
    // SAFETY: one system call, which allocates nothing.
    unsafe { command.pre_exec(ask) };
}
