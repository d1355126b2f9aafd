//! Where the file system is in a disk, and which: at its start, or in the first of its partitions
//! that has one, in the order of [`super::partitions`].

use std::fs::File;

use super::super::loop_device::Part;
use super::file_system::FileSystem;
use super::partitions::Whole;
use super::wrong;
use crate::error::ErrorKind;

/// A file system that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) part: Part,
    pub(super) system: FileSystem,
}

/// Finds the file system of a disk.
pub(super) fn locate(file: &File, whole: Part, name: &str) -> Result<Located, ErrorKind> {
    let disk = Whole { file, whole };
    let candidates = std::iter::once(whole).chain(disk.partitions());
    let found = candidates
        .into_iter()
        .find_map(|part| system_at(&disk, part).map(|system| Located { part, system }));
    found.ok_or_else(|| {
        wrong(name, "it holds no NTFS, FAT or ext file system, nor does a partition of it")
    })
}

/// What is at the start of a part.
fn system_at(disk: &Whole<'_>, part: Part) -> Option<FileSystem> {
    let head = disk.read::<512>(part, 0)?;
    match &head[3..11] {
        b"NTFS    " => return Some(FileSystem::Ntfs),
        b"EXFAT   " => return Some(FileSystem::ExFat),
        b"ReFS\0\0\0\0" => return Some(FileSystem::ReFs),
        b"-FVE-FS-" => return Some(FileSystem::BitLocker),
        _ => {}
    }
    if &head[54..57] == b"FAT" || &head[82..87] == b"FAT32" {
        return Some(FileSystem::Fat);
    }
    let superblock = disk.read::<58>(part, 1024)?;
    (superblock[56..] == [0x53, 0xEF]).then_some(FileSystem::Ext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn image(bytes: &[u8]) -> (File, Part) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        (file, Part { offset: 0, length: bytes.len() as u64 })
    }

    const BASIC_DATA: &str = "a2a0d0ebe5b9334487c068b6b72699c7";

    fn guid_entry(bytes: &mut [u8], at: usize, kind: &str, first: u8, last: u8) {
        let entry = &mut bytes[1024 + at * 128..][..56];
        for (index, byte) in entry[..16].iter_mut().enumerate() {
            *byte = u8::from_str_radix(&kind[2 * index..][..2], 16).unwrap();
        }
        (entry[32], entry[40]) = (first, last);
    }

    #[test]
    fn windows_own_partition_comes_before_others_and_what_it_hides_never_comes() {
        const LINUX: &str = "af3dc60f838472478e793d69d8477de4";
        const SYSTEM: &str = "28732ac11ff8d211ba4b00a0c93ec93b";
        let mut bytes = vec![0; 64 << 10];
        bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
        bytes[446 + 4] = 0xEE;
        bytes[512..520].copy_from_slice(b"EFI PART");
        (bytes[512 + 72], bytes[512 + 80], bytes[512 + 84]) = (2, 4, 128);
        guid_entry(&mut bytes, 0, SYSTEM, 8, 15);
        guid_entry(&mut bytes, 1, LINUX, 16, 23);
        guid_entry(&mut bytes, 2, BASIC_DATA, 24, 31);
        for at in [8, 16, 24] {
            ext_at(&mut bytes, at * 512);
        }
        let found = |bytes: &[u8]| {
            let (file, whole) = image(bytes);
            locate(&file, whole, "x").ok().map(|found| found.part.offset / 512)
        };
        assert_eq!(found(&bytes), Some(24));
        bytes[1024 + 2 * 128 + 55] = 0x40;
        assert_eq!(found(&bytes), Some(16), "a hidden one is taken");
        bytes[1024 + 128..][..128].fill(0);
        assert_eq!(found(&bytes), Some(24), "a hidden one is better than none");
        bytes[1024 + 2 * 128..][..128].fill(0);
        assert_eq!(found(&bytes), None, "the boot partition is shown");
    }

    fn ext_at(bytes: &mut [u8], offset: usize) {
        bytes[offset + 1024 + 56..][..2].copy_from_slice(&[0x53, 0xEF]);
    }

    #[test]
    fn a_partition_is_found_by_either_table() {
        let mut bytes = vec![0; 64 << 10];
        bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
        bytes[446 + 4] = 0x83;
        bytes[446 + 8..][..8].copy_from_slice(&[8, 0, 0, 0, 100, 0, 0, 0]);
        ext_at(&mut bytes, 8 * 512);
        let (file, whole) = image(&bytes);
        let found = locate(&file, whole, "x").unwrap();
        let part = Part { offset: 8 * 512, length: 100 * 512 };
        assert_eq!(found, Located { part, system: FileSystem::Ext });

        bytes[446 + 4] = 0xEE;
        bytes[512..520].copy_from_slice(b"EFI PART");
        bytes[512 + 72] = 2;
        bytes[512 + 80] = 4;
        bytes[512 + 84] = 128;
        bytes[1024] = 1;
        bytes[1024 + 32] = 8;
        bytes[1024 + 40] = 107;
        let (file, whole) = image(&bytes);
        assert_eq!(locate(&file, whole, "x").unwrap().part, part);
    }

    #[test]
    fn a_partition_that_leaves_the_disk_is_none() {
        let mut bytes = vec![0xFF; 16 << 10];
        bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
        let (file, whole) = image(&bytes);
        assert!(locate(&file, whole, "x").is_err());
        bytes[446 + 4] = 0xEE;
        bytes[512..520].copy_from_slice(b"EFI PART");
        let (file, whole) = image(&bytes);
        assert!(locate(&file, whole, "x").is_err());
    }

    #[test]
    fn a_file_system_over_the_whole_disk_needs_no_table() {
        for (magic, at, system) in
            [(&b"NTFS    "[..], 3, FileSystem::Ntfs), (b"FAT32", 82, FileSystem::Fat)]
        {
            let mut bytes = vec![0; 4096];
            bytes[at..at + magic.len()].copy_from_slice(magic);
            let (file, whole) = image(&bytes);
            assert_eq!(locate(&file, whole, "x").unwrap(), Located { part: whole, system });
        }
    }
}
