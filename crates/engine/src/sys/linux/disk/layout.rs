//! Where the disk is in an image file: all of a raw image, all but the footer of a fixed VHD.
//!
//! Dynamic and differencing VHDs and VHDX files scatter a disk over the file; they need a block
//! device server, which the host has not lent us, and are refused with how to convert them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::super::loop_device::Part;
use super::wrong;
use crate::error::ErrorKind;

/// A VHD's last sector.
const FOOTER: usize = 512;

/// Where the disk is in a file.
pub(super) fn of(file: &File, name: &str) -> Result<Part, ErrorKind> {
    let fail = |e| ErrorKind::io(format!("read disk {name}"), e);
    let length = file.metadata().map_err(fail)?.len();
    let mut head = [0; 8];
    if length < FOOTER as u64 {
        return Err(wrong(name, "it is smaller than one sector"));
    }
    file.read_exact_at(&mut head, 0).map_err(fail)?;
    if &head == b"vhdxfile" {
        return Err(to_convert(name, "a VHDX"));
    }
    let mut footer = [0; FOOTER];
    file.read_exact_at(&mut footer, length - FOOTER as u64).map_err(fail)?;
    if !footer.starts_with(b"conectix") {
        return Ok(Part { offset: 0, length });
    }
    let number = |at: usize| {
        let bytes = footer[at..].first_chunk().expect("the footer is longer");
        u32::from_be_bytes(*bytes)
    };
    match number(60) {
        2 => {}
        3 => return Err(to_convert(name, "a dynamic VHD")),
        4 => return Err(to_convert(name, "a differencing VHD")),
        _ => return Err(wrong(name, "it has the footer of a VHD, of no known kind")),
    }
    let size = u64::from(number(48)) << 32 | u64::from(number(52));
    let whole = Part { offset: 0, length: length - FOOTER as u64 };
    super::within(whole, 0, size)
        .ok_or_else(|| wrong(name, "the VHD says that it is larger than its file"))
}

/// All of a block device.
pub(super) fn whole_device(device: &File) -> io::Result<Part> {
    let length = io::Seek::seek(&mut &*device, io::SeekFrom::End(0))?;
    Ok(Part { offset: 0, length })
}

fn to_convert(name: &str, what: &str) -> ErrorKind {
    ErrorKind::HostLacks {
        what: format!("disk {name} is {what}, which needs a block device server"),
        mend: format!(
            "convert it: qemu-img convert -O vpc -o subformat=fixed,force_size {name} NEW.vhd"
        ),
    }
}
