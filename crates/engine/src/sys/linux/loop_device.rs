#![expect(unsafe_code, reason = "loop devices are set up by ioctl")]
//! Loop devices that go away by themselves.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use crate::error::ErrorKind;

/// A device that lasts while it is open or mounted.
#[derive(Debug)]
pub(crate) struct LoopDevice {
    path: String,
    _open: File,
}

impl LoopDevice {
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

const GET_FREE: libc::c_ulong = 0x4C82;
const CONFIGURE: libc::c_ulong = 0x4C0A;
const AUTOCLEAR: u32 = 4;
const READ_ONLY: u32 = 1;

/// A part of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// `struct loop_config`.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    info: Info,
    reserved: [u64; 8],
}

/// `struct loop_info64`.
#[repr(C)]
struct Info {
    ignored: [u64; 3],
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    names: [u8; 64 + 64 + 32],
    init: [u64; 2],
}

/// Puts a free device over a file.
pub(crate) fn attach(file: &File) -> Result<LoopDevice, ErrorKind> {
    attach_part(file, Part { offset: 0, length: 0 }, false)
}

/// Puts a free device over a part of a file; a length of 0 is up to its end.
pub(crate) fn attach_part(
    file: &File,
    part: Part,
    read_only: bool,
) -> Result<LoopDevice, ErrorKind> {
    let control = File::options().read(true).write(true).open("/dev/loop-control");
    let control = control.map_err(|e| ErrorKind::HostLacks {
        what: format!("an image file is mounted by way of /dev/loop-control ({e})"),
        mend: "modprobe loop".into(),
    })?;
    loop {
        // SAFETY: takes no argument and answers with a number.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), GET_FREE) };
        if number < 0 {
            return Err(ErrorKind::io("find a free loop device", io::Error::last_os_error()));
        }
        let path = format!("/dev/loop{number}");
        let device = open(&path)?;
        match configure(&device, file, part, read_only) {
            Ok(()) => return Ok(LoopDevice { path, _open: device }),
            // Someone else was given the same number.
            Err(e) if e.raw_os_error() == Some(libc::EBUSY) => {}
            Err(e) => return Err(ErrorKind::io(format!("set up {path}"), e)),
        }
    }
}

/// Whether a device is over this file.
pub(crate) fn is_backing(file: &Path) -> bool {
    let devices = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let mut backing = devices
        .filter_map(|device| std::fs::read(device.path().join("loop/backing_file")).ok())
        .map(|path| path.trim_ascii_end().to_owned());
    backing.any(|path| path == file.as_os_str().as_encoded_bytes())
}

fn open(path: &str) -> Result<File, ErrorKind> {
    File::options()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|e| ErrorKind::io(format!("open {path}"), e))
}

fn configure(device: &File, file: &File, part: Part, read_only: bool) -> io::Result<()> {
    // SAFETY: zero is a valid value of every field.
    let mut config: Config = unsafe { std::mem::zeroed() };
    config.fd = file.as_raw_fd().cast_unsigned();
    config.info.flags = AUTOCLEAR | if read_only { READ_ONLY } else { 0 };
    config.info.offset = part.offset;
    config.info.size_limit = part.length;
    // SAFETY: the ioctl reads a `struct loop_config`, which `Config` is laid out as.
    match unsafe { libc::ioctl(device.as_raw_fd(), CONFIGURE, &raw const config) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The sizes that the kernel's headers give.
const _: () = assert!(size_of::<Info>() == 232 && size_of::<Config>() == 304);
