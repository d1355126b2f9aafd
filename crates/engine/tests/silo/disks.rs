//! Disks inside: images with and without partitions, fixed VHDs, devices; and what is refused.
//! Those that a program serves are in `served_disks`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::{Engine, ErrorKind, System};
use schema::SystemId;
use schema::container::MappedDirectory;

use crate::host::Host;
use crate::subject::{Running, need_host};

pub(crate) fn disk(host_path: &Path, kind: &str, read_only: bool) -> MappedDirectory {
    MappedDirectory {
        host_path: host_path.display().to_string(),
        host_path_type: kind.into(),
        container_path: r"C:\disk".into(),
        read_only,
    }
}

pub(crate) fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

const SIZE: u64 = 8 << 20;

/// An ext4 image with one file in it.
pub(crate) fn image(folder: &Path) -> PathBuf {
    let (contents, image) = (folder.join("contents"), folder.join("disk.img"));
    std::fs::create_dir_all(&contents).unwrap();
    std::fs::write(contents.join("In.txt"), "on the disk").unwrap();
    File::create(&image).unwrap().set_len(SIZE).unwrap();
    let [contents, path] = [&contents, &image].map(|path| path.to_str().unwrap());
    run("mkfs.ext4", &["-q", "-F", "-E", "root_owner=0:0", "-d", contents, path]);
    image
}

/// The image behind a partition table, with a VHD's footer.
fn vhd(image: &Path, kind: u8) -> PathBuf {
    const START: u64 = 64;
    let path = image.with_extension("vhd");
    let file = File::create(&path).unwrap();
    file.write_all_at(&std::fs::read(image).unwrap(), START * 512).unwrap();
    let mut entry = [0; 16];
    entry[4] = 0x83;
    entry[8..12].copy_from_slice(&u32::try_from(START).unwrap().to_le_bytes());
    entry[12..].copy_from_slice(&u32::try_from(SIZE / 512).unwrap().to_le_bytes());
    file.write_all_at(&entry, 446).unwrap();
    file.write_all_at(&[0x55, 0xAA], 510).unwrap();
    let size = START * 512 + SIZE;
    let mut footer = [0; 512];
    footer[..8].copy_from_slice(b"conectix");
    footer[48..56].copy_from_slice(&size.to_be_bytes());
    footer[63] = kind;
    file.write_all_at(&footer, size).unwrap();
    path
}

/// Whether a loop device is over a file.
fn is_attached(image: &Path) -> bool {
    let backing = |entry: std::fs::DirEntry| {
        std::fs::read_to_string(entry.path().join("loop/backing_file")).unwrap_or_default()
    };
    let devices = std::fs::read_dir("/sys/block").unwrap().flatten();
    devices.map(backing).any(|backing| backing.trim() == image.to_str().unwrap())
}

fn until_released(image: &Path) {
    let since = std::time::Instant::now();
    while is_attached(image) {
        assert!(since.elapsed().as_secs() < 10, "{} is still attached", image.display());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_read_and_written_and_let_go() {
    need_host!();
    let host = Host::new();
    let image = image(&host.folder("image"));
    let silo = Running::start_in(host, "disk", None, |container| {
        container.mapped_directories = vec![disk(&image, "virtual-disk", false)];
    })
    .await;
    assert_eq!(silo.run(r"cmd /c type c:\DISK\in.txt").await.out.trim(), "on the disk");
    silo.run(r"cmd /c echo kept> C:\disk\out.txt").await;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&host_name(&image)), "the host sees it: {mounts}");
    silo.system.terminate().await.unwrap();
    silo.host.release(&silo.id).await;
    until_released(&image);
    let output = Command::new("debugfs").args(["-R", "cat out.txt"]).arg(&image).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "kept");
}

fn host_name(image: &Path) -> String {
    image.parent().unwrap().display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_of_a_fixed_vhd_can_be_read_only_and_shared() {
    need_host!();
    let host = Host::new();
    let vhd = vhd(&image(&host.folder("image")), 2);
    let before = std::fs::read(&vhd).unwrap();
    let silo = Running::start_in(host, "vhd", None, |container| {
        let second = MappedDirectory {
            container_path: r"C:\again".into(),
            ..disk(&vhd, "virtual-disk", true)
        };
        container.mapped_directories = vec![disk(&vhd, "virtual-disk", true), second];
    })
    .await;
    assert_eq!(silo.run(r"cmd /c type C:\again\in.txt").await.out.trim(), "on the disk");
    silo.run(r"cmd /c echo gone> C:\disk\in.txt").await;
    assert_eq!(silo.run(r"cmd /c type C:\disk\in.txt").await.out.trim(), "on the disk");
    silo.system.terminate().await.unwrap();
    silo.host.release(&silo.id).await;
    until_released(&vhd);
    assert!(std::fs::read(&vhd).unwrap() == before, "a read-only disk was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_had_is_refused_with_the_reason_and_nothing_is_left() {
    need_host!();
    let host = Host::new();
    let image = image(&host.folder("image"));
    let differencing = vhd(&image, 4);
    let torn = image.with_extension("vhdx");
    std::fs::write(&torn, [b"vhdxfile".as_slice(), &[0; 8192]].concat()).unwrap();
    let noise = image.with_extension("raw");
    std::fs::write(&noise, vec![7; 8192]).unwrap();
    let twice = |path: &Path| {
        vec![
            disk(path, "virtual-disk", false),
            MappedDirectory {
                container_path: r"C:\again".into(),
                ..disk(path, "virtual-disk", false)
            },
        ]
    };
    for (mapped, reason) in [
        (vec![disk(&differencing, "virtual-disk", false)], "differencing VHD"),
        (vec![disk(&torn, "virtual-disk", false)], "qemu-storage-daemon"),
        (vec![disk(&noise, "virtual-disk", false)], "no NTFS, FAT or ext"),
        (vec![disk(&image, "physical-disk", false)], "not a block device"),
        (vec![disk(&image, "extensible-virtual-disk", false)], "HostPathType"),
        (twice(&image), "another container has it"),
    ] {
        let id = SystemId::new(format!("no-disk-{}", std::process::id())).unwrap();
        let document =
            host.container(&id, None, |container| container.mapped_directories = mapped).await;
        let error = host.engine.create(&id, &document).await.unwrap_err();
        assert!(!matches!(error.kind, ErrorKind::Disconnected(_)), "{error:?}");
        assert!(error.kind.to_string().contains(reason), "{reason}: {error:?}");
        assert!(host.engine.list(None).await.unwrap().is_empty());
        host.release(&id).await;
        for path in [&differencing, &torn, &noise, &image] {
            until_released(path);
        }
    }
}
