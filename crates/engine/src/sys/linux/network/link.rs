//! Network interfaces of the host: loopback of a new namespace, bridges of a removed network.

#![expect(unsafe_code, reason = "interfaces are changed by ioctl")]

use std::net::Ipv4Addr;

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Setter, ioctl};
use rustix::net::{AddressFamily, SocketType, socket};

const SIOCSIFFLAGS: Opcode = 0x8914;
const SIOCBRDELBR: Opcode = 0x89a1;
const IFF_UP: i16 = 1;

/// `struct ifreq` as far as flags need it.
#[repr(C)]
struct InterfaceFlags {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// Brings an interface of this thread's namespace up, or down.
pub(super) fn set_up(name: &str, up: bool) -> rustix::io::Result<()> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let flags = if up { IFF_UP } else { 0 };
    let request = InterfaceFlags { name: padded(name)?, flags, rest: [0; 22] };
    // SAFETY: the opcode takes a `struct ifreq` to read from, which `InterfaceFlags` is.
    unsafe { ioctl(&any, Setter::<SIOCSIFFLAGS, InterfaceFlags>::new(request)) }
}

/// The argument of `SIOCBRDELBR`: the name itself.
struct BridgeName([u8; 16]);

// SAFETY: the opcode reads 16 bytes, a NUL-terminated name, which live in `self`.
unsafe impl rustix::ioctl::Ioctl for BridgeName {
    type Output = ();
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        SIOCBRDELBR
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        self.0.as_mut_ptr().cast()
    }

    unsafe fn output_from_ptr(
        _: rustix::ioctl::IoctlOutput,
        _: *mut std::ffi::c_void,
    ) -> rustix::io::Result<()> {
        Ok(())
    }
}

/// Removes a bridge; one that was never made is a success.
pub(super) fn remove_bridge(name: &str) -> rustix::io::Result<()> {
    match set_up(name, false) {
        Err(Errno::NODEV) => return Ok(()),
        other => other?,
    }
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // SAFETY: see `BridgeName`.
    unsafe { ioctl(&any, BridgeName(padded(name)?)) }
}

/// A name as the kernel takes it.
fn padded(name: &str) -> rustix::io::Result<[u8; 16]> {
    let mut padded = [0; 16];
    if name.len() >= padded.len() {
        return Err(Errno::NAMETOOLONG);
    }
    padded[..name.len()].copy_from_slice(name.as_bytes());
    Ok(padded)
}

/// Adds a default route of this thread's namespace; one that it has already stays.
pub(super) fn add_default_route(gateway: Ipv4Addr) -> rustix::io::Result<()> {
    let any = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    let request = Route {
        reserved: 0,
        destination: internet(Ipv4Addr::UNSPECIFIED),
        gateway: internet(gateway),
        mask: internet(Ipv4Addr::UNSPECIFIED),
        flags: RTF_UP | RTF_GATEWAY,
        rest: [0; 62],
    };
    // SAFETY: the opcode takes a `struct rtentry` to read from. `Route` has its size, its members
    // up to the flags, and zeros, which mean nothing, for the others.
    match unsafe { ioctl(&any, Setter::<SIOCADDRT, Route>::new(request)) } {
        Err(Errno::EXIST) => Ok(()),
        other => other,
    }
}

const SIOCADDRT: Opcode = 0x890b;
const RTF_UP: u16 = 1;
const RTF_GATEWAY: u16 = 2;

/// `struct rtentry` as far as a default route needs it, on 64-bit machines.
#[repr(C)]
struct Route {
    reserved: u64,
    destination: [u8; 16],
    gateway: [u8; 16],
    mask: [u8; 16],
    flags: u16,
    rest: [u8; 62],
}

const _: () = assert!(size_of::<Route>() == 120, "the kernel reads a whole `struct rtentry`");

/// `struct sockaddr_in`.
fn internet(address: Ipv4Addr) -> [u8; 16] {
    const AF_INET: u16 = 2;
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&AF_INET.to_ne_bytes());
    bytes[4..8].copy_from_slice(&address.octets());
    bytes
}
