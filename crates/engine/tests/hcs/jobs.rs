//! Host process containers, with real job objects.
//!
//! What Wine lacks is not here: volumes at folders, links, the processors of a job, and logging on.

use std::path::PathBuf;
use std::time::Duration;

use engine::conformance;
use engine::{Engine as _, ErrorKind, HostSystem, Process as _, System as _};
use schema::container::Container;
use schema::document::ComputeSystem;
use schema::job::{JobContainer, JobLimits, JobMount};
use schema::process::ProcessParameters;
use schema::properties::PropertyType;
use schema::{ExitCode, SystemId};
use tokio::io::AsyncReadExt as _;

use crate::support::{Programs, document, engine, probe};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn root(id: &SystemId) -> PathBuf {
    std::env::temp_dir().join("hpc").join(id.as_str())
}

/// The document of one.
pub(crate) fn job(id: &SystemId) -> ComputeSystem {
    let root = format!(r"{}\", root(id).display());
    let job = JobContainer { root, inherit_user: true, ..JobContainer::default() };
    let container = Container { job: Some(job), ..Container::default() };
    ComputeSystem { container: Some(container), ..document() }
}

fn gone(id: &SystemId) {
    assert!(!root(id).exists(), "the root of {id} is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn job_objects_keep_every_promise_but_pauses() {
    let jobs = Programs { document: job, gone, job: true };
    conformance::all(&engine(), &jobs).await;
}

fn id(name: &str) -> SystemId {
    SystemId::new(format!("job-{name}-{}", std::process::id())).expect("a plain name")
}

pub(crate) async fn started(name: &str) -> HostSystem {
    let id = id(name);
    let system = engine().create(&id, &job(&id)).await.expect("create");
    system.start().await.expect("start");
    system
}

/// What a command line prints, and its end.
pub(crate) async fn output(system: &HostSystem, line: &str) -> (String, ExitCode) {
    let parameters = ProcessParameters {
        command_line: line.to_owned(),
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let (process, stdio) = system.spawn(&parameters).await.expect("spawn");
    let mut text = Vec::new();
    // A pipe whose writer has gone ends with an error on Windows.
    stdio.stdout.expect("it was asked for").read_to_end(&mut text).await.ok();
    (String::from_utf8_lossy(&text).trim().to_owned(), process.wait().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_sees_its_root_in_its_environment_and_its_folder() {
    let system = started("environment").await;
    let root = root(system.id()).display().to_string();
    let (named, code) = output(&system, "cmd /c echo %CONTAINER_SANDBOX_MOUNT_POINT%").await;
    assert_eq!((named, code), (root.clone(), ExitCode(0)), "what stands for the root is replaced");
    let (folder, _) = output(&system, "cmd /c cd").await;
    assert_eq!(folder.to_lowercase(), root.to_lowercase());
    let (user, _) = output(&system, "cmd /c echo %USERNAME%").await;
    assert_eq!(user, std::env::var("USERNAME").unwrap(), "it is the user of whoever made it");
    let (path, _) = output(&system, "cmd /c echo %PATH%").await;
    assert!(path.contains(&format!(r"{root}\;")) && path.ends_with("Wbem"), "{path}");
    system.terminate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_of_processes_are_in_the_job_and_end_with_it() {
    let system = started("family").await;
    let line = format!("cmd /c {}", probe("last"));
    let parameters = ProcessParameters { command_line: line, ..ProcessParameters::default() };
    let (first, _) = system.spawn(&parameters).await.unwrap();
    let query = [PropertyType::ProcessList, PropertyType::Statistics];
    let both = async {
        loop {
            let told = system.properties(&query).await.unwrap();
            if told.process_list.as_ref().is_some_and(|list| list.len() >= 2) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, both).await.expect("both are in the job");
    let list = told.process_list.unwrap();
    assert!(list.iter().any(|one| one.process_id == first.pid().0), "{list:?}");
    let used = told.statistics.unwrap();
    assert!(used.memory.memory_usage_commit_bytes > 0 && used.uptime_100ns > 0, "{used:?}");
    let time = |text: &str| text.parse::<jiff::Timestamp>().expect("a time");
    assert!(time(&used.container_start_time) < time(&used.timestamp), "{used:?}");
    // Wine tells no time of one that just begins, as the second may.
    let first_one = list.iter().find(|one| one.process_id == first.pid().0).unwrap();
    // A process' time is told by a coarser clock.
    let slack = Duration::from_mins(1);
    let begun = time(&first_one.create_timestamp) + slack;
    assert!(begun > time(&used.container_start_time), "{first_one:?} {used:?}");
    system.terminate().await.unwrap();
    assert_ne!(first.wait().await, ExitCode(0));
    assert!(engine().open(system.id()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_a_job_cannot_have_are_refused_and_leave_nothing_behind() {
    let id = id("limits");
    let mut document = job(&id);
    let limits = |document: &mut ComputeSystem, limits| {
        document.container.as_mut().unwrap().job.as_mut().unwrap().limits = limits;
    };
    for wrong in [
        JobLimits { cpu_rate: 10_001, ..JobLimits::default() },
        JobLimits { cpu_rate: 100, cpu_weight: 5, ..JobLimits::default() },
        JobLimits { cpu_weight: 10, ..JobLimits::default() },
        JobLimits { iops: 5, ..JobLimits::default() },
    ] {
        limits(&mut document, wrong);
        assert!(engine().create(&id, &document).await.is_err());
        assert!(!root(&id).exists());
    }
    // The doubles have a call for it, and only for what is bound; Wine has none.
    limits(&mut document, JobLimits { bandwidth: 5, ..JobLimits::default() });
    let refused = engine().create(&id, &document).await.unwrap_err();
    let text = refused.kind.to_string();
    assert!(
        text.contains("`HostProcess.Limits.Bandwidth`") && text.contains("this Windows"),
        "{text}"
    );
    limits(&mut document, JobLimits { memory_bytes: 64 << 20, ..JobLimits::default() });
    let system = engine().create(&id, &document).await.unwrap();
    system.terminate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_needed_where_the_shims_own_is_not_asked_for() {
    let id = id("account");
    let mut document = job(&id);
    document.container.as_mut().unwrap().job.as_mut().unwrap().inherit_user = false;
    let system = engine().create(&id, &document).await.unwrap();
    system.start().await.unwrap();
    for user in ["", r"a\b\c"] {
        let parameters = ProcessParameters {
            command_line: probe("exit 0"),
            user: user.into(),
            ..ProcessParameters::default()
        };
        let Err(refused) = system.spawn(&parameters).await else { panic!("no such account") };
        assert!(format!("{:#}", refused.kind).contains("User"), "{refused:?}");
    }
    system.terminate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_watched_through_another_handle() {
    let system = started("watched").await;
    let lasts =
        || ProcessParameters { command_line: probe("last"), ..ProcessParameters::default() };
    let (process, _) = system.spawn(&lasts()).await.unwrap();
    let other = engine().open(system.id()).await.unwrap();
    let end = tokio::spawn({
        let pid = process.pid();
        async move { other.end_of(pid).await }
    });
    process.terminate(ExitCode(77)).await.unwrap();
    assert_eq!(end.await.unwrap(), ExitCode(77));
    system.terminate().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_folder_is_made_beneath_the_root_and_nowhere_else() {
    let system = started("folder").await;
    let run = |folder: &str| ProcessParameters {
        command_line: "cmd /c cd".into(),
        working_directory: folder.into(),
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let (_process, stdio) = system.spawn(&run(r"C:\made\here")).await.unwrap();
    let mut told = String::new();
    stdio.stdout.expect("asked for").read_to_string(&mut told).await.unwrap();
    let made = root(system.id()).join(r"made\here");
    assert_eq!(told.trim().to_lowercase(), made.display().to_string().to_lowercase());
    let Err(refused) = system.spawn(&run(r"..\..\beside")).await else {
        panic!("it is not beneath")
    };
    assert!(format!("{:#}", refused.kind).contains("WorkingDirectory"), "{refused:?}");
    system.terminate().await.unwrap();
    std::fs::remove_dir_all(root(system.id())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mount_needs_and_cannot_have_leaves_nothing_behind() {
    let id = id("mounts");
    let mut document = job(&id);
    let (source, link) = (r"C:\there\is\no\such".into(), "there".into());
    let mount = JobMount { source, link, ..JobMount::default() };
    document.container.as_mut().unwrap().job.as_mut().unwrap().mounts = vec![mount];
    let refused = engine().create(&id, &document).await.unwrap_err();
    assert!(format!("{:#}", refused.kind).contains("link"), "{refused:?}");
    assert!(!root(&id).exists());
    assert!(engine().open(&id).await.is_err(), "its name is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_a_mounts_way_is_refused_and_stays() {
    let id = id("in-the-way");
    let mut document = job(&id);
    let there = root(&id).join("there");
    std::fs::create_dir_all(&there).unwrap();
    let source = std::env::temp_dir().display().to_string();
    let mount = JobMount { source, link: "there".into(), ..JobMount::default() };
    document.container.as_mut().unwrap().job.as_mut().unwrap().mounts = vec![mount];
    let refused = engine().create(&id, &document).await.unwrap_err();
    assert!(format!("{:#}", refused.kind).contains("link"), "{refused:?}");
    assert!(there.is_dir());
    assert!(engine().open(&id).await.is_err(), "its name is free");
    std::fs::remove_dir_all(root(&id)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_case_of_an_id_tells_no_containers_apart() {
    let system = started("Case").await;
    let small = SystemId::new(system.id().as_str().to_lowercase()).unwrap();
    let refused = engine().create(&small, &job(&small)).await.unwrap_err();
    assert!(matches!(refused.kind, ErrorKind::AlreadyExists), "{refused:?}");
    assert!(root(system.id()).is_dir(), "what the first one has stays");
    system.terminate().await.unwrap();
}
