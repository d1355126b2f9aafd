//! Disks that a program of the host serves: scattered images and NTFS, whole on their file as soon
//! as the silo is gone, however it ended.

use std::path::{Path, PathBuf};

use engine::System;
use rustix::process::{Signal, kill_process};

use crate::disks::{disk, image, run};
use crate::host::Host;
use crate::leftovers::silo_host;
use crate::subject::{Running, need_host};

/// The same disk in another format; `vpc` is a dynamic VHD.
pub(crate) fn scattered(image: &Path, format: &str) -> PathBuf {
    let path = image.with_extension(format);
    run("qemu-img", &["convert", "-f", "raw", "-O", format, text(image), text(&path)]);
    path
}

/// What is in a file of the ext4 that an image holds. Fails while a server still has the image.
fn read_back(path: &Path, format: &str, file: &str) -> String {
    let flat = path.with_extension("back");
    run("qemu-img", &["convert", "-f", format, "-O", "raw", text(path), text(&flat)]);
    let line = format!("cat {file}");
    let output = std::process::Command::new("debugfs").args(["-R", &line]).arg(&flat).output();
    String::from_utf8_lossy(&output.unwrap().stdout).trim().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The processes that serve a disk from `folder`, or hold an image in it open.
pub(crate) fn holders(folder: &Path) -> Vec<PathBuf> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let open = processes.flat_map(|process| {
        std::fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten()
    });
    let files = open.filter_map(|fd| std::fs::read_link(fd.path()).ok());
    files.filter(|file| file.starts_with(folder)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scattered_image_is_read_and_written_and_whole_when_the_silo_is_gone() {
    need_host!();
    for format in ["vhdx", "vpc"] {
        let host = Host::new();
        let folder = host.folder("image");
        let path = scattered(&image(&folder), format);
        let silo = Running::start_in(host, format, None, |container| {
            container.mapped_directories = vec![disk(&path, "virtual-disk", false)];
        })
        .await;
        assert_eq!(silo.run(r"cmd /c type c:\DISK\in.txt").await.out.trim(), "on the disk");
        assert_eq!(silo.run(r"cmd /c echo kept> C:\disk\out.txt").await.code, 0);
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains("fuse"), "the host sees it: {mounts}");
        silo.system.terminate().await.unwrap();
        assert_eq!(read_back(&path, format, "out.txt"), "kept", "{format}");
        silo.host.release(&silo.id).await;
        assert!(holders(&folder).is_empty(), "{:?}", holders(&folder));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scattered_image_can_be_read_only_and_shared() {
    need_host!();
    let host = Host::new();
    let path = scattered(&image(&host.folder("image")), "vhdx");
    let before = std::fs::read(&path).unwrap();
    let silo = Running::start_in(host, "served-ro", None, |container| {
        let mut second = disk(&path, "virtual-disk", true);
        second.container_path = r"C:\again".into();
        container.mapped_directories = vec![disk(&path, "virtual-disk", true), second];
    })
    .await;
    assert_eq!(silo.run(r"cmd /c type C:\again\in.txt").await.out.trim(), "on the disk");
    silo.run(r"cmd /c echo gone> C:\disk\in.txt").await;
    assert_eq!(silo.run(r"cmd /c type C:\disk\in.txt").await.out.trim(), "on the disk");
    silo.system.terminate().await.unwrap();
    assert!(std::fs::read(&path).unwrap() == before, "a read-only disk was written");
    silo.host.release(&silo.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_silo_hosts_disk_is_whole_once_the_system_is_terminated() {
    need_host!();
    let host = Host::new();
    let folder = host.folder("image");
    let path = scattered(&image(&folder), "vhdx");
    let silo = Running::start_in(host, "served-killed", None, |container| {
        container.mapped_directories = vec![disk(&path, "virtual-disk", false)];
    })
    .await;
    silo.run(r"cmd /c echo kept> C:\disk\out.txt").await;
    kill_process(silo_host(&silo.host.state(), &silo.id), Signal::KILL).unwrap();
    silo.system.terminate().await.unwrap();
    assert_eq!(read_back(&path, "vhdx", "out.txt"), "kept");
    assert!(holders(&folder).is_empty(), "{:?}", holders(&folder));
    silo.host.release(&silo.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ntfs_is_read_and_written_even_in_a_vhdx() {
    need_host!();
    let host = Host::new();
    let folder = host.folder("image");
    let flat = folder.join("ntfs.img");
    std::fs::File::create(&flat).unwrap().set_len(16 << 20).unwrap();
    run("mkfs.ntfs", &["--quiet", "--fast", "--force", text(&flat)]);
    let vhdx = scattered(&flat, "vhdx");
    let silo = Running::start_in(host, "ntfs", None, |container| {
        let mut second = disk(&vhdx, "virtual-disk", false);
        second.container_path = r"C:\again".into();
        container.mapped_directories = vec![disk(&flat, "virtual-disk", false), second];
    })
    .await;
    for folder in ["disk", "again"] {
        let line = format!(r"cmd /c echo {folder}> C:\{folder}\Out.txt& type C:\{folder}\OUT.txt");
        let outcome = silo.run(&line).await;
        assert_eq!(outcome.out.trim(), folder, "{}", outcome.err);
    }
    silo.system.terminate().await.unwrap();
    run("qemu-img", &["convert", "-f", "vhdx", "-O", "raw", text(&vhdx), text(&flat)]);
    let output = std::process::Command::new("ntfscat").arg(&flat).arg("Out.txt").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "again");
    silo.host.release(&silo.id).await;
    assert!(holders(&folder).is_empty(), "{:?}", holders(&folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hostile_image_points_at_is_nothing_of_the_hosts() {
    need_host!();
    let host = Host::new();
    let folder = host.folder("image");
    let secret = folder.join("secret");
    std::fs::write(&secret, "of the host").unwrap();
    let path = image(&folder);
    let up = "../".repeat(12);
    for line in [
        format!("symlink absolute {}", secret.display()),
        format!("symlink relative {up}{}", text(&secret).trim_start_matches('/')),
        "symlink root /".to_owned(),
        "mknod memory c 1 1".to_owned(),
        "mknod device b 7 0".to_owned(),
    ] {
        run("debugfs", &["-w", "-R", &line, text(&path)]);
    }
    let path = scattered(&path, "vhdx");
    let silo = Running::start_in(host, "hostile", None, |container| {
        container.mapped_directories = vec![disk(&path, "virtual-disk", false)];
    })
    .await;
    let through_root = format!(r"root{}", text(&secret).replace('/', r"\"));
    for name in ["absolute", "relative", &through_root, "memory", "device"] {
        let outcome = silo.run(&format!(r"cmd /c type C:\disk\{name}")).await;
        assert!(
            outcome.code != 0 && !outcome.out.contains("of the host"),
            "{name}: {}",
            outcome.out
        );
    }
    silo.run(&format!(r"cmd /c echo harmed> C:\disk\{through_root}")).await;
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "of the host");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_is_added_to_a_running_silo_and_taken_away() {
    use schema::modify::{ModifyRequest, RequestType, paths};
    need_host!();
    let host = Host::new();
    let folder = host.folder("image");
    let path = scattered(&image(&folder), "vhdx");
    let silo = Running::start_in(host, "served-added", None, |_| {}).await;
    let request = |kind| ModifyRequest {
        resource_path: paths::MAPPED_DIRECTORIES.into(),
        request_type: Some(kind),
        settings: serde_json::to_value(disk(&path, "virtual-disk", false)).unwrap(),
        ..Default::default()
    };
    silo.system.modify(&request(RequestType::Add)).await.unwrap();
    assert_eq!(silo.run(r"cmd /c type c:\disk\in.txt").await.out.trim(), "on the disk");
    silo.system.modify(&request(RequestType::Remove)).await.unwrap();
    let since = std::time::Instant::now();
    while !holders(&folder).is_empty() {
        assert!(since.elapsed().as_secs() < 30, "{:?}", holders(&folder));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    silo.end().await;
}
