#![expect(unsafe_code, reason = "a child enters namespaces between its fork and its exec")]
//! A process namespace for Wine's programs while a layer is built: whatever they start ends with
//! whoever builds, however that ends.
//!
//! Its first process reads a pipe whose other end only the builder has. When the builder is gone
//! the pipe is at its end, so is that process, and the kernel kills all others with it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

/// The namespace, as long as this value is there.
#[derive(Debug)]
pub(super) struct Nursery {
    _first: First,
    mounts: File,
}

/// The namespace's first process.
#[derive(Debug)]
struct First(Child);

impl Nursery {
    /// From now on whatever this thread starts is in it; the thread is good for nothing else.
    pub(super) fn enter() -> io::Result<Self> {
        // SAFETY: decides where children of this thread go, and changes nothing that is shared.
        unsafe { unshare_unsafe(UnshareFlags::NEWPID) }?;
        let mut first = Command::new("cat");
        first.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: system calls that allocate nothing.
        unsafe { first.pre_exec(own_proc) };
        let first = First(first.spawn()?);
        // By its pid as the host knows it.
        let mounts = File::open(format!("/proc/{}/ns/mnt", first.0.id()))?;
        Ok(Self { _first: first, mounts })
    }

    /// Shows a command the processes of the namespace, and no others, in `/proc`.
    pub(super) fn adopt(&self, command: &mut Command) -> io::Result<()> {
        let mounts = self.mounts.try_clone()?;
        let kind = Some(LinkNameSpaceType::Mount);
        let enter = move || Ok(move_into_link_name_space(mounts.as_fd(), kind)?);
        // SAFETY: one system call, which allocates nothing.
        unsafe { command.pre_exec(enter) };
        Ok(())
    }
}

/// Wine looks for processes in `/proc`, by the numbers that they have in the namespace.
fn own_proc() -> io::Result<()> {
    // SAFETY: this process has one thread.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }?;
    mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount(c"proc", c"/proc", c"proc", flags, None)?;
    Ok(())
}

impl Drop for First {
    fn drop(&mut self) {
        // All that is left inside goes with it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_leaves_no_zombie_whatever_failed_after_its_start() {
        let mut command = Command::new("cat");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let trace = format!("/proc/{}", child.id());
        drop(First(child));
        assert!(!std::path::Path::new(&trace).exists());
    }
}
