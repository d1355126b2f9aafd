//! Whichever mount of several fails, the error names it and nothing is left behind.

use std::os::unix::fs::symlink;

use engine::{Engine, ErrorKind};
use schema::SystemId;
use schema::container::MappedDirectory;

use crate::host::Host;
use crate::subject::need_host;

const MOUNTS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn each_mount_may_fail_and_nothing_of_the_others_stays() {
    need_host!();
    for failing in 0..MOUNTS {
        let host = Host::new();
        let (shared, trap) = (host.folder("shared"), host.folder("trap"));
        std::fs::write(shared.join("kept.txt"), "kept").unwrap();
        let id = SystemId::new(format!("fault-{failing}-{}", std::process::id())).unwrap();
        let mapped = |at: usize| MappedDirectory {
            // Every second one is a single file.
            host_path: shared
                .join(if at.is_multiple_of(2) { "" } else { "kept.txt" })
                .display()
                .to_string(),
            host_path_type: String::new(),
            container_path: format!(r"C:\place{at}\inner"),
            read_only: at == 2,
        };
        let document = host
            .container(&id, None, |container| {
                container.mapped_directories = (0..MOUNTS).map(mapped).collect();
            })
            .await;
        symlink(&trap, host.scratch(&id).join(format!("upper/place{failing}"))).unwrap();
        let error = host.engine.create(&id, &document).await.unwrap_err();
        let ErrorKind::Io { what, .. } = &error.kind else { panic!("{error:?}") };
        assert!(what.contains(&format!(r"C:\place{failing}\inner")), "{what}");
        assert!(host.engine.list(None).await.unwrap().is_empty());
        assert!(!host.state().join("silos").join(id.as_str()).exists(), "its state is left");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(shared.to_str().unwrap()), "a mount is left: {mounts}");
        assert_eq!(std::fs::read_dir(&trap).unwrap().count(), 0, "it went through the link");
        assert_eq!(std::fs::read_to_string(shared.join("kept.txt")).unwrap(), "kept");
        host.release(&id).await;
    }
}
