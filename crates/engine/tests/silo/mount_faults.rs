//! Whichever mount of several fails, of each kind, the error names it and nothing is left behind.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use engine::{Engine, ErrorKind};
use schema::SystemId;
use schema::container::MappedDirectory;

use crate::disks::{disk, image, run};
use crate::host::Host;
use crate::served_disks::{holders, scattered};
use crate::subject::need_host;

/// One of each kind: what is mapped, and how.
fn mounts(folder: &Path) -> Vec<(PathBuf, &'static str, bool)> {
    let shared = folder.join("shared");
    let flat = image(&folder.join("flat"));
    let served = scattered(&image(&folder.join("served")), "vhdx");
    let ntfs = folder.join("ntfs.img");
    std::fs::File::create(&ntfs).unwrap().set_len(16 << 20).unwrap();
    run("mkfs.ntfs", &["--quiet", "--fast", "--force", ntfs.to_str().unwrap()]);
    vec![
        (shared.clone(), "", false),
        (shared.join("kept.txt"), "", false),
        (flat, "virtual-disk", true),
        (served, "virtual-disk", false),
        (ntfs, "virtual-disk", false),
        (shared, "", true),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mount_may_fail_and_nothing_of_the_others_stays() {
    need_host!();
    let host = Host::new();
    let folder = host.folder("sources");
    let (shared, trap) = (folder.join("shared"), host.folder("trap"));
    std::fs::create_dir(&shared).unwrap();
    std::fs::write(shared.join("kept.txt"), "kept").unwrap();
    let mounts = mounts(&folder);
    for failing in 0..mounts.len() {
        let id = SystemId::new(format!("fault-{failing}-{}", std::process::id())).unwrap();
        let mapped = mounts.iter().enumerate().map(|(at, (source, kind, read_only))| {
            let container_path = format!(r"C:\place{at}\inner");
            MappedDirectory { container_path, ..disk(source, kind, *read_only) }
        });
        let document = host
            .container(&id, None, |container| container.mapped_directories = mapped.collect())
            .await;
        symlink(&trap, host.scratch(&id).join(format!("upper/place{failing}"))).unwrap();
        let error = host.engine.create(&id, &document).await.unwrap_err();
        let ErrorKind::Io { what, .. } = &error.kind else { panic!("{error:?}") };
        assert!(what.contains(&format!(r"C:\place{failing}\inner")), "{what}");
        assert!(host.engine.list(None).await.unwrap().is_empty());
        assert!(!host.state().join("silos").join(id.as_str()).exists(), "its state is left");
        let mounted = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounted.contains(folder.to_str().unwrap()), "a mount is left: {mounted}");
        assert!(holders(&folder).is_empty(), "{:?}", holders(&folder));
        assert_eq!(std::fs::read_dir(&trap).unwrap().count(), 0, "it went through the link");
        assert_eq!(std::fs::read_to_string(shared.join("kept.txt")).unwrap(), "kept");
        host.release(&id).await;
    }
}
