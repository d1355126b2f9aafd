//! Where the disk is in an image file: all of a raw image, all but the footer of a fixed VHD.
//!
//! Dynamic VHDs and VHDX files scatter a disk over the file; [`super::served`] gathers it. A
//! differencing image names another file by itself, which an image may not, and is refused.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::super::loop_device::Part;
use super::{Format, wrong};
use crate::error::ErrorKind;

/// A VHD's last sector.
const FOOTER: usize = 512;

/// How a disk lies in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In one piece.
    Flat(Part),
    /// Block by block.
    Scattered(Format),
}

/// How the disk lies in a file.
pub(super) fn of(file: &File, name: &str) -> Result<Layout, ErrorKind> {
    let fail = |e| ErrorKind::io(format!("read disk {name}"), e);
    let length = file.metadata().map_err(fail)?.len();
    let mut head = [0; 8];
    if length < FOOTER as u64 {
        return Err(wrong(name, "it is smaller than one sector"));
    }
    file.read_exact_at(&mut head, 0).map_err(fail)?;
    if &head == b"vhdxfile" {
        return Ok(Layout::Scattered(Format::Vhdx));
    }
    let mut footer = [0; FOOTER];
    file.read_exact_at(&mut footer, length - FOOTER as u64).map_err(fail)?;
    if !footer.starts_with(b"conectix") {
        return Ok(Layout::Flat(Part { offset: 0, length }));
    }
    let number = |at: usize| {
        let bytes = footer[at..].first_chunk().expect("the footer is longer");
        u32::from_be_bytes(*bytes)
    };
    match number(60) {
        2 => {}
        3 => return Ok(Layout::Scattered(Format::Vpc)),
        4 => return Err(wrong(name, "it is a differencing VHD: merge it into its parent first")),
        _ => return Err(wrong(name, "it has the footer of a VHD, of no known kind")),
    }
    let size = u64::from(number(48)) << 32 | u64::from(number(52));
    let whole = Part { offset: 0, length: length - FOOTER as u64 };
    super::within(whole, 0, size)
        .map(Layout::Flat)
        .ok_or_else(|| wrong(name, "the VHD says that it is larger than its file"))
}

/// All of a block device, or of a file that is the disk.
pub(super) fn all_of(disk: &File) -> io::Result<Part> {
    let length = io::Seek::seek(&mut &*disk, io::SeekFrom::End(0))?;
    Ok(Part { offset: 0, length })
}
