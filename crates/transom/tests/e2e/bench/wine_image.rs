//! Wine as a Linux image for runc: the same programs, another way.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::containerd::Containerd;
use crate::support::host::Host;

/// Takes in the Wine tree that `host`'s containers run on; with a prefix, Wine as it is installed,
/// and that prefix in the platform layer's place.
pub(super) fn import(containerd: &Containerd, host: &Host, name: &str, prefix: Option<&Path>) {
    let archive = archive(host, &containerd.folder(), name, prefix);
    containerd.succeed(&["images", "import", &archive.display().to_string()]);
    std::fs::remove_file(archive).expect("the folder is ours");
}

/// The platform layer's runtime, with a ready prefix in `/wine`.
fn archive(host: &Host, folder: &Path, name: &str, prefix: Option<&Path>) -> PathBuf {
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
        ln -sfn ../drive_c extra/wine/dosdevices/c:
        add() { tar --numeric-owner --owner=0 --group=0 -rf layer.tar "$@"; }
        if [ "$3" ]; then
            add -C "$0/runtime" --exclude ./usr/lib/x86_64-linux-gnu/wine .
            add -C / usr/lib/wine usr/lib/x86_64-linux-gnu/wine usr/share/wine
            add -C "$3" --exclude ./dosdevices --transform 's,^\.,wine,' .
        else
            add -C "$0/runtime" .
            add -C "$0" --transform 's,^drive_c,wine/drive_c,' drive_c
            add -C "$0/registry" --transform 's,^\.,wine,' .
        fi
        add -C extra wine
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
        .arg(prefix.unwrap_or(Path::new("")))
        .output()
        .expect("there is a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder.join("image.tar")
}
