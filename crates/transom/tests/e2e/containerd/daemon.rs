//! A containerd that goes with its value, configured by `transom containerd setup`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::cri::Cri;
use crate::support::archive::hex;
use crate::support::host::{Host, dist};
use crate::support::wait;

/// The image that containerd wants for a pod and that is never run.
const PAUSE: &str = "transom.test/pause:1";
/// The CNI plugins' folder on Debian.
const PLUGINS: &str = "/usr/lib/cni";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A containerd with its CRI plugin.
pub(super) struct Daemon {
    folder: tempfile::TempDir,
    child: Child,
    bridge: String,
    subnet: String,
}

impl Daemon {
    /// Starts one whose shims are `host`'s.
    pub(super) fn start(host: &Host) -> Self {
        let folder = host.scratch();
        let number = COUNT.fetch_add(1, Ordering::Relaxed) + std::process::id() % 60 * 4;
        let (bridge, subnet) = (format!("trcri{number}"), format!("10.213.{number}"));
        write_network(folder.path(), &bridge, &subnet);
        let config = folder.path().join("config.toml");
        std::fs::write(&config, plain_config(folder.path())).expect("the folder is ours");
        host.transom(&["containerd", "setup", "--config"])
            .arg(&config)
            .env("PATH", path())
            .succeed();
        let log = std::fs::File::create(folder.path().join("log")).expect("the folder is ours");
        let mut command = Command::new("containerd");
        command.arg("--config").arg(&config).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(log);
        host.equip(&mut command);
        let child = command.env("PATH", path()).spawn().expect("containerd is installed");
        let this = Self { folder, child, bridge, subnet };
        wait::until("containerd's answer", || {
            let version = this.ctr(&["version"]).output();
            version.is_ok_and(|output| output.status.success()).then_some(())
        });
        this.import_pause();
        this
    }

    /// `ctr` for it.
    pub(super) fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.socket()).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs it to its end; its status and what it said.
    pub(super) fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.ctr(arguments).output().expect("ctr is installed");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).replace('\r', ""))
    }

    /// The same, which must be a success.
    pub(super) fn succeed(&self, arguments: &[&str]) -> String {
        let (status, text) = self.run(arguments);
        assert_eq!(status, Some(0), "ctr {arguments:?}: {text}\n{}", self.log());
        text
    }

    /// Hands it an image of `host`'s.
    pub(super) fn convert(&self, host: &Host, namespace: &str, flags: &[&str], image: &str) {
        host.transom(&["containerd", "convert", "--quiet", "--namespace", namespace, "--address"])
            .arg(self.socket())
            .args(flags)
            .arg(image)
            .succeed();
    }

    pub(super) fn cri(&self) -> Cri {
        Cri::new(self.socket())
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    /// An empty folder that goes with it.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder).expect("the folder is ours");
        folder
    }

    /// What the addresses of its pods begin with.
    pub(super) fn subnet(&self) -> &str {
        &self.subnet
    }

    /// The end of its log, for a person.
    pub(super) fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    fn import_pause(&self) {
        let file = self.folder.path().join("pause.tar");
        std::fs::write(&file, pause_image()).expect("the folder is ours");
        let file = file.display().to_string();
        self.succeed(&["--namespace", "k8s.io", "images", "import", &file]);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("containerd's log:\n{}", self.log());
        }
        // Dead already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let clean = r#"
            grep -o "$0[^ ]*" /proc/mounts | tac | xargs -r umount -l
            ip link delete "$1"
        "#;
        let _ = Command::new("sh")
            .args(["-c", clean])
            .arg(self.folder.path())
            .arg(&self.bridge)
            .stderr(Stdio::null())
            .status();
    }
}

/// Where containerd finds the shim under test.
fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", dist().join("bin").display())
}

/// What any administrator has: folders, a socket, a pause image, a network.
fn plain_config(folder: &Path) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    format!(
        "version = 2\nroot = {:?}\nstate = {:?}\n\n[grpc]\n  address = {:?}\n\n\
         [plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = {PAUSE:?}\n  \
         restrict_oom_score_adj = true\n\n\
         [plugins.\"io.containerd.grpc.v1.cri\".cni]\n  bin_dir = {PLUGINS:?}\n  conf_dir = {:?}\n",
        path("root"),
        path("state"),
        path("sock"),
        path("net.d"),
    )
}

fn write_network(folder: &Path, bridge: &str, subnet: &str) {
    let network = json!({
        "cniVersion": "0.4.0",
        "name": bridge,
        "plugins": [{
            "type": "bridge",
            "bridge": bridge,
            "isGateway": true,
            "ipam": {
                "type": "host-local",
                "dataDir": folder.join("leases"),
                "ranges": [[{ "subnet": format!("{subnet}.0/24") }]],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        }],
    });
    let folder = folder.join("net.d");
    std::fs::create_dir(&folder).expect("the folder is ours");
    std::fs::write(folder.join("10.conflist"), network.to_string()).expect("the folder is ours");
}

/// A Linux image with an empty program, as an OCI layout.
fn pause_image() -> Vec<u8> {
    let digest = |bytes: &[u8]| format!("sha256:{}", hex(bytes));
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, "pause", b"");
    let layer = layer.into_inner().expect("memory takes it");
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": { "Entrypoint": ["/pause"] },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    });
    let config = config.to_string().into_bytes();
    let blob = |kind: &str, bytes: &[u8]| {
        let media_type = format!("application/vnd.oci.image.{kind}");
        json!({ "mediaType": media_type, "digest": digest(bytes), "size": bytes.len() })
    };
    let manifest = json!({
        "schemaVersion": 2,
        "config": blob("config.v1+json", &config),
        "layers": [blob("layer.v1.tar", &layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    let mut entry = blob("manifest.v1+json", &manifest);
    entry["annotations"] = json!({ "io.containerd.image.name": PAUSE });
    let index = json!({ "schemaVersion": 2, "manifests": [entry] }).to_string();
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
    append(&mut archive, "index.json", index.as_bytes());
    for bytes in [&layer, &config, &manifest] {
        append(&mut archive, &digest(bytes).replace("sha256:", "blobs/sha256/"), bytes);
    }
    archive.into_inner().expect("memory takes it")
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    archive.append_data(&mut header, name, bytes).expect("memory takes it");
}
