//! Pods and containers of `ctr`, made from specs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::containerd::Containerd;
use crate::support::host::Host;
use crate::support::probe;

/// What containers of this host are made from: where their layers are.
pub(crate) struct Spec {
    layer: PathBuf,
    folder: tempfile::TempDir,
}

/// As containerd's runtimes are named.
pub(crate) const RUNTIME: &str = "io.containerd.runhcs.v1";
/// A sandbox with nothing to do: a placeholder.
const IDLE: &str = r"C:\Windows\System32\cmd.exe";

impl Spec {
    /// The base image must have run.
    pub(crate) fn of(host: &Host) -> Self {
        let mut layers =
            std::fs::read_dir(host.root().join("layers")).expect("a container has run");
        let layer = layers.next().expect("its image has a layer").expect("it can be read").path();
        Self { layer, folder: host.scratch() }
    }

    /// A spec's file. The scratch is a fresh folder of the container's own.
    fn write(&self, id: &str, args: &[&str], annotations: &Value) -> PathBuf {
        let scratch = self.folder.path().join(format!("{id}.scratch"));
        std::fs::create_dir_all(&scratch).expect("the folder is the test's");
        let spec = json!({
            "ociVersion": "1.1.0",
            "process": { "user": { "uid": 0, "gid": 0 }, "args": args, "cwd": r"C:\" },
            "annotations": annotations,
            "mounts": [{
                "destination": r"C:\probe", "source": probe::folder(), "options": ["ro"],
            }],
            "windows": { "layerFolders": [self.layer, scratch] },
        });
        let path = self.folder.path().join(format!("{id}.json"));
        std::fs::write(&path, spec.to_string()).expect("the folder is the test's");
        path
    }

    /// A container on its own.
    pub(crate) fn container(&self, id: &str, args: &[&str]) -> PathBuf {
        self.write(id, args, &json!({}))
    }

    /// Gives back what the containers wrote.
    pub(crate) fn forget(&self, id: &str) {
        // A container that never came has none.
        let _ = std::fs::remove_dir_all(self.folder.path().join(format!("{id}.scratch")));
    }

    fn in_pod(&self, id: &str, kind: &str, pod: &str, args: &[&str]) -> PathBuf {
        let annotations = json!({
            "io.kubernetes.cri.container-type": kind,
            "io.kubernetes.cri.sandbox-id": pod,
        });
        self.write(id, args, &annotations)
    }
}

/// A pod and its containers' ids, the sandbox first.
pub(crate) struct Pod {
    pub(crate) ids: Vec<String>,
    is_held: bool,
    files: Vec<PathBuf>,
}

impl Pod {
    /// Not yet made: a sandbox, which is a placeholder or a container, and idle workloads.
    pub(crate) fn planned(spec: &Spec, id: &str, is_held: bool, workloads: u32) -> Self {
        let nap = [probe::PROBE, "nap"];
        let sandbox: &[&str] = if is_held { &[IDLE] } else { &nap };
        let mut pod = Self {
            ids: vec![id.to_owned()],
            is_held,
            files: vec![spec.in_pod(id, "sandbox", id, sandbox)],
        };
        for number in 1..=workloads {
            let workload = format!("{id}-{number}");
            pod.files.push(spec.in_pod(&workload, "container", id, &nap));
            pod.ids.push(workload);
        }
        pod
    }

    /// The sandbox, where it is no container.
    pub(crate) fn is_placeholder(&self, id: &str) -> bool {
        self.is_held && self.ids[0] == id
    }

    /// Another workload, not yet made.
    pub(crate) fn plan_another(&mut self, spec: &Spec) {
        let workload = format!("{}-{}", self.ids[0], self.ids.len());
        self.files.push(spec.in_pod(&workload, "container", &self.ids[0], &[probe::PROBE, "nap"]));
        self.ids.push(workload);
    }

    /// Makes and starts one of them; an error is what `ctr` says.
    pub(crate) fn run(&self, containerd: &Containerd, index: usize) -> Result<(), String> {
        run(containerd, &self.ids[index], &self.files[index])
    }

    /// All of them.
    pub(crate) fn run_all(&self, containerd: &Containerd) -> Result<(), String> {
        (0..self.ids.len()).try_for_each(|index| self.run(containerd, index))
    }

    /// Ends and removes all of them, the sandbox last; what never came is fine.
    pub(crate) fn remove(&self, containerd: &Containerd, spec: &Spec) {
        for id in self.ids.iter().rev() {
            remove(containerd, id);
            spec.forget(id);
        }
    }
}

/// Makes a container and starts it, its streams going nowhere.
pub(crate) fn run(containerd: &Containerd, id: &str, file: &Path) -> Result<(), String> {
    let file = file.display().to_string();
    let line = ["run", "--detach", "--null-io", "--runtime", RUNTIME, "--config", &file, id];
    let output = containerd.output(&line);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{id}: {errors}")) }
}

/// Makes a container, runs it and removes it: how long that took.
pub(crate) fn run_to_end(containerd: &Containerd, id: &str, file: &Path) -> Duration {
    let file = file.display().to_string();
    containerd.timed(&["run", "--rm", "--runtime", RUNTIME, "--config", &file, id]).0
}

/// Ends and removes a container, wherever it is in its life.
pub(crate) fn remove(containerd: &Containerd, id: &str) {
    for line in [
        &["task", "kill", "--signal", "9", "--all", id][..],
        &["task", "delete", "--force", id],
        &["container", "delete", id],
    ] {
        containerd.output(line);
    }
}
