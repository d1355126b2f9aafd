//! Host directories and files inside.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use engine::{Engine, ErrorKind, System};
use schema::SystemId;
use schema::container::MappedDirectory;
use schema::modify::{ModifyRequest, RequestType, paths};

use crate::host::Host;
use crate::subject::{Running, need_host};

fn map(host_path: &Path, container_path: &str, read_only: bool) -> MappedDirectory {
    MappedDirectory {
        host_path: host_path.display().to_string(),
        host_path_type: String::new(),
        container_path: container_path.into(),
        read_only,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_shared_both_ways_and_belongs_to_host_root() {
    need_host!();
    let host = Host::new();
    let shared = host.folder("shared");
    std::fs::write(shared.join("in.txt"), "from outside").unwrap();
    std::fs::set_permissions(shared.join("in.txt"), PermissionsExt::from_mode(0o600)).unwrap();
    let silo = Running::start_in(host, "shared", None, |container| {
        container.mapped_directories = vec![map(&shared, r"C:\Some\Data", false)];
    })
    .await;
    assert_eq!(silo.run(r"cmd /c type C:\some\DATA\in.txt").await.out.trim(), "from outside");
    silo.run(r"cmd /c echo from inside> C:\Some\Data\out.txt").await;
    let written = std::fs::metadata(shared.join("out.txt")).unwrap();
    assert_eq!((written.uid(), written.gid()), (0, 0));
    silo.system.terminate().await.unwrap();
    silo.host.release(&silo.id).await;
    assert!(shared.join("in.txt").exists(), "the host's files stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_directory_is_written_in_the_users_name() {
    need_host!();
    let host = Host::new();
    let home = host.folder("home");
    chown(&home, Some(1000), Some(1000)).unwrap();
    let silo = Running::start_in(host, "home", None, |container| {
        container.mapped_directories = vec![map(&home, r"C:\home", false)];
    })
    .await;
    silo.run(r"cmd /c echo mine> C:\home\out.txt").await;
    let written = std::fs::metadata(home.join("out.txt")).unwrap();
    assert_eq!((written.uid(), written.gid()), (1000, 1000));
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_directory_is_so_with_everything_mounted_below() {
    need_host!();
    let host = Host::new();
    let shared = host.folder("ro");
    std::fs::write(shared.join("kept.txt"), "kept").unwrap();
    let silo = Running::start_in(host, "ro", None, |container| {
        container.mapped_directories = vec![
            map(&shared, r"C:\ro", true),
            map(&shared.join("kept.txt"), r"C:\windows\kept.txt", true),
        ];
    })
    .await;
    assert_eq!(silo.run(r"cmd /c type C:\ro\kept.txt").await.out.trim(), "kept");
    assert_eq!(silo.run(r"cmd /c type C:\Windows\kept.txt").await.out.trim(), "kept");
    silo.run(r"cmd /c echo gone> C:\ro\kept.txt").await;
    silo.run(r"cmd /c echo gone> C:\windows\kept.txt").await;
    silo.run(r"cmd /c echo new> C:\ro\new.txt").await;
    assert_eq!(std::fs::read_to_string(shared.join("kept.txt")).unwrap(), "kept");
    assert!(!shared.join("new.txt").exists());
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_planted_in_an_image_catches_no_directory() {
    need_host!();
    let host = Host::new();
    let (shared, trap) = (host.folder("shared"), host.folder("trap"));
    let id = SystemId::new(format!("planted-{}", std::process::id())).unwrap();
    let document = host
        .container(&id, None, |container| {
            container.mapped_directories = vec![map(&shared, r"C:\trap\x", false)];
        })
        .await;
    symlink(&trap, host.scratch(&id).join("upper/trap")).unwrap();
    let error = host.engine.create(&id, &document).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Io { .. }), "{error:?}");
    assert_eq!(std::fs::read_dir(&trap).unwrap().count(), 0, "something was made outside");
    assert!(host.engine.list(None).await.unwrap().is_empty());
    host.release(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_comes_and_goes_while_it_runs() {
    need_host!();
    let host = Host::new();
    let shared = host.folder("late");
    std::fs::write(shared.join("in.txt"), "late").unwrap();
    let silo = Running::start_in(host, "late", None, |_| {}).await;
    let settings = serde_json::to_value(map(&shared, r"C:\late", false)).unwrap();
    let request = |request_type| ModifyRequest {
        resource_path: paths::MAPPED_DIRECTORIES.into(),
        request_type: Some(request_type),
        settings: settings.clone(),
        guest_request: None,
    };
    silo.system.modify(&request(RequestType::Remove)).await.unwrap_err();
    silo.system.modify(&request(RequestType::Add)).await.unwrap();
    assert_eq!(silo.run(r"cmd /c type C:\late\in.txt").await.out.trim(), "late");
    silo.system.modify(&request(RequestType::Remove)).await.unwrap();
    assert_eq!(silo.run(r"cmd /c type C:\late\in.txt").await.out.trim(), "");
    silo.end().await;
}
