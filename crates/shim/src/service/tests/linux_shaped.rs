//! Pods and containers whose specs a Linux containerd made.

use std::path::Path;

use engine::memory::Holding;
use serde_json::{Value, json};

use super::{Shim, within};
use crate::client::Stdio;

const KILL: u32 = 9;

/// The pause container that containerd asks for: a Linux spec, with the pod's network in it.
fn pause() -> Value {
    json!({
        "process": { "args": ["/pause"], "cwd": "/" },
        "root": { "path": "rootfs", "readonly": true },
        "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
        "annotations": {
            "io.kubernetes.cri.container-type": "sandbox",
            "io.kubernetes.cri.sandbox-id": "pod",
        },
        "linux": { "namespaces": [{ "type": "network", "path": "/run/netns/cni-1" }] },
    })
}

fn rewrite(bundle: &Path, change: impl FnOnce(&mut Value)) {
    let path = bundle.join("config.json");
    let mut spec: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut spec);
    std::fs::write(path, spec.to_string()).unwrap();
}

async fn create(shim: &Shim, bundle: &Path, id: &str) -> Result<(), crate::client::ClientError> {
    within(shim.client.create(id, bundle, &Stdio::default())).await.map(drop)
}

#[tokio::test]
async fn a_pause_container_is_a_placeholder_that_holds_the_pods_network() {
    let shim = Shim::pod("pod").await;
    let bundle = shim.bundle("pod", "unused");
    std::fs::write(bundle.join("config.json"), pause().to_string()).unwrap();
    create(&shim, &bundle, "pod").await.unwrap();
    assert_eq!(shim.held(), [Holding::Namespace("pod".to_owned())]);
    shim.client.start_process("pod", None).await.unwrap();

    let annotations = json!({
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.sandbox-id": "pod",
    });
    let bundle = shim.bundle_with("a", "wait", &annotations);
    rewrite(&bundle, |spec| {
        spec["linux"] = json!({ "namespaces": [{ "type": "network", "path": "/proc/1/ns/net" }] });
    });
    create(&shim, &bundle, "a").await.unwrap();
    shim.client.start_process("a", None).await.unwrap();
    let namespaces =
        shim.held().iter().filter(|held| matches!(held, Holding::Namespace(_))).count();
    assert_eq!(namespaces, 1, "the container has the pod's");

    shim.client.kill("pod", None, KILL, true).await.unwrap();
    within(shim.client.wait("pod", None)).await.unwrap();
    within(shim.client.wait("a", None)).await.unwrap();
    within(shim.client.delete("a", None)).await.unwrap();
    within(shim.client.delete("pod", None)).await.unwrap();
    assert_eq!(shim.held(), []);
}

#[tokio::test]
async fn a_pod_whose_network_cannot_be_had_holds_nothing() {
    let shim = Shim::pod("pod").await;
    let bundle = shim.bundle("pod", "unused");
    std::fs::write(bundle.join("config.json"), pause().to_string()).unwrap();
    shim.host.fail_on(Holding::Namespace("pod".to_owned()));
    create(&shim, &bundle, "pod").await.unwrap_err();
    assert_eq!(shim.held(), []);
    create(&shim, &bundle, "pod").await.expect("the second time it is there");
}

/// On Windows a Linux section is a Linux container.
#[tokio::test]
async fn a_linux_spec_is_left_as_it_is_on_windows() {
    let shim = Shim::windows_pod("pod").await;
    let bundle = shim.bundle("pod", "unused");
    std::fs::write(bundle.join("config.json"), pause().to_string()).unwrap();
    let refused = create(&shim, &bundle, "pod").await.unwrap_err();
    assert!(!refused.to_string().contains("/proc"), "{refused}");
    assert_eq!(shim.held(), []);
}

/// As `kubectl run -it` and `kubectl exec -it` come by way of CRI's plugin.
#[tokio::test]
async fn a_stderr_beside_a_terminal_is_left_alone() {
    let shim = Shim::standalone("c1").await;
    let bundle = shim.bundle("c1", "wait");
    rewrite(&bundle, |spec| {
        spec["linux"] = json!({ "namespaces": [{ "type": "network", "path": "/run/netns/x" }] });
    });
    let stderr = shim.path("nobody-made-this").display().to_string();
    let ends = Stdio { stderr, terminal: true, ..Stdio::default() };
    within(shim.client.create("c1", &bundle, &ends)).await.unwrap();
    shim.client.start_process("c1", None).await.unwrap();
    shim.client.exec("c1", "e", &super::process("wait"), &ends).await.unwrap();
    shim.client.start_process("c1", Some("e")).await.unwrap();
}
