//! Debian's containerd and runc, in folders of their own, as the thing to compare with.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::host::Host;
use crate::support::wait;

/// A containerd that goes with this value.
pub(super) struct Containerd {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl Containerd {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = {:?}\n",
            path("root"),
            path("state"),
            path("sock"),
        );
        std::fs::write(path("config.toml"), config).expect("the folder is ours");
        let daemon = Command::new("containerd")
            .args(["--config", &path("config.toml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("containerd is installed");
        let this = Self { folder, daemon };
        wait::until("containerd's answer", || {
            this.ctr(&["version"])
                .output()
                .is_ok_and(|output| output.status.success())
                .then_some(())
        });
        this
    }

    /// `ctr` for it.
    pub(super) fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.folder.path().join("sock")).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end, which must be a success: how long that took, and its output.
    pub(super) fn run(&self, arguments: &[&str]) -> (Duration, String) {
        let started = Instant::now();
        let output = self.ctr(arguments).output().expect("ctr is installed");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ctr {arguments:?}: {errors}");
        (started.elapsed(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Takes in the Wine tree that `host`'s containers run on, as a Linux image.
    pub(super) fn import_wine(&self, host: &Host, name: &str) {
        let archive = wine_image(host, self.folder.path(), name);
        self.run(&["images", "import", &archive.display().to_string()]);
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        // What its snapshotter left mounted would keep the folder.
        let _ = Command::new("sh")
            .args(["-c", r#"grep -o "$0[^ ]*" /proc/mounts | tac | xargs -r umount -l"#])
            .arg(self.folder.path())
            .stderr(Stdio::null())
            .status();
    }
}

/// The platform layer's runtime with its Windows drive as a ready prefix in `/wine`.
fn wine_image(host: &Host, folder: &Path, name: &str) -> PathBuf {
    let platforms = host.root().join("platform");
    let platform = std::fs::read_dir(platforms)
        .expect("a container has run")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("platform.json").is_file())
        .expect("the platform layer is made by the first container");
    let script = r#"
        set -e
        cd "$1"; mkdir -p oci/blobs/sha256 extra/wine/dosdevices
        ln -s ../drive_c extra/wine/dosdevices/c:
        tar -C "$0/runtime" --numeric-owner --owner=0 --group=0 -cf layer.tar .
        tar -C "$0" --numeric-owner --owner=0 --group=0 --transform 's,^drive_c,wine/drive_c,' -rf layer.tar drive_c
        tar -C "$0/registry" --numeric-owner --owner=0 --group=0 --transform 's,^\.,wine,' -rf layer.tar .
        tar -C extra --numeric-owner --owner=0 --group=0 -rf layer.tar wine
        put() { set -- "$1" "$(sha256sum <"$1" | cut -c1-64)" "$(stat -c %s "$1")"; mv "$1" "oci/blobs/sha256/$2"; printf '"digest":"sha256:%s","size":%s' "$2" "$3"; }
        diff=$(sha256sum <layer.tar | cut -c1-64)
        layer=$(put layer.tar)
        printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$diff" >config
        config=$(put config)
        printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}' "$config" "$layer" >manifest
        manifest=$(put manifest)
        printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"annotations":{"io.containerd.image.name":"%s"}}]}' "$manifest" "$2" >oci/index.json
        printf '{"imageLayoutVersion":"1.0.0"}' >oci/oci-layout
        tar -C oci -cf image.tar .
        rm -r oci
    "#;
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(platform)
        .arg(folder)
        .arg(name)
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("image.tar")
}
