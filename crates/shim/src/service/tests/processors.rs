//! Containers that are to run on some of the host's processors: no such limit is passed over.

use serde_json::{Value, json};

use super::{Shim, within};
use crate::client::Stdio;
use crate::error::words;

#[tokio::test]
async fn a_container_that_is_to_choose_its_processors_is_refused_and_leaves_nothing() {
    let shim = Shim::windows_pod("pod").await;
    let annotations = json!({
        "io.kubernetes.cri.container-type": "sandbox",
        "io.kubernetes.cri.sandbox-id": "pod",
    });
    let bundle = shim.bundle_with("pod", "wait", &annotations);
    let config = bundle.join("config.json");
    let mut spec: Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    spec["windows"]["resources"] = json!({ "cpu": { "affinity": [{ "mask": 1, "group": 0 }] } });
    std::fs::write(&config, spec.to_string()).unwrap();
    let refused = within(shim.client.create("pod", &bundle, &Stdio::default())).await.unwrap_err();
    let refused = words(&refused);
    assert!(refused.contains("windows.resources.cpu.affinity"), "{refused}");
    assert_eq!(shim.held(), []);
}
