//! Host process containers with the bind filter: what they see is bound in a silo of their own.
//!
//! The test double of the filter keeps books of what is bound, and shows it to all.

use std::fs;
use std::path::{Path, PathBuf};

use engine::{Engine as _, HostSystem, System as _};
use schema::container::{Container, Storage};
use schema::document::ComputeSystem;
use schema::job::{JobContainer, JobLimits, JobMount};
use schema::process::ProcessParameters;
use schema::{ExitCode, SystemId};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use crate::faults::{Faults, ORDERS};
use crate::jobs::output;
use crate::support::{document, engine};

/// A container's files, what is mounted, and where it is seen.
struct Place {
    folder: TempDir,
    id: SystemId,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in [
            (r"files\hello.cmd", "@echo %~f0 in %CD%\r\n@exit 7\r\n"),
            (r"source\data.txt", "what is mounted\r\n"),
        ] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
            fs::write(file, text).expect("it can be written");
        }
        let id = SystemId::new(format!("{name}-{}", std::process::id())).expect("a plain name");
        Self { folder, id }
    }

    fn at(&self, path: &str) -> String {
        self.folder.path().join(path).display().to_string()
    }

    fn document(files: &str, root: &str, mounts: Vec<JobMount>) -> ComputeSystem {
        let (root, inherit_user, bound) = (root.to_owned(), true, true);
        let job = JobContainer { root, inherit_user, bound, mounts, ..JobContainer::default() };
        let storage = Storage { path: files.to_owned(), ..Storage::default() };
        let container = Container { storage, job: Some(job), ..Container::default() };
        ComputeSystem { container: Some(container), ..document() }
    }

    fn mount(&self, destination: &str, read_only: bool) -> JobMount {
        let link = destination.trim_start_matches(r"C:\").to_owned();
        let destination = destination.to_owned();
        JobMount { source: self.at("source"), link, destination, read_only }
    }

    async fn started(&self, document: &ComputeSystem) -> HostSystem {
        let system = engine().create(&self.id, document).await.expect("create");
        system.start().await.expect("start");
        system
    }

    /// What the filter's double has in its books.
    fn books(&self) -> PathBuf {
        let folder = std::env::temp_dir().join("hcs-emulator-silos");
        folder.join(format!("jobcontainer_{}.json", self.id.as_str()))
    }

    fn in_books(&self) -> Value {
        let folder = self.books().parent().expect("a folder").to_owned();
        let name = self.books().file_name().expect("a name").to_owned();
        // The case of a job's name is as it was given.
        let found = fs::read_dir(folder).expect("there are books").find_map(|file| {
            let file = file.ok()?;
            file.file_name().eq_ignore_ascii_case(&name).then(|| file.path())
        });
        let text = fs::read(found.expect("the silo is in the books")).expect("it can be read");
        serde_json::from_slice(&text).expect("it is JSON")
    }

    fn bindings(&self) -> Vec<Value> {
        let books = self.in_books();
        let bindings = books["Bindings"].as_array().expect("a list").iter();
        bindings.map(|one| json!([one["At"], one["Target"], one["Flags"]])).collect()
    }

    /// Nothing is left of the container but its files.
    async fn assert_gone(&self) {
        assert!(engine().open(&self.id).await.is_err(), "its name is free");
        let names = |folder: &str| -> Vec<_> {
            let all = fs::read_dir(self.at(folder)).expect("it is there");
            all.map(|one| one.expect("it can be read").file_name()).collect()
        };
        assert_eq!(
            (names("files"), names("source")),
            (vec!["hello.cmd".into()], vec!["data.txt".into()])
        );
        assert_eq!(names("").len(), 2, "what was made on the host is gone: {:?}", names(""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_sees_its_root_and_its_mounts_where_they_are_bound() {
    let _alone = ORDERS.lock().await;
    let place = Place::new("bound");
    let was_there = Path::new(r"C:\hpc").exists();
    let (data, secret) = (place.at(r"host\deep\data"), place.at("secret"));
    let mounts = vec![place.mount(&data, false), place.mount(&secret, true)];
    let document = Place::document(&place.at("files"), r"C:\hpc\", mounts);
    let system = place.started(&document).await;
    let source = place.at("source");
    assert_eq!(
        place.bindings(),
        [
            json!([r"C:\hpc\", place.at("files"), 4]),
            json!([data, source, 4]),
            json!([secret, source, 5]),
        ]
    );
    let (said, code) = output(&system, r"%CONTAINER_SANDBOX_MOUNT_POINT%\hello.cmd").await;
    assert_eq!((said.as_str(), code), (r"C:\hpc\hello.cmd in C:\hpc", ExitCode(7)));
    let (said, _) = output(&system, &format!(r"type {data}\data.txt")).await;
    assert_eq!(said, "what is mounted");
    let (path, _) = output(&system, "echo %PATH%").await;
    assert!(path.contains(r";C:\hpc\;"), "{path}");
    system.terminate().await.expect("terminate");
    assert_eq!(Path::new(r"C:\hpc").exists(), was_there, "the folder for the root is gone");
    place.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_bound_by_its_name() {
    let _alone = ORDERS.lock().await;
    let place = Place::new("volume");
    let volume = format!("Volume{{{}}}", uuid::Uuid::new_v4());
    // Where the doubles keep what is on a volume.
    let on_it = std::env::temp_dir().join("hcs-emulator-volumes").join(&volume);
    fs::create_dir_all(&on_it).expect("it can be made");
    fs::write(on_it.join("file.txt"), "of a volume").expect("it can be written");
    let root = place.at("root");
    let document = Place::document(&format!(r"\\?\{volume}"), &root, Vec::new());
    let system = place.started(&document).await;
    assert_eq!(place.bindings(), [json!([root, format!(r"\\?\{volume}\"), 4])]);
    let (said, _) = output(&system, "type file.txt").await;
    assert_eq!(said, "of a volume");
    system.terminate().await.expect("terminate");
    place.assert_gone().await;
    fs::remove_dir_all(on_it).expect("it can be removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_looked_up_where_it_is_bound_whatever_is_quoted() {
    let _alone = ORDERS.lock().await;
    let place = Place::new("quoted");
    let document = Place::document(&place.at("files"), &place.at("root"), Vec::new());
    let system = place.started(&document).await;
    let quoted = r#""C:\windows\system32\hcs-probe.exe" "exit" 9"#;
    assert_eq!(output(&system, quoted).await.1, ExitCode(9));
    assert_ne!(output(&system, "no-such-program-here").await.1, ExitCode(0));
    system.terminate().await.expect("terminate");
    place.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_working_folder_is_made_among_the_files_and_is_no_mounts() {
    let _alone = ORDERS.lock().await;
    let place = Place::new("bound-folder");
    let (root, data) = (place.at("root"), place.at("data"));
    let document = Place::document(&place.at("files"), &root, vec![place.mount(&data, false)]);
    let system = place.started(&document).await;
    let run = |folder: &str| ProcessParameters {
        command_line: "cd".into(),
        working_directory: folder.into(),
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let named = r"%CONTAINER_SANDBOX_MOUNT_POINT%made\here";
    let (_process, stdio) = system.spawn(&run(named)).await.expect("spawn");
    let mut told = String::new();
    stdio.stdout.expect("asked for").read_to_string(&mut told).await.ok();
    assert_eq!(told.trim().to_lowercase(), format!(r"{root}made\here").to_lowercase());
    let refused = system.spawn(&run(&format!(r"{data}\not-there"))).await;
    let Err(refused) = refused else { panic!("it is not there") };
    assert!(format!("{:#}", refused.kind).contains("WorkingDirectory"), "{refused:?}");
    system.terminate().await.expect("terminate");
    fs::remove_dir_all(place.at(r"files\made")).ok();
    place.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_disk_is_the_jobs() {
    let _alone = ORDERS.lock().await;
    let place = Place::new("bound-disk");
    let limited = |iops, bandwidth| {
        let mut document = Place::document(&place.at("files"), &place.at("root"), Vec::new());
        let job = document.container.as_mut().and_then(|one| one.job.as_mut());
        job.expect("it is one").limits = JobLimits { iops, bandwidth, ..JobLimits::default() };
        document
    };
    let system = place.started(&limited(100, 1 << 20)).await;
    assert_eq!(place.in_books()["Limits"], json!({ "Iops": 100, "Bandwidth": 1 << 20 }));
    system.terminate().await.expect("terminate");
    place.assert_gone().await;
    let refused = engine().create(&place.id, &limited(0, -1)).await.expect_err("it is below zero");
    assert!(causes(&refused).contains("HostProcess.Limits.Bandwidth"), "{refused:?}");
    place.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_that_fails_halfway_leaves_nothing_behind() {
    let place = Place::new("bound-halfway");
    let mounts = vec![place.mount(&place.at(r"host\data"), false)];
    let document = Place::document(&place.at("files"), &place.at("root"), mounts);
    let faults = Faults::order(json!([
        { "Call": "BfSetupFilter", "Times": 1 },
        { "Call": "BfSetupFilter", "Error": "0x80070005", "Times": 1 },
    ]))
    .await;
    let refused = engine().create(&place.id, &document).await.expect_err("ordered");
    let text = causes(&refused);
    assert!(text.contains("bind") && text.contains("data"), "{text}");
    place.assert_gone().await;
    drop(faults);
    let _alone = ORDERS.lock().await;
    let system = place.started(&document).await;
    system.terminate().await.expect("terminate");
    place.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_makes_no_silo_refuses_the_container() {
    let place = Place::new("no-silo");
    let document = Place::document(&place.at("files"), &place.at("root"), Vec::new());
    let _faults = Faults::order(json!([
        { "Call": "JobObjectCreateSilo", "Error": "0x80070032", "Times": 1 },
    ]))
    .await;
    let refused = engine().create(&place.id, &document).await.expect_err("ordered");
    let text = causes(&refused);
    assert!(text.contains("silo") && text.contains("bind filter"), "{text}");
    place.assert_gone().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_mounted_and_leaves_nothing_behind() {
    let _alone = ORDERS.lock().await;
    let place = Place::new("no-source");
    let mut mount = place.mount(&place.at(r"host\data"), false);
    mount.source = place.at("nothing");
    let document = Place::document(&place.at("files"), &place.at("root"), vec![mount]);
    let refused = engine().create(&place.id, &document).await.expect_err("it is not there");
    assert!(causes(&refused).contains("nothing"), "{refused:?}");
    place.assert_gone().await;
}

/// An error with its causes.
fn causes(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
