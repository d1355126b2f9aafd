//! Where the file system is in a disk, and which: at its start, or in the first partition that has
//! one. Reads master boot records and GUID partition tables, trusting neither.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::super::loop_device::Part;
use super::{within, wrong};
use crate::error::ErrorKind;

/// The file systems that are mounted from a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileSystem {
    /// ext2, ext3 or ext4.
    Ext,
    /// FAT12, FAT16 or FAT32.
    Fat,
    /// NTFS.
    Ntfs,
}

/// A file system that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) part: Part,
    pub(super) system: FileSystem,
}

const SECTOR: u64 = 512;

/// More entries than any table has.
const MOST_PARTITIONS: u32 = 128;

impl FileSystem {
    /// The kernel's driver, if it has one or can load it.
    pub(super) fn driver(self) -> Option<&'static str> {
        let has = |name: &str| {
            let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
            known.lines().any(|line| line.split_whitespace().last() == Some(name))
        };
        if !has(self.module()) {
            // Without a loader or a module there is still none afterwards.
            let _ = std::process::Command::new("modprobe")
                .args(["--quiet", self.module()])
                .env_clear()
                .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
                .status();
        }
        has(self.module()).then(|| self.module())
    }

    /// The driver's name.
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Ext => "ext4",
            Self::Fat => "vfat",
            Self::Ntfs => "ntfs3",
        }
    }

    fn at(disk: &Disk<'_>, part: Part) -> Option<Self> {
        let head = disk.read::<512>(part, 0)?;
        if &head[3..11] == b"NTFS    " {
            return Some(Self::Ntfs);
        }
        if &head[54..57] == b"FAT" || &head[82..87] == b"FAT32" {
            return Some(Self::Fat);
        }
        let superblock = disk.read::<58>(part, 1024)?;
        (superblock[56..] == [0x53, 0xEF]).then_some(Self::Ext)
    }
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext => "an ext file system",
            Self::Fat => "a FAT file system",
            Self::Ntfs => "an NTFS file system",
        })
    }
}

/// Finds the file system of a disk.
pub(super) fn locate(file: &File, whole: Part, name: &str) -> Result<Located, ErrorKind> {
    let disk = Disk { file, whole };
    let candidates = std::iter::once(whole).chain(disk.partitions());
    let found = candidates
        .into_iter()
        .find_map(|part| FileSystem::at(&disk, part).map(|system| Located { part, system }));
    found.ok_or_else(|| {
        wrong(name, "it holds no ext, FAT or NTFS file system, nor does a partition of it")
    })
}

struct Disk<'f> {
    file: &'f File,
    whole: Part,
}

impl Disk<'_> {
    fn read<const N: usize>(&self, part: Part, at: u64) -> Option<[u8; N]> {
        let place = within(part, at, N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact_at(&mut bytes, place.offset).ok()?;
        Some(bytes)
    }

    /// The partitions, if the disk has a table.
    fn partitions(&self) -> Vec<Part> {
        let Some(record) = self.read::<512>(self.whole, 0) else { return Vec::new() };
        if record[510..] != [0x55, 0xAA] {
            return Vec::new();
        }
        let entries: Vec<&[u8]> = record[446..510].chunks(16).collect();
        if entries.iter().any(|entry| entry[4] == 0xEE) {
            return self.guid_partitions();
        }
        let used = entries.iter().filter(|entry| entry[4] != 0);
        used.filter_map(|entry| {
            let [start, count] = [8, 12].map(|at| u64::from(little32(entry, at)) * SECTOR);
            within(self.whole, start, count)
        })
        .collect()
    }

    fn guid_partitions(&self) -> Vec<Part> {
        let Some(header) = self.read::<92>(self.whole, SECTOR) else { return Vec::new() };
        if !header.starts_with(b"EFI PART") {
            return Vec::new();
        }
        let (table, size) = (little64(&header, 72), u64::from(little32(&header, 84)));
        let count = little32(&header, 80).min(MOST_PARTITIONS);
        let entries = (0..u64::from(count)).filter_map(|at| {
            let place = table.checked_mul(SECTOR)?.checked_add(at.checked_mul(size)?)?;
            let entry = self.read::<48>(self.whole, place)?;
            let (first, last) = (little64(&entry, 32), little64(&entry, 40));
            let is_used = entry[..16] != [0; 16];
            let length = last.checked_sub(first)?.checked_add(1)?.checked_mul(SECTOR)?;
            within(self.whole, first.checked_mul(SECTOR)?, length).filter(|_| is_used)
        });
        entries.collect()
    }
}

fn little32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the table's entry is longer"))
}

fn little64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("the table's entry is longer"))
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
