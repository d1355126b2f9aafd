//! Disks of the host in a pod's containers: their file systems, or why they cannot be there.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::host;
use crate::support::shim::Shim;

const SIZE: u64 = 16 << 20;

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An image with an empty file system, by the program that makes it.
fn image(folder: &Path, mkfs: &[&str]) -> PathBuf {
    let path = folder.join(format!("{}.img", mkfs[0]));
    let made = std::fs::File::create(&path).and_then(|file| file.set_len(SIZE));
    made.expect("the folder is ours");
    run(mkfs[0], &[&mkfs[1..], &[text(&path)]].concat());
    path
}

fn converted(image: &Path, format: &str, options: &str) -> PathBuf {
    let path = image.with_extension(format!("{format}{}", options.len()));
    let line = ["convert", "-f", "raw", "-O", format, "-o", options, text(image), text(&path)];
    run("qemu-img", &line);
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are ASCII")
}

fn disk(kind: &str, path: &Path, options: &[&str]) -> Value {
    json!([{ "type": kind, "source": path, "destination": r"C:\disk", "options": options }])
}

/// A block device that is a file; it goes with this value.
struct LoopDevice(String);

impl LoopDevice {
    fn of(image: &Path) -> Self {
        Self(run("losetup", &["--find", "--show", text(image)]))
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        run("losetup", &["--detach", &self.0]);
    }
}

fn has_driver(name: &str) -> bool {
    // What can be loaded is as good as what is there.
    let _ = Command::new("modprobe").args(["--quiet", name]).status();
    let known = std::fs::read_to_string("/proc/filesystems").expect("this is Linux");
    known.split_whitespace().any(|word| word == name)
}

#[test]
fn what_is_on_a_disk_is_inside_and_stays_on_it() {
    let host = host::shared();
    let folder = host.scratch();
    let ext = ["mkfs.ext4", "-q", "-F", "-E", "root_owner=0:0"];
    let raw = image(folder.path(), &ext);
    let fixed = converted(&raw, "vpc", "subformat=fixed,force_size=on");
    let dynamic = converted(&raw, "vpc", "subformat=dynamic");
    let vhdx = converted(&partitioned(folder.path()), "vhdx", "subformat=dynamic");
    let device = LoopDevice::of(&image(&fresh(folder.path()), &ext));
    let mut shim = Shim::pod(&host, &format!("disks-{}", std::process::id()));
    let rows: [(&str, &Path); 5] = [
        ("virtual-disk", &raw),
        ("virtual-disk", &fixed),
        ("virtual-disk", &dynamic),
        ("virtual-disk", &vhdx),
        ("physical-disk", Path::new(&device.0)),
    ];
    for (at, (kind, path)) in rows.into_iter().enumerate() {
        let [writer, reader] = ["w", "r"].map(|who| format!("d{at}{who}-{}", std::process::id()));
        shim.container(&writer, &disk(kind, path, &[]));
        let line = format!(r"echo {kind}> C:\disk\Kept.txt& type c:\DISK\kept.txt");
        assert_eq!(shim.exec(&writer, "w", &line), (0, kind.to_owned()), "{}", path.display());
        shim.delete(&writer).unwrap();
        shim.container(&reader, &disk(kind, path, &["ro"]));
        let line = r"type C:\disk\Kept.txt& echo x> C:\disk\new";
        let (_, said) = shim.exec(&reader, "r", line);
        assert!(said.contains(kind) && said.contains("enied"), "{}: {said}", path.display());
        shim.delete(&reader).unwrap();
    }
    // Whole at once: nothing of the container has the image any more.
    let back = converted_back(&vhdx, "vhdx");
    let output = Command::new("ntfscat").arg(partition(&back)).arg("Kept.txt").output();
    let said = output.expect("ntfs-3g is installed").stdout;
    assert_eq!(String::from_utf8_lossy(&said).trim(), "virtual-disk");
}

/// A disk as Windows makes it: a GUID table, what is reserved, and NTFS in a basic data partition.
fn partitioned(folder: &Path) -> PathBuf {
    let path = folder.join("partitioned.img");
    let file = std::fs::File::create(&path).expect("the folder is ours");
    file.set_len(2 * SIZE).expect("the folder is ours");
    let mut table = [0; 3 * 512];
    (table[446 + 4], table[510], table[511]) = (0xEE, 0x55, 0xAA);
    table[512..520].copy_from_slice(b"EFI PART");
    (table[512 + 72], table[512 + 80], table[512 + 84]) = (2, 2, 128);
    guid_entry(&mut table[1024..], RESERVED, (2048, 4095));
    guid_entry(&mut table[1152..], BASIC_DATA, (8192, 8192 + SIZE / 512 - 1));
    file.write_all_at(&table, 0).expect("the folder is ours");
    let ntfs = ["mkfs.ntfs", "--quiet", "--fast", "--force", "--partition-start", "8192"];
    let part = image(folder, &ntfs);
    let contents = std::fs::read(part).expect("it was just made");
    file.write_all_at(&contents, PARTITION).expect("the folder is ours");
    path
}

/// A Microsoft reserved partition, and a basic data one, as their bytes lie.
const RESERVED: u128 = 0x16E3_C9E3_5C0B_B84D_817D_F92D_F002_15AE;
const BASIC_DATA: u128 = 0xA2A0_D0EB_E5B9_3344_87C0_68B6_B726_99C7;

fn guid_entry(entry: &mut [u8], kind: u128, sectors: (u64, u64)) {
    entry[..16].copy_from_slice(&kind.to_be_bytes());
    entry[32..40].copy_from_slice(&sectors.0.to_le_bytes());
    entry[40..48].copy_from_slice(&sectors.1.to_le_bytes());
}

/// Where the partition of [`partitioned`] begins.
const PARTITION: u64 = 8192 * 512;

/// The partition of a disk that was made by [`partitioned`], as a file.
fn partition(disk: &Path) -> PathBuf {
    let path = disk.with_extension("part");
    let mut part = vec![0; usize::try_from(SIZE).expect("it is small")];
    let file = std::fs::File::open(disk).expect("it was just made");
    file.read_exact_at(&mut part, PARTITION).expect("the disk is longer");
    std::fs::write(&path, part).expect("the folder is ours");
    path
}

fn converted_back(image: &Path, format: &str) -> PathBuf {
    let path = image.with_extension("back");
    run("qemu-img", &["convert", "-f", format, "-O", "raw", text(image), text(&path)]);
    path
}

fn fresh(folder: &Path) -> PathBuf {
    let fresh = folder.join("fresh");
    std::fs::create_dir_all(&fresh).expect("the folder is ours");
    fresh
}

#[test]
fn fat_is_inside_where_the_kernel_has_it() {
    let host = host::shared();
    let folder = host.scratch();
    let mut shim = Shim::pod(&host, &format!("fat-{}", std::process::id()));
    let image = image(folder.path(), &["mkfs.vfat"]);
    let id = format!("vfat-{}", std::process::id());
    let made = shim.try_container(&id, &disk("virtual-disk", &image, &[]));
    if has_driver("vfat") {
        made.unwrap();
        let line = r"echo kept> C:\disk\f& type C:\disk\F";
        assert_eq!(shim.exec(&id, "e", line), (0, "kept".to_owned()));
    } else {
        let refused = made.unwrap_err().to_string();
        assert!(refused.contains("a FAT file system") && refused.contains("vfat"), "{refused}");
    }
}

#[test]
fn a_disk_that_cannot_be_mounted_is_refused_with_the_reason() {
    let host = host::shared();
    let folder = host.scratch();
    let raw = image(folder.path(), &["mkfs.ext4", "-q", "-F"]);
    let empty = folder.path().join("empty.img");
    std::fs::File::create(&empty).unwrap().set_len(SIZE).unwrap();
    let mut shim = Shim::pod(&host, &format!("wrong-{}", std::process::id()));
    let torn = folder.path().join("torn.vhdx");
    std::fs::write(&torn, [b"vhdxfile".as_slice(), &[0; 4096]].concat()).unwrap();
    let rows: [(&str, PathBuf, &str); 5] = [
        ("virtual-disk", torn, "qemu-storage-daemon"),
        ("virtual-disk", empty, "no NTFS, FAT or ext file system"),
        ("virtual-disk", folder.path().join("missing"), "missing"),
        ("physical-disk", raw.clone(), "not a block device"),
        ("extensible-virtual-disk", raw, "Windows host"),
    ];
    for (at, (kind, path, reason)) in rows.into_iter().enumerate() {
        let id = format!("w{at}-{}", std::process::id());
        let refused = shim.try_container(&id, &disk(kind, &path, &[])).unwrap_err().to_string();
        assert!(refused.contains(reason), "{kind} {}: {refused}", path.display());
    }
}
