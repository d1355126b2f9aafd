//! Raw Linux system calls: Wine runs this program's instructions as they are, so a Windows
//! program reaches the kernel beneath, and through it the socket to the silo host.
//!
//! Only what the socket and [`super::user_name`] need. Wine signals its threads at will, hence the `EINTR` loops.

use std::arch::asm;
use std::io;

const SYS_READ: usize = 0;
const SYS_WRITE: usize = 1;
const SYS_OPEN: usize = 2;
const SYS_CLOSE: usize = 3;
const SYS_POLL: usize = 7;
const SYS_SENDTO: usize = 44;
const SYS_RECVMSG: usize = 47;
const SYS_GETPID: usize = 39;
const SYS_SHUTDOWN: usize = 48;
const SYS_UNAME: usize = 63;
const SYS_FCNTL: usize = 72;
const SYS_EVENTFD2: usize = 290;

const EINTR: isize = -4;
const O_CLOEXEC: usize = 0o200_0000;
const EFD_CLOEXEC: usize = 0o200_0000;
const POLLIN: i16 = 1;
const POLLHUP: i16 = 0x10;
const SHUT_WR: usize = 1;
const SHUT_RDWR: usize = 2;
const F_SETFD: usize = 2;
const FD_CLOEXEC: usize = 1;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;
const MSG_CTRUNC: i32 = 0x8;
const MSG_NOSIGNAL: usize = 0x4000;
const MSG_CMSG_CLOEXEC: usize = 0x4000_0000;

/// The most descriptors that one message brings: three standard handles, and room to refuse more.
const MAX_FDS: usize = 8;

/// A Linux descriptor of this process.
#[derive(Debug)]
pub(super) struct Fd(i32);

impl Fd {
    /// Takes over a descriptor that this process was started with, and keeps it from every
    /// process that it starts.
    pub(super) fn inherited(number: i32) -> io::Result<Self> {
        let argument = usize::try_from(number).map_err(io::Error::other)?;
        call(SYS_FCNTL, [argument, F_SETFD, FD_CLOEXEC, 0, 0, 0])?;
        Ok(Self(number))
    }

    /// Opens a file to read it.
    fn open(path: &std::ffi::CStr) -> io::Result<Self> {
        let number = call(SYS_OPEN, [path.as_ptr().addr(), O_CLOEXEC, 0, 0, 0, 0])?;
        i32::try_from(number).map(Self).map_err(io::Error::other)
    }

    fn argument(&self) -> usize {
        usize::try_from(self.0).expect("a descriptor's number is not negative")
    }

    /// Reads what is there; 0 is the end.
    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        call(SYS_READ, [self.argument(), buffer.as_mut_ptr().addr(), buffer.len(), 0, 0, 0])
    }

    /// Writes all of `bytes`.
    pub(super) fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let arguments = [self.argument(), bytes.as_ptr().addr(), bytes.len(), 0, 0, 0];
            bytes = &bytes[call(SYS_WRITE, arguments)?..];
        }
        Ok(())
    }

    /// Tells the peer of a socket that nothing more will come.
    pub(super) fn end_sending(&self) -> io::Result<()> {
        call(SYS_SHUTDOWN, [self.argument(), SHUT_WR, 0, 0, 0, 0]).map(drop)
    }

    /// Tells the peer of a socket also that nothing more is taken; what has come can be read.
    pub(super) fn hang_up(&self) -> io::Result<()> {
        call(SYS_SHUTDOWN, [self.argument(), SHUT_RDWR, 0, 0, 0, 0]).map(drop)
    }

    /// Whether a socket neither brings nor takes anything any more.
    pub(super) fn is_hung_up(&self) -> bool {
        self.hung_up_within(0)
    }

    /// Waits until it is so.
    pub(super) fn wait_for_hang_up(&self) {
        self.hung_up_within(usize::MAX);
    }

    fn hung_up_within(&self, milliseconds: usize) -> bool {
        let mut one = PollFd { fd: self.0, events: 0, happened: 0 };
        let polled = call(SYS_POLL, [(&raw mut one).addr(), 1, milliseconds, 0, 0, 0]);
        polled.is_err() || one.happened & POLLHUP != 0
    }

    /// Sends all of `bytes`.
    pub(super) fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let arguments =
                [self.argument(), bytes.as_ptr().addr(), bytes.len(), MSG_NOSIGNAL, 0, 0];
            bytes = &bytes[call(SYS_SENDTO, arguments)?..];
        }
        Ok(())
    }

    /// Receives up to `buffer`'s length, and the descriptors that came along; 0 is the end.
    pub(super) fn receive(&self, buffer: &mut [u8], fds: &mut Vec<Fd>) -> io::Result<usize> {
        let mut control = Control::default();
        let mut part = IoVec { base: buffer.as_mut_ptr(), len: buffer.len() };
        let mut message = MsgHdr {
            name: std::ptr::null_mut(),
            name_len: 0,
            parts: &raw mut part,
            part_count: 1,
            control: (&raw mut control).cast(),
            control_len: size_of::<Control>(),
            flags: 0,
        };
        let arguments = [self.argument(), (&raw mut message).addr(), MSG_CMSG_CLOEXEC, 0, 0, 0];
        let count = call(SYS_RECVMSG, arguments)?;
        control.take(message.control_len, fds);
        if message.flags & MSG_CTRUNC != 0 {
            return Err(io::Error::other(
                "a message brought more descriptors than any request has",
            ));
        }
        Ok(count)
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: the descriptor is this value's own, and closing cannot harm memory.
        unsafe { raw(SYS_CLOSE, [self.argument(), 0, 0, 0, 0, 0]) };
    }
}

/// A descriptor that becomes readable when it is set.
pub(super) fn event() -> io::Result<Fd> {
    let number = call(SYS_EVENTFD2, [0, EFD_CLOEXEC, 0, 0, 0, 0])?;
    i32::try_from(number).map(Fd).map_err(io::Error::other)
}

/// Sets an event of [`event`].
pub(super) fn set_event(event: &Fd) {
    // Its counter cannot be full: it is set once.
    let _ = event.write(&1u64.to_ne_bytes());
}

/// Waits until `fd` can be read or is at its end; `false` once `ended` is set.
pub(super) fn wait_readable(fd: &Fd, ended: &Fd) -> bool {
    let mut both = [fd, ended].map(|fd| PollFd { fd: fd.0, events: POLLIN, happened: 0 });
    let forever = usize::MAX;
    let polled = call(SYS_POLL, [both.as_mut_ptr().addr(), both.len(), forever, 0, 0, 0]);
    polled.is_ok() && both[1].happened == 0
}

/// The name of this system (`uname -n`).
pub(super) fn node_name() -> io::Result<String> {
    const FIELD: usize = 65;
    let mut names = [0u8; FIELD * 6];
    call(SYS_UNAME, [names.as_mut_ptr().addr(), 0, 0, 0, 0, 0])?;
    let node = &names[FIELD..2 * FIELD];
    let end = node.iter().position(|&byte| byte == 0).unwrap_or(FIELD);
    Ok(String::from_utf8_lossy(&node[..end]).into_owned())
}

/// Where this process' first variables lie, as Linux put them: from, and up to.
pub(super) fn environment() -> Option<(usize, usize)> {
    const START: usize = 50;
    let file = Fd::open(c"/proc/self/stat").ok()?;
    let mut text = [0; 2048];
    let count = file.read(&mut text).ok()?;
    // The second of the numbered fields, the program's name, may hold anything.
    let (_, rest) = std::str::from_utf8(&text[..count]).ok()?.rsplit_once(')')?;
    let mut from_start = rest.split_whitespace().skip(START - 3);
    let mut next = || from_start.next()?.parse().ok().filter(|address| *address != 0);
    Some((next()?, next()?))
}

/// Whether raw calls reach Linux here: not on Windows, nor under a Wine that intercepts them.
pub(super) fn is_beneath() -> bool {
    call(SYS_GETPID, [0; 6]).is_ok_and(|pid| pid > 0)
}

#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    happened: i16,
}

#[repr(C)]
struct IoVec {
    base: *mut u8,
    len: usize,
}

#[repr(C)]
struct MsgHdr {
    name: *mut u8,
    name_len: u32,
    parts: *mut IoVec,
    part_count: usize,
    control: *mut u8,
    control_len: usize,
    flags: i32,
}

/// Room for one control message.
#[repr(C, align(8))]
#[derive(Default)]
struct Control {
    len: usize,
    level: i32,
    kind: i32,
    fds: [i32; MAX_FDS],
}

impl Control {
    /// Moves the descriptors of a received message of `received` bytes to `fds`.
    fn take(&self, received: usize, fds: &mut Vec<Fd>) {
        let header = std::mem::offset_of!(Self, fds);
        if received < header || self.level != SOL_SOCKET || self.kind != SCM_RIGHTS {
            return;
        }
        let count = (self.len.min(received) - header) / size_of::<i32>();
        fds.extend(self.fds.iter().take(count).map(|&fd| Fd(fd)));
    }
}

fn call(number: usize, arguments: [usize; 6]) -> io::Result<usize> {
    loop {
        // SAFETY: each caller passes pointers to memory that it borrows for the call, with the
        // lengths that belong to it, and its own descriptors.
        let result = unsafe { raw(number, arguments) };
        if result == EINTR {
            continue;
        }
        return usize::try_from(result).map_err(|_| {
            io::Error::other(format!("linux call {number} failed with errno {}", -result))
        });
    }
}

/// # Safety
///
/// The arguments are those that the call's documentation asks for.
unsafe fn raw(number: usize, arguments: [usize; 6]) -> isize {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let result: isize;
    // SAFETY: the caller vouches for the arguments; `syscall` itself clobbers only rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") first, in("rsi") second, in("rdx") third,
            in("r10") fourth, in("r8") fifth, in("r9") sixth,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}
