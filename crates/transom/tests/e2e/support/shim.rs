//! The shim as containerd drives it: bundles, `start`, and the Task API over ttrpc.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use containerd_shim_protos::TaskClient;
use containerd_shim_protos::api;
use containerd_shim_protos::protobuf::MessageField;
use containerd_shim_protos::protobuf::well_known_types::any::Any;
use containerd_shim_protos::ttrpc::context::{Context, with_timeout};
use containerd_shim_protos::ttrpc::{self, Client};
use serde_json::{Value, json};

use super::container::BASE;
use super::host::{Host, program};
use super::probe;
use super::wait::LONG;

const NAMESPACE: &str = "e2e";
/// Does nothing until it is killed.
const NAP: [&str; 2] = [probe::PROBE, "nap"];

/// A shim with the tasks of one pod; they go with this value.
pub(crate) struct Shim<'h> {
    host: &'h Host,
    folder: tempfile::TempDir,
    tasks: TaskClient,
    /// The newest last.
    made: Vec<String>,
}

impl<'h> Shim<'h> {
    /// Starts the shim of a pod, and its sandbox task.
    pub(crate) fn pod(host: &'h Host, id: &str) -> Self {
        let folder = host.scratch();
        let bundle = write_bundle(host, folder.path(), id, Some(id), &NAP, &json!([]));
        let mut shim = Self::started(host, folder, id, &bundle);
        shim.run(id, &bundle).unwrap_or_else(|error| panic!("{id}: {error}"));
        shim
    }

    /// Starts the shim of a container of its own, and makes its task, which is not yet started.
    pub(crate) fn standalone(host: &'h Host, id: &str, args: &[&str]) -> Self {
        let folder = host.scratch();
        let bundle = write_bundle(host, folder.path(), id, None, args, &json!([]));
        let mut shim = Self::started(host, folder, id, &bundle);
        shim.create(id, &bundle).unwrap_or_else(|error| panic!("{id}: {error}"));
        shim
    }

    fn started(host: &'h Host, folder: tempfile::TempDir, id: &str, bundle: &Path) -> Self {
        let output = shim(host, id)
            .arg("start")
            .current_dir(bundle)
            .stdin(Stdio::null())
            .output()
            .expect("the shim can be started");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let address = match serde_json::from_str::<Value>(&told) {
            Ok(told) => told["address"].as_str().unwrap_or_default().to_owned(),
            Err(_) => told,
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let client = Client::connect(&address).unwrap_or_else(|error| panic!("{address}: {error}"));
        Self { host, folder, tasks: TaskClient::new(client), made: Vec::new() }
    }

    /// The Task API, for requests that may be refused.
    pub(crate) fn tasks(&self) -> &TaskClient {
        &self.tasks
    }

    /// Adds a container to the pod, with these mounts beside the probe's, and starts it.
    pub(crate) fn container(&mut self, id: &str, mounts: &Value) {
        self.try_container(id, mounts).unwrap_or_else(|error| panic!("{id}: {error}"));
    }

    /// The same where it may be refused.
    pub(crate) fn try_container(&mut self, id: &str, mounts: &Value) -> ttrpc::Result<()> {
        let pod = self.made[0].clone();
        let bundle = write_bundle(self.host, self.folder.path(), id, Some(&pod), &NAP, mounts);
        self.run(id, &bundle)
    }

    fn run(&mut self, id: &str, bundle: &Path) -> ttrpc::Result<()> {
        self.create(id, bundle)?;
        let request = api::StartRequest { id: id.to_owned(), ..Default::default() };
        self.tasks.start(within(), &request).map(drop)
    }

    fn create(&mut self, id: &str, bundle: &Path) -> ttrpc::Result<()> {
        let request = api::CreateTaskRequest {
            id: id.to_owned(),
            bundle: bundle.display().to_string(),
            ..Default::default()
        };
        self.tasks.create(within(), &request)?;
        self.made.push(id.to_owned());
        Ok(())
    }

    /// Runs a line for `cmd /c` in a container: its exit code, and what it says.
    pub(crate) fn exec(&self, id: &str, exec: &str, line: &str) -> (u32, String) {
        let (out, err) = (self.folder.path().join("out"), self.folder.path().join("err"));
        let end = self.exec_to_end(&api::ExecProcessRequest {
            id: id.to_owned(),
            exec_id: exec.to_owned(),
            stdout: format!("file://{}", out.display()),
            stderr: format!("file://{}", err.display()),
            spec: MessageField::some(process(&["cmd", "/c", line])),
            ..Default::default()
        });
        let said = [out, err].map(|path| {
            let text = std::fs::read(&path).unwrap_or_default();
            // The next one's words are its own.
            let _ = std::fs::remove_file(path);
            String::from_utf8_lossy(&text).into_owned()
        });
        (end, said.concat().trim().to_owned())
    }

    /// Runs a program that ends well at once, its streams going nowhere.
    pub(crate) fn run_exec(&self, id: &str, exec: &str) {
        let end = self.exec_to_end(&api::ExecProcessRequest {
            id: id.to_owned(),
            exec_id: exec.to_owned(),
            spec: MessageField::some(process(&["cmd", "/c", "exit 0"])),
            ..Default::default()
        });
        assert_eq!(end, 0, "{exec}");
    }

    /// Adds it, starts it, waits for its end and deletes it: its exit code.
    fn exec_to_end(&self, request: &api::ExecProcessRequest) -> u32 {
        let (id, exec_id) = (request.id.clone(), request.exec_id.clone());
        self.tasks.exec(within(), request).expect("the exec is added");
        let request =
            api::StartRequest { id: id.clone(), exec_id: exec_id.clone(), ..Default::default() };
        self.tasks.start(within(), &request).expect("the exec is started");
        let request =
            api::WaitRequest { id: id.clone(), exec_id: exec_id.clone(), ..Default::default() };
        let end = self.tasks.wait(within(), &request).expect("the exec is waited for");
        let request = api::DeleteRequest { id, exec_id, ..Default::default() };
        self.tasks.delete(within(), &request).expect("the exec is deleted");
        end.exit_status
    }

    /// `Update` with resources of this type.
    pub(crate) fn update(&self, id: &str, kind: &str, resources: &Value) -> ttrpc::Result<()> {
        let request = api::UpdateTaskRequest {
            id: id.to_owned(),
            resources: MessageField::some(any(kind, resources)),
            ..Default::default()
        };
        self.tasks.update(within(), &request).map(drop)
    }

    /// Ends and deletes a task.
    pub(crate) fn delete(&self, id: &str) -> ttrpc::Result<()> {
        let id = || id.to_owned();
        let request = api::KillRequest { id: id(), signal: 9, all: true, ..Default::default() };
        // It may have ended.
        let _ = self.tasks.kill(within(), &request);
        let request = api::WaitRequest { id: id(), ..Default::default() };
        self.tasks.wait(within(), &request)?;
        let request = api::DeleteRequest { id: id(), ..Default::default() };
        self.tasks.delete(within(), &request).map(drop)
    }
}

impl Drop for Shim<'_> {
    fn drop(&mut self) {
        // The test has judged already; what cannot be given back here, the next step gives back.
        for id in self.made.iter().rev() {
            let _ = self.delete(id);
        }
        let Some(pod) = self.made.first() else { return };
        let request = api::ShutdownRequest { id: pod.clone(), ..Default::default() };
        let _ = self.tasks.shutdown(with_timeout(5_000_000_000), &request);
        for id in self.made.iter().rev() {
            let mut delete = shim(self.host, id);
            let bundle = self.folder.path().join(id);
            let _ = delete.arg("-bundle").arg(&bundle).arg("delete").current_dir(&bundle).output();
        }
    }
}

/// As long as any request may take.
pub(crate) fn within() -> Context {
    with_timeout(i64::try_from(LONG.as_nanos()).expect("a minute is short"))
}

/// What an exec runs.
pub(crate) fn process(args: &[&str]) -> Any {
    let user = json!({ "username": "ContainerUser" });
    let process = json!({ "args": args, "cwd": "C:\\", "user": user });
    any("types.containerd.io/opencontainers/runtime-spec/1/Process", &process)
}

fn any(kind: &str, value: &Value) -> Any {
    Any { type_url: kind.to_owned(), value: value.to_string().into(), ..Default::default() }
}

fn shim(host: &Host, id: &str) -> Command {
    let mut command = Command::new(program("containerd-shim-runhcs-v1"));
    command.args(["-namespace", NAMESPACE, "-address", "-", "-publish-binary", "-", "-id", id]);
    command.env_remove("TTRPC_ADDRESS");
    host.equip(&mut command);
    command
}

/// A bundle of a container on its own, or of a pod's: its sandbox has the pod's id.
fn write_bundle(
    host: &Host,
    folder: &Path,
    id: &str,
    pod: Option<&str>,
    args: &[&str],
    mounts: &Value,
) -> PathBuf {
    let bundle = folder.join(id);
    std::fs::create_dir_all(bundle.join("scratch")).expect("the folder is ours");
    let mut spec = host.transom(&[&["spec", BASE], args].concat()).succeed().json();
    let windows = spec["windows"].as_object_mut().expect("it is a Windows spec");
    windows.remove("network");
    let layers = windows["layerFolders"].as_array_mut().expect("it has layers");
    *layers.last_mut().expect("it has a scratch") = json!(bundle.join("scratch"));
    let own = json!([{ "source": probe::folder(), "destination": r"C:\probe", "options": ["ro"] }]);
    let all = [&own, mounts].map(|list| list.as_array().cloned().unwrap_or_default()).concat();
    spec["mounts"] = json!(all);
    if let Some(pod) = pod {
        spec["annotations"] = json!({
            "io.kubernetes.cri.container-type": if id == pod { "sandbox" } else { "container" },
            "io.kubernetes.cri.sandbox-id": pod,
        });
    }
    std::fs::write(bundle.join("config.json"), spec.to_string()).expect("the folder is ours");
    bundle
}
