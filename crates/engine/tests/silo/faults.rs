//! What goes wrong inside, or around a silo host, is told as what it is.

use std::path::Path;
use std::time::{Duration, Instant};

use engine::{Engine, ErrorKind, ExitKind, System};
use rustix::process::{Pid, Signal, kill_process};
use schema::SystemId;
use schema::container::{Container, MappedPipe, RegistryChanges, RegistryKey, RegistryValue};

use crate::host::Host;
use crate::leftovers::{silo_host, traces};
use crate::subject::{Running, need_host};

/// How a process that is in `flock` begins to tell its system call.
const FLOCK: &str = "73 ";

fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
}

fn is_guest(pid: Pid) -> bool {
    let line = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero()));
    line.is_ok_and(|line| line.contains("transom-guest"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_whose_guest_is_gone_is_not_paused() {
    need_host!();
    let silo = Running::start("guestless", |_| {}).await;
    let pid_one = children(silo_host(&silo.host.state(), &silo.id))[0];
    // Pid 1 is kept from ending the session at once, as it is on a host without a processor to spare.
    kill_process(pid_one, Signal::STOP).unwrap();
    let guest =
        children(pid_one).into_iter().find(|pid| is_guest(*pid)).expect("a guest is resident");
    kill_process(guest, Signal::KILL).unwrap();
    let refused = silo.system.pause().await.unwrap_err();
    assert!(matches!(refused.kind, ErrorKind::Disconnected(_)), "{refused:?}");
    kill_process(pid_one, Signal::CONT).unwrap();
    assert_eq!(silo.system.wait().await.kind, ExitKind::Unexpected);
    silo.end().await;
}

/// A document with a pipe that programs of the host reach by a socket in `folder`.
fn with_socket(container: &mut Container, folder: &Path) {
    container.mapped_pipes = vec![MappedPipe {
        container_pipe_name: "reached".into(),
        host_path: folder.display().to_string(),
        host_path_type: String::new(),
    }];
}

/// A registry value that the guest refuses, after the silo host has made its sockets.
fn refused_value() -> RegistryChanges {
    let key = RegistryKey { hive: "Software".into(), name: "Transom".into(), volatile: false };
    let value = RegistryValue {
        key: Some(key),
        name: "Odd".into(),
        value_type: "Nonsense".into(),
        ..RegistryValue::default()
    };
    RegistryChanges { add_values: vec![value], ..RegistryChanges::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_systems_sockets_go_before_its_id() {
    need_host!();
    let host = Host::new();
    let folder = host.folder("pipes");
    let socket = folder.join("reached");
    let id = SystemId::new(format!("abandoned-{}", std::process::id())).unwrap();
    let good = host.container(&id, None, |container| with_socket(container, &folder)).await;
    let system = host.engine.create(&id, &good).await.unwrap();
    assert!(socket.exists(), "this test looks in the wrong place");
    system.terminate().await.unwrap();
    assert!(!socket.exists());

    let mut bad = good;
    let container = bad.container.as_mut().unwrap();
    container.registry_changes = Some(refused_value());
    let (silos, pid_file) = {
        let silos = host.state().join("silos");
        (silos.clone(), silos.join(id.as_str()).join("pid"))
    };
    let (engine, its) = (host.engine.clone(), id.clone());
    let creation = tokio::spawn(async move { engine.create(&its, &bad).await });
    let since = Instant::now();
    let pid = loop {
        let text = std::fs::read_to_string(&pid_file).unwrap_or_default();
        match text.trim().parse().ok().and_then(Pid::from_raw) {
            Some(pid) => break pid,
            None => assert!(since.elapsed() < Duration::from_mins(1), "it is never there"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    // Whoever gives an id up needs its turn: it is kept from it here.
    let turn = std::fs::File::open(silos.join(".lock")).unwrap();
    turn.lock().unwrap();
    let call = format!("/proc/{}/syscall", pid.as_raw_nonzero());
    while !std::fs::read_to_string(&call).unwrap().starts_with(FLOCK) {
        assert!(since.elapsed() < Duration::from_mins(2), "it does not give up its id");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!socket.exists(), "the next one of this id would meet it");
    drop(turn);
    let refused = creation.await.unwrap().unwrap_err();
    assert!(matches!(refused.kind, ErrorKind::Guest(_)), "{refused:?}");
    assert_eq!(traces(&id, &host.state()), [""; 0]);
    host.release(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_is_graceful_also_for_those_who_ignore_their_children() {
    need_host!();
    let host = Host::new();
    let id = SystemId::new(format!("heedless-{}", std::process::id())).unwrap();
    let document = host.container(&id, None, |_| {}).await;
    let text = serde_json::to_string(&document).unwrap();
    let output = tokio::process::Command::new("/bin/sh")
        .args(["-c", "trap '' CHLD; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "faults::a_heedless_creator"])
        .env("SILO_TEST_DOCUMENT", text)
        .env("SILO_TEST_ID", id.as_str())
        .env("TRANSOM_ROOT", &host.engine.config().root)
        .env("TRANSOM_STATE", host.state())
        .env("TRANSOM_LIBEXEC", &host.engine.config().libexec)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{output:?}");
    assert_eq!(traces(&id, &host.state()), [""; 0]);
    host.release(&id).await;
}

#[tokio::test]
#[ignore = "run by `a_shutdown_is_graceful_also_for_those_who_ignore_their_children`"]
async fn a_heedless_creator() {
    let document = serde_json::from_str(&std::env::var("SILO_TEST_DOCUMENT").unwrap()).unwrap();
    let id = SystemId::new(std::env::var("SILO_TEST_ID").unwrap()).unwrap();
    let system = engine::HostEngine::from_env().create(&id, &document).await.unwrap();
    system.start().await.unwrap();
    system.shutdown().await.unwrap();
    assert_eq!(system.wait().await.kind, ExitKind::Graceful);
    // The end is told a moment before the id is free.
    system.terminate().await.unwrap();
}
