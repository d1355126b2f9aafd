//! However a silo ends, nothing of it is left.

use std::path::Path;
use std::time::{Duration, Instant};

use engine::{Engine, ErrorKind, ExitKind, HostEngine, Process, System};
use rustix::process::{Pid, Signal, kill_process};
use schema::container::MappedPipe;
use schema::{ExitCode, SystemId};

use crate::host::{Host, command};
use crate::subject::{Running, need_host};

/// Everything on the host that carries the id.
pub(crate) fn traces(id: &SystemId, state: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for controller in std::fs::read_dir("/sys/fs/cgroup").unwrap().map(Result::unwrap) {
        let groups = controller.path().join("transom");
        for group in std::fs::read_dir(groups).into_iter().flatten().flatten() {
            if group.file_name().to_string_lossy().starts_with(&format!("{id}~")) {
                found.push(group.path().display().to_string());
            }
        }
    }
    let dir = state.join("silos").join(id.as_str());
    found.extend(dir.exists().then(|| dir.display().to_string()));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let own = state.display().to_string();
    found.extend(mounts.lines().filter(|line| line.contains(&own)).map(str::to_owned));
    found
}

/// The silo host's pid.
pub(crate) fn silo_host(state: &Path, id: &SystemId) -> Pid {
    let text = std::fs::read_to_string(state.join("silos").join(id.as_str()).join("pid")).unwrap();
    Pid::from_raw(text.trim().parse().unwrap()).unwrap()
}

fn is_alive(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_terminate() {
    need_host!();
    let silo = Running::start("ended", |_| {}).await;
    let (id, state) = (silo.id.clone(), silo.host.state());
    assert!(!traces(&id, &state).is_empty(), "this test looks in the wrong place");
    let host = silo_host(&state, &id);
    silo.end().await;
    assert_eq!(traces(&id, &state), [""; 0]);
    let since = Instant::now();
    while is_alive(host) && since.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!is_alive(host), "the silo host lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_silo_host_takes_everything_with_it() {
    need_host!();
    let silo = Running::start("killed", |_| {}).await;
    let (id, state) = (silo.id.clone(), silo.host.state());
    let (process, _streams) = silo.system.spawn(&command(r"C:\probe.exe last")).await.unwrap();
    kill_process(silo_host(&state, &id), Signal::KILL).unwrap();
    assert_eq!(process.wait().await, ExitCode::UNKNOWN);
    assert_eq!(silo.system.wait().await.kind, ExitKind::Unexpected);
    let gone = silo.host.engine.open(&id).await.unwrap_err();
    assert!(matches!(gone.kind, ErrorKind::NotFound(_)), "{gone:?}");
    assert_eq!(traces(&id, &state), [""; 0]);
    silo.system.terminate().await.unwrap();
    let document = silo.host.container(&id, None, |_| {}).await;
    let again = silo.host.engine.create(&id, &document).await.unwrap();
    again.terminate().await.unwrap();
    silo.host.release(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wine_may_end_once_while_it_starts() {
    need_host!();
    let host = Host::new();
    let id = SystemId::new(format!("stillborn-{}", std::process::id())).unwrap();
    let state = host.state();
    let document = host.container(&id, None, |_| {}).await;

    let mut tries = 0..10;
    let killer = std::thread::spawn({
        let (id, state) = (id.clone(), state.clone());
        move || kill_wine(&state, &id, 1)
    });
    let system = host.engine.create(&id, &document).await.unwrap();
    assert_eq!(killer.join().unwrap(), 1, "nothing was killed");
    system.terminate().await.unwrap();

    let refused = loop {
        let killer = std::thread::spawn({
            let (id, state) = (id.clone(), state.clone());
            move || kill_wine(&state, &id, 2)
        });
        let created = host.engine.create(&id, &document).await;
        match created {
            Err(refused) => {
                assert_eq!(killer.join().unwrap(), 2, "{refused}");
                break refused;
            }
            // The killer had to wait for a processor, and came when all was built.
            Ok(system) => {
                system.terminate().await.unwrap();
                assert!(tries.next().is_some(), "nothing is killed in time");
                let again = host.engine.create(&id, &document).await;
                killer.join().unwrap();
                if let Ok(system) = again {
                    system.terminate().await.unwrap();
                }
            }
        }
    };
    assert!(matches!(refused.kind, ErrorKind::Stillborn(_)), "{refused:?}");
    assert_eq!(traces(&id, &state), [""; 0]);
    host.release(&id).await;
}

/// Kills the first program that pid 1 starts, in `times` silos of that id; how many it has met.
fn kill_wine(state: &Path, id: &SystemId, times: usize) -> usize {
    let children = |pid: &str| {
        let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        list.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let pid_file = state.join("silos").join(id.as_str()).join("pid");
    let mut killed = std::collections::BTreeSet::new();
    let since = Instant::now();
    while killed.len() < times && since.elapsed() < Duration::from_mins(1) {
        let silo = std::fs::read_to_string(&pid_file).unwrap_or_default();
        let silo = silo.trim();
        if silo.is_empty() || killed.contains(silo) {
            continue;
        }
        let wine = children(silo).iter().flat_map(|pid| children(pid)).next();
        if let Some(pid) = wine.and_then(|pid| Pid::from_raw(pid.parse().unwrap())) {
            let _ = kill_process(pid, Signal::KILL);
            killed.insert(silo.to_owned());
        }
    }
    killed.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_system_can_be_ended_and_its_host_killed() {
    need_host!();
    let silo = Running::start("paused", |_| {}).await;
    let (id, state) = (silo.id.clone(), silo.host.state());
    silo.system.pause().await.unwrap();
    silo.system.terminate().await.unwrap();
    assert_eq!(traces(&id, &state), [""; 0]);

    let document = silo.host.container(&id, None, |_| {}).await;
    let again = silo.host.engine.create(&id, &document).await.unwrap();
    again.start().await.unwrap();
    again.pause().await.unwrap();
    kill_process(silo_host(&state, &id), Signal::KILL).unwrap();
    assert_eq!(again.wait().await.kind, ExitKind::Unexpected);
    again.terminate().await.unwrap();
    assert_eq!(traces(&id, &state), [""; 0]);
    silo.host.release(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_all_run_and_all_go() {
    need_host!();
    let host = std::sync::Arc::new(Host::new());
    let runs = (0..20).map(|number| {
        let host = host.clone();
        tokio::spawn(async move {
            let id = SystemId::new(format!("many{number}-{}", std::process::id())).unwrap();
            let document = host.container(&id, None, |_| {}).await;
            let system = host.engine.create(&id, &document).await.unwrap();
            system.start().await.unwrap();
            let line = format!("cmd /c exit {number}");
            let (process, _streams) = system.spawn(&command(&line)).await.unwrap();
            assert_eq!(process.wait().await.0, number);
            system.terminate().await.unwrap();
            assert_eq!(traces(&id, &host.state()), [""; 0]);
            host.release(&id).await;
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.unwrap();
    }
    assert!(host.engine.list(None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_outlives_the_process_that_made_it() {
    need_host!();
    let host = Host::new();
    let id = SystemId::new(format!("orphan-{}", std::process::id())).unwrap();
    let document = host.container(&id, None, |_| {}).await;
    // This test's own program makes it, in another process, and is killed.
    let text = serde_json::to_string(&document).unwrap();
    let made = host.state().join("made");
    let mut creator = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "leftovers::a_creator_that_waits_to_be_killed"])
        .env("SILO_TEST_DOCUMENT", text)
        .env("SILO_TEST_ID", id.as_str())
        .env("SILO_TEST_MADE", &made)
        .env("TRANSOM_ROOT", &host.engine.config().root)
        .env("TRANSOM_STATE", host.state())
        .env("TRANSOM_LIBEXEC", &host.engine.config().libexec)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // What can be opened is not yet its creator's, with whom it would go.
    let since = Instant::now();
    while !made.exists() {
        assert!(since.elapsed() < Duration::from_mins(1), "the creator has not made it");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let system = host.engine.open(&id).await.unwrap();
    creator.kill().await.unwrap();
    system.start().await.unwrap();
    let silo = Running { host, id, system };
    assert_eq!(silo.run("cmd /c exit 9").await.code, 9);
    silo.end().await;
}

#[tokio::test]
#[ignore = "run by `a_system_outlives_the_process_that_made_it`"]
async fn a_creator_that_waits_to_be_killed() {
    let document = serde_json::from_str(&std::env::var("SILO_TEST_DOCUMENT").unwrap()).unwrap();
    let id = SystemId::new(std::env::var("SILO_TEST_ID").unwrap()).unwrap();
    let _system = HostEngine::from_env().create(&id, &document).await.unwrap();
    std::fs::write(std::env::var_os("SILO_TEST_MADE").unwrap(), "").unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_is_dropped_half_way_leaves_nothing() {
    need_host!();
    let host = Host::new();
    let id = SystemId::new(format!("dropped-{}", std::process::id())).unwrap();
    let document = host.container(&id, None, |_| {}).await;
    let begun = Instant::now();
    let system = host.engine.create(&id, &document).await.unwrap();
    let whole = begun.elapsed();
    system.terminate().await.unwrap();
    // At its end most of all, where the system is already built and nobody has heard of it.
    for part in [0.02, 0.1, 0.3, 0.6, 0.8, 0.9, 0.95, 1.0, 1.05] {
        let creation = host.engine.create(&id, &document);
        match tokio::time::timeout(whole.mul_f64(part), creation).await {
            Ok(Ok(system)) => system.terminate().await.unwrap(),
            // The one before is just being given back.
            Ok(Err(error)) => assert!(matches!(error.kind, ErrorKind::AlreadyExists), "{error:?}"),
            Err(_dropped) => {}
        }
        let since = Instant::now();
        while !traces(&id, &host.state()).is_empty() {
            assert!(since.elapsed() < Duration::from_secs(20), "{:?}", traces(&id, &host.state()));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    host.release(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_met_is_refused_with_its_field() {
    need_host!();
    let host = Host::new();
    let id = SystemId::new(format!("refused-{}", std::process::id())).unwrap();
    let document = host
        .container(&id, None, |container| {
            container.mapped_pipes = vec![MappedPipe {
                container_pipe_name: "docker_engine".into(),
                host_path: r"\\.\pipe\docker_engine".into(),
                host_path_type: String::new(),
            }];
        })
        .await;
    let error = host.engine.create(&id, &document).await.unwrap_err();
    assert!(error.kind.to_string().contains("MappedPipes"), "{}", error.kind);
    assert_eq!(traces(&id, &host.state()), [""; 0]);
    host.release(&id).await;
}

/// Whether a silo's `C:` is written out when it ends.
fn is_passing(state: &Path, id: &SystemId) -> bool {
    let host = silo_host(state, id).as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{host}/task/{host}/children")).unwrap();
    let one = list.split_whitespace().next().unwrap();
    let mounts = std::fs::read_to_string(format!("/proc/{one}/mountinfo")).unwrap();
    let drive = mounts.lines().find(|line| line.contains(" /wine/drive_c ")).unwrap();
    drive.rsplit(' ').next().unwrap().split(',').any(|option| {
        // As newer kernels put it, and as older ones do.
        ["fsync=volatile", "volatile"].contains(&option)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scratch_that_nobody_wants_later_is_not_written_out() {
    need_host!();
    let silo = Running::start("kept", |_| {}).await;
    assert!(!is_passing(&silo.host.state(), &silo.id));
    silo.end().await;

    let host = Host::new();
    let id = SystemId::new(format!("passing-{}", std::process::id())).unwrap();
    let document = host.container(&id, None, |_| {}).await;
    std::fs::write(host.scratch(&id).join(engine::PASSING), "").unwrap();
    for round in 0..2 {
        let system = host.engine.create(&id, &document).await.unwrap();
        system.start().await.unwrap();
        assert!(is_passing(&host.state(), &id));
        let line = format!("cmd /c \"type C:\\round.txt & echo {round}.> C:\\round.txt\"");
        let (process, _streams) = system.spawn(&command(&line)).await.unwrap();
        process.wait().await;
        system.shutdown().await.unwrap();
        system.wait().await;
        system.terminate().await.unwrap();
        let kept = std::fs::read_to_string(host.scratch(&id).join("upper/round.txt")).unwrap();
        assert_eq!(kept.trim(), format!("{round}."));
    }
    host.release(&id).await;
}
