//! Host process containers: job objects, in a pod that is nothing by itself. Here without the bind
//! filter; with it: [`bound`](crate::bound).

use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use engine::os::process::Watched;
use engine::{Engine as _, HostConfig, HostEngine, System as _};
use schema::properties::PropertyType;
use schema::{ConsoleSize, ExitCode, Pid, SystemId};
use serde_json::{Value, json};
use shim::client::{Client, Stdio, TaskStatus};

use crate::crash::delete;
use crate::filter;
use crate::place::{self, PATIENCE, Pipe, Place, end, exec_in, in_pod, to, unique};
use crate::terminal::Terminal;

pub(crate) const LASTS: &str = r"C:\windows\system32\hcs-probe.exe last";

/// A shell for a terminal, to which Wine gives no streams unasked.
const SHELL: &str = r"C:\windows\system32\hcs-probe.exe console cmd";

/// Gives a bundle's process a terminal.
fn on_terminal(bundle: &Path) {
    let file = bundle.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    config["process"]["terminal"] = json!(true);
    config["process"]["consoleSize"] = json!({ "height": 40, "width": 0 });
    std::fs::write(&file, config.to_string()).unwrap();
}

/// Another size is taken, but by Wine's pseudo consoles, which keep theirs and say so.
async fn resize(client: &Client, task: &str) {
    let size = ConsoleSize { height: 30, width: 100 };
    let resized = client.resize(task, None, size).await.map_err(anyhow::Error::from);
    let is_wine = Path::new(r"C:\windows\system32\winecfg.exe").exists();
    assert_eq!(resized.is_err(), is_wine, "{resized:?}");
    if let Err(refused) = resized {
        assert!(format!("{refused:#}").contains("keep the one"), "{refused:#}");
    }
}

/// An exec with a terminal of its own, to the end that its shell is told.
async fn exec_on_terminal(client: &Client, task: &str) {
    let (mut terminal, ends) = Terminal::new("hpc-exec");
    let process = serde_json::from_value(json!({
        "commandLine": SHELL, "args": [], "cwd": "C:\\", "user": { "uid": 0, "gid": 0 },
    }));
    client.exec(task, "e2", &process.unwrap(), &ends).await.unwrap();
    terminal.connect().await;
    client.start_process(task, Some("e2")).await.unwrap();
    terminal.types("exit 9").await;
    let exit = tokio::time::timeout(PATIENCE, client.wait(task, Some("e2"))).await.unwrap();
    assert_eq!(exit.unwrap().code, ExitCode(9));
    terminal.ends().await;
    client.delete(task, Some("e2")).await.unwrap();
}

/// Of a pod, or of a container in it; its processes are the shim's own user's.
pub(crate) fn host_process(kind: &str, pod: &str) -> Value {
    let mut annotations = in_pod(kind, pod);
    annotations["microsoft.com/hostprocess-container"] = json!("true");
    annotations["microsoft.com/hostprocess-inherit-user"] = json!("true");
    annotations
}

/// Windows puts a container's volume at its root, which Wine cannot: here its files are a folder.
pub(crate) fn files(place: &Place) -> String {
    let files = place.path().join("files");
    std::fs::create_dir_all(&files).unwrap();
    std::fs::write(files.join("hello.cmd"), "@echo %COLOUR% in %CD%\r\n@exit 7\r\n").unwrap();
    files.display().to_string()
}

/// A pod of host processes, and its shim.
pub(crate) async fn pod(place: &Place, name: &str) -> (String, Client) {
    let pod = unique(name);
    let bundle = place.bundle(&pod, LASTS, &host_process("sandbox", &pod));
    let client = place::shim(&place.launch(&pod, &bundle)).await;
    client.create(&pod, &bundle, &Stdio::default()).await.unwrap();
    client.start_process(&pod, None).await.unwrap();
    (pod, client)
}

#[tokio::test]
async fn a_pod_with_host_processes_lives_and_is_deleted() {
    let _filter = filter::away().await;
    let place = Place::new();
    let files = files(&place);
    let (pod, client) = pod(&place, "hpc-pod").await;
    let annotations = host_process("container", &pod);

    let (talker, said) = (unique("hpc-talker"), Pipe::new("hpc-talker"));
    let line = r"cmd /c %CONTAINER_SANDBOX_MOUNT_POINT%\hello.cmd";
    let bundle = place.bundle_at(&files, &talker, line, &annotations);
    client.create(&talker, &bundle, &to(&said)).await.unwrap();
    let heard = tokio::spawn(said.hear());
    client.start_process(&talker, None).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(&talker, None)).await.unwrap().unwrap();
    assert_eq!(exit.code, ExitCode(7));
    assert_eq!(heard.await.unwrap().trim(), format!("blue in {files}"));
    client.delete(&talker, None).await.unwrap();

    let sleeper = unique("hpc-sleeper");
    let bundle = place.bundle_at(&files, &sleeper, SHELL, &annotations);
    on_terminal(&bundle);
    let (mut terminal, ends) = Terminal::new("hpc-shell");
    client.create(&sleeper, &bundle, &ends).await.unwrap();
    terminal.connect().await;
    let pid = client.start_process(&sleeper, None).await.unwrap();
    terminal.types(r"echo it is %COLOUR%&C:\windows\system32\hcs-probe.exe size").await;
    terminal.shows("it is blue").await;
    terminal.shows("40 lines of 80").await;
    resize(&client, &sleeper).await;
    exec_in(&client, &sleeper).await;
    exec_on_terminal(&client, &sleeper).await;
    let pids = client.pids(&sleeper).await.unwrap();
    assert!(pids.iter().any(|process| process.pid == pid.0), "{pids:?}");
    client.stats(&sleeper).await.unwrap();
    assert!(Watched::open(pid.0).is_some(), "it is a process of the host");
    client.kill(&sleeper, None, 9, false).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(&sleeper, None)).await.unwrap().unwrap();
    assert_eq!(exit.code, ExitCode(1), "a job's process is ended with this");
    terminal.ends().await;
    assert_eq!(client.state(&sleeper, None).await.unwrap().status, TaskStatus::Stopped);
    client.delete(&sleeper, None).await.unwrap();
    assert!(notes(&place).is_empty(), "nothing of a container is left");

    client.kill(&pod, None, 9, false).await.unwrap();
    tokio::time::timeout(PATIENCE, client.wait(&pod, None)).await.unwrap().unwrap();
    client.delete(&pod, None).await.unwrap();
    end(&client, &pod).await;
}

pub(crate) fn engine(place: &Place) -> HostEngine {
    let folder = place.path().to_owned();
    HostEngine::new(HostConfig { state: folder.clone(), libexec: folder.clone(), root: folder })
}

pub(crate) fn notes(place: &Place) -> Vec<String> {
    let files = std::fs::read_dir(place.path().join("jobs")).unwrap();
    files.map(|file| file.unwrap().file_name().display().to_string()).collect()
}

#[tokio::test]
async fn a_host_process_ends_with_a_shim_that_is_killed() {
    let _filter = filter::away().await;
    let place = Place::new();
    let files = files(&place);
    let (pod, client) = pod(&place, "hpc-crash").await;
    let one = unique("hpc-orphan");
    let bundle = place.bundle_at(&files, &one, LASTS, &host_process("container", &pod));
    client.create(&one, &bundle, &Stdio::default()).await.unwrap();
    let pid = client.start_process(&one, None).await.unwrap();
    let process = Watched::open(pid.0).unwrap();
    // Who looks on, here the test, keeps nothing running.
    let seen = engine(&place).open(&SystemId::new(&one).unwrap()).await.unwrap();
    let listed = seen.properties(&[PropertyType::ProcessList]).await.unwrap().process_list;
    assert!(listed.unwrap().iter().any(|listed| listed.process_id == pid.0));
    let outside = Pid(client.shim_pid().await.unwrap());
    assert_eq!(seen.end_of(outside).await, ExitCode::UNKNOWN, "not one of its processes");
    let mut end = pin!(seen.end_of(pid));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut end).await;
    assert!(early.is_err(), "it runs");
    let shim = client.shim_pid().await.unwrap().to_string();
    assert_eq!(notes(&place), [format!("{one}.json")]);
    assert!(Command::new("taskkill").args(["/F", "/PID", &shim]).status().unwrap().success());
    process.ended(PATIENCE).await.expect("it ends with its job");
    tokio::time::timeout(PATIENCE, end).await.expect("whoever looks on is told");
    let output = delete(&place, &one, &bundle);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(notes(&place).is_empty(), "what it left is taken away");
}
