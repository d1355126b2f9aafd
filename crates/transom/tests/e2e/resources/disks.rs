//! Disks of the host in a pod's containers: their file systems, or why they cannot be there.

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
    let vhd = converted(&raw, "vpc", "subformat=fixed,force_size=on");
    let device = LoopDevice::of(&image(&fresh(folder.path()), &ext));
    let mut shim = Shim::pod(&host, &format!("disks-{}", std::process::id()));
    let rows: [(&str, &Path); 3] =
        [("virtual-disk", &raw), ("virtual-disk", &vhd), ("physical-disk", Path::new(&device.0))];
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
}

fn fresh(folder: &Path) -> PathBuf {
    let fresh = folder.join("fresh");
    std::fs::create_dir_all(&fresh).expect("the folder is ours");
    fresh
}

#[test]
fn windows_own_file_systems_are_inside_where_the_kernel_has_them() {
    let host = host::shared();
    let folder = host.scratch();
    let mut shim = Shim::pod(&host, &format!("foreign-{}", std::process::id()));
    let rows: [(&str, &[&str]); 2] =
        [("vfat", &["mkfs.vfat"]), ("ntfs3", &["mkfs.ntfs", "--quiet", "--fast", "--force"])];
    for (driver, mkfs) in rows {
        let image = image(folder.path(), mkfs);
        let id = format!("{driver}-{}", std::process::id());
        let made = shim.try_container(&id, &disk("virtual-disk", &image, &[]));
        if has_driver(driver) {
            made.unwrap();
            let line = r"echo kept> C:\disk\f& type C:\disk\F";
            assert_eq!(shim.exec(&id, "e", line), (0, "kept".to_owned()), "{driver}");
        } else {
            let refused = made.unwrap_err().to_string();
            let told = refused.contains("has no driver") && refused.contains(driver);
            assert!(told, "{driver}: {refused}");
        }
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
    let rows: [(&str, PathBuf, &str); 6] = [
        ("virtual-disk", converted(&raw, "vhdx", "subformat=dynamic"), "qemu-img convert"),
        ("virtual-disk", converted(&raw, "vpc", "subformat=dynamic"), "qemu-img convert"),
        ("virtual-disk", empty, "no ext, FAT or NTFS file system"),
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
