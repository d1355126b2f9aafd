//! A containerd that goes with its value, configured by `transom containerd setup`.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

use super::cri::Cri;
use crate::support::archive::hex;
use crate::support::containerd::{Containerd, NEW_LAYOUT, configuration, version};
use crate::support::host::{Host, dist};

/// The image that containerd wants for a pod and that is never run.
const PAUSE: &str = "transom.test/pause:1";
/// The CNI plugins' folder on Debian.
const PLUGINS: &str = "/usr/lib/cni";

/// As `setup` names it, and without a pause container.
const HANDLERS: [&str; 2] = ["runhcs", "sandboxed"];

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A containerd with its CRI plugin.
pub(super) struct Daemon {
    containerd: Containerd,
    bridge: String,
    subnet: String,
}

impl Daemon {
    /// Starts one whose shims are `host`'s.
    pub(super) fn start(host: &Host) -> Self {
        let folder = host.scratch();
        let number = COUNT.fetch_add(1, Ordering::Relaxed) + std::process::id() % 15 * 16;
        let (bridge, subnet) = (format!("trcri{number}"), format!("10.213.{number}"));
        write_network(folder.path(), &bridge, &subnet);
        let config = folder.path().join("config.toml");
        std::fs::write(&config, plain_config(folder.path())).expect("the folder is ours");
        host.transom(&["containerd", "setup", "--config"])
            .arg(&config)
            .arg("--bin-dir")
            .arg(folder.path())
            .env("PATH", path())
            .succeed();
        if version() >= NEW_LAYOUT {
            let text = std::fs::read_to_string(&config).expect("it was written");
            std::fs::write(&config, text + &sandboxed(folder.path())).expect("the folder is ours");
        }
        let this = Self { containerd: Containerd::configured(host, folder), bridge, subnet };
        this.import_pause();
        this
    }

    /// The handlers that lead to the shim: what `setup` wrote, and where containerd has it, the one
    /// whose pods are made through the Sandbox API.
    pub(super) fn handlers() -> &'static [&'static str] {
        if version() >= NEW_LAYOUT { &HANDLERS } else { &HANDLERS[..1] }
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

    /// An empty folder that goes with it.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        let folder = self.containerd.folder().join(name);
        std::fs::create_dir_all(&folder).expect("the folder is ours");
        folder
    }

    /// What the addresses of its pods begin with.
    pub(super) fn subnet(&self) -> &str {
        &self.subnet
    }

    fn import_pause(&self) {
        let file = self.containerd.folder().join("pause.tar");
        std::fs::write(&file, pause_image()).expect("the folder is ours");
        let file = file.display().to_string();
        self.succeed(&["--namespace", "k8s.io", "images", "import", &file]);
    }
}

impl Deref for Daemon {
    type Target = Containerd;

    fn deref(&self) -> &Containerd {
        &self.containerd
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Its plugin makes it with the first pod.
        let link = ["link", "delete", &self.bridge];
        let _ = Command::new("ip").args(link).stderr(Stdio::null()).status();
    }
}

/// Where containerd finds the shim under test.
fn path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:{path}", dist().join("bin").display())
}

/// What any administrator has: folders, a socket, a pause image, a network.
fn plain_config(folder: &Path) -> String {
    let networks = folder.join("net.d").display().to_string();
    let cni = format!("bin_dir = {PLUGINS:?}\n  conf_dir = {networks:?}\n");
    let cri = if version() >= NEW_LAYOUT {
        format!(
            "[plugins.\"io.containerd.cri.v1.images\".pinned_images]\n  sandbox = {PAUSE:?}\n\n\
             [plugins.\"io.containerd.cri.v1.runtime\"]\n  restrict_oom_score_adj = true\n\n\
             [plugins.\"io.containerd.cri.v1.runtime\".cni]\n  {cni}"
        )
    } else {
        format!(
            "[plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = {PAUSE:?}\n  \
             restrict_oom_score_adj = true\n\n\
             [plugins.\"io.containerd.grpc.v1.cri\".cni]\n  {cni}"
        )
    };
    format!("{}\n{cri}", configuration(folder))
}

/// A handler as `setup` writes it, and the Sandbox API.
fn sandboxed(folder: &Path) -> String {
    let base = folder.join("transom-base.json").display().to_string();
    format!(
        "\n[plugins.\"io.containerd.cri.v1.runtime\".containerd.runtimes.{}]\n  \
         runtime_type = \"io.containerd.runhcs.v1\"\n  sandboxer = \"shim\"\n  \
         base_runtime_spec = {base:?}\n  pod_annotations = [\"io.transom.*\", \"io.transom.*/*\"]\n",
        HANDLERS[1]
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
