//! Host process containers with the bind filter: every container sees its files at `C:\hpc\`, and its
//! mounts where they are to be. The filter is a double, which shows what is bound to everybody.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use engine::Engine as _;
use engine::os::process::Watched;
use schema::{ExitCode, SystemId};
use serde_json::{Value, json};
use shim::client::{Client, Stdio};

use crate::crash::delete;
use crate::filter;
use crate::host_process::{LASTS, engine, files, host_process, notes, pod};
use crate::place::{PATIENCE, Pipe, Place, end, exec_in, to, unique};

/// Changes a bundle's spec.
fn change(bundle: &Path, how: impl FnOnce(&mut Value)) {
    let file = bundle.join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    how(&mut config);
    std::fs::write(&file, config.to_string()).unwrap();
}

fn mount(source: &str, destination: &str, option: &str) -> Value {
    json!({ "source": source, "destination": destination, "options": ["rbind", option] })
}

/// Runs a container to its end: what it says, and its code.
async fn run(client: &Client, id: &str, bundle: &Path) -> (String, ExitCode) {
    let said = Pipe::new(id);
    client.create(id, bundle, &to(&said)).await.unwrap();
    let heard = tokio::spawn(said.hear());
    client.start_process(id, None).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(id, None)).await.unwrap().unwrap();
    let heard = heard.await.unwrap();
    client.delete(id, None).await.unwrap();
    (heard.trim().to_owned(), exit.code)
}

#[tokio::test]
async fn containers_see_their_files_and_mounts_where_they_are_bound() {
    let _filter = filter::there().await;
    let place = Place::new();
    let files = files(&place);
    std::fs::write(Path::new(&files).join("both.cmd"), BOTH).unwrap();
    let at = |name: &str| place.path().join(name).display().to_string();
    let (source, data, deep) = (at("source"), at("data"), at(r"host\deep"));
    std::fs::create_dir(&source).unwrap();
    std::fs::write(place.path().join(r"source\it.txt"), "is mounted\r\n").unwrap();
    let (pod, client) = pod(&place, "bound-pod").await;
    let was_there = Path::new(r"C:\hpc").exists();

    let talker = unique("bound-talker");
    let line = format!(r"%CONTAINER_SANDBOX_MOUNT_POINT%\both.cmd {data} {deep}");
    let bundle = place.bundle_at(&files, &talker, &line, &host_process("container", &pod));
    let mounts = [mount(&source, &data, "rw"), mount(&source, &deep, "ro")];
    change(&bundle, |config| config["mounts"] = json!(mounts));
    let (said, code) = run(&client, &talker, &bundle).await;
    assert_eq!(said, "blue at C:\\hpc\\\nis mounted\nis mounted");
    assert_eq!(code, ExitCode(7));
    assert_eq!(Path::new(r"C:\hpc").exists(), was_there, "the folder for the root is gone");

    // This one's files are on a volume, and it sees them at a place of its own.
    let (one, root) = (unique("bound-volume"), at("seen"));
    let mut annotations = host_process("container", &pod);
    annotations["microsoft.com/hostprocess-rootfs-location"] = json!(root);
    let line = r"cmd /c echo written>ROOT\file.txt& type ROOT\file.txt& cd";
    let line = line.replace("ROOT", "%CONTAINER_SANDBOX_MOUNT_POINT%");
    let bundle = place.bundle_at("", &one, &line, &annotations);
    change(&bundle, |config| config["process"]["cwd"] = json!("%CONTAINER_SANDBOX_MOUNT_POINT%"));
    let (said, code) = run(&client, &one, &bundle).await;
    assert_eq!((said, code), (format!("written\n{root}"), ExitCode(0)));

    sleeper(&place, &client, &pod, &files).await;
    assert!(notes(&place).is_empty(), "nothing of a container is left");
    client.kill(&pod, None, 9, false).await.unwrap();
    tokio::time::timeout(PATIENCE, client.wait(&pod, None)).await.unwrap().unwrap();
    client.delete(&pod, None).await.unwrap();
    end(&client, &pod).await;
}

const BOTH: &str = "@echo %COLOUR% at %CONTAINER_SANDBOX_MOUNT_POINT%\r\n\
                    @type %1\\it.txt\r\n@type %2\\it.txt\r\n@exit 7\r\n";

/// A container that lasts, with an exec in it, is killed.
async fn sleeper(place: &Place, client: &Client, pod: &str, files: &str) {
    let id = unique("bound-sleeper");
    let bundle = place.bundle_at(files, &id, LASTS, &host_process("container", pod));
    client.create(&id, &bundle, &Stdio::default()).await.unwrap();
    client.start_process(&id, None).await.unwrap();
    exec_in(client, &id).await;
    assert!(client.pids(&id).await.unwrap().len() >= 2, "a program and the shell that found it");
    client.kill(&id, None, 9, false).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(&id, None)).await.unwrap().unwrap();
    assert_eq!(exit.code, ExitCode(1), "a job's process is ended with this");
    client.delete(&id, None).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_shim_made_for_what_was_bound_is_taken_away() {
    let _filter = filter::there().await;
    let place = Place::new();
    let files = files(&place);
    // The doubles' service is started by whoever first asks, and holds on to that one's streams.
    assert!(engine(&place).open(&SystemId::new("nobody").unwrap()).await.is_err());
    let (pod, client) = pod(&place, "bound-crash").await;
    let (one, root) = (unique("bound-orphan"), place.path().join(r"made\seen"));
    let mut annotations = host_process("container", &pod);
    annotations["microsoft.com/hostprocess-rootfs-location"] = json!(root);
    let bundle = place.bundle_at(&files, &one, LASTS, &annotations);
    client.create(&one, &bundle, &Stdio::default()).await.unwrap();
    let pid = client.start_process(&one, None).await.unwrap();
    let process = Watched::open(pid.0).unwrap();
    assert!(root.join("hello.cmd").is_file(), "its files are seen there");
    let shim = client.shim_pid().await.unwrap().to_string();
    assert!(Command::new("taskkill").args(["/F", "/PID", &shim]).status().unwrap().success());
    process.ended(PATIENCE).await.expect("it ends with its job");
    // What Windows does by itself when the job's last process has gone.
    let gone = async {
        while root.join("hello.cmd").exists() {
            let sweep = Command::new(r"C:\windows\system32\hcs-probe.exe").arg("sweep").status();
            assert!(sweep.unwrap().success());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("bindings go with their silo");
    let output = delete(&place, &one, &bundle);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(notes(&place).is_empty() && !place.path().join("made").exists());
    assert!(Path::new(&files).join("hello.cmd").is_file(), "its files stay");
}
