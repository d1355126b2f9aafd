//! A pod of the shim's, driven over ttrpc: what its containers share, and what is added to one that
//! runs.

use serde_json::json;

use crate::support::host;
use crate::support::shim::Shim;

const MOUNT: &str = "github.com/Microsoft/hcsshim/pkg/ctrdtaskapi/ContainerMount";

fn name(of: &str) -> String {
    format!("{of}-{}", std::process::id())
}

#[test]
fn what_is_in_a_pods_sandbox_is_shared_by_its_containers_and_goes_with_it() {
    let host = host::shared();
    let pod = name("sharing");
    let mut shim = Shim::pod(&host, &pod);
    let shared = |source: &str| json!({ "source": source, "destination": r"C:\shared" });
    let (one, other, alone) = (name("one"), name("other"), name("alone"));
    shim.container(&one, &json!([shared("sandbox://common/data")]));
    let mut read_only = shared("sandbox:///common/data");
    read_only["options"] = json!(["ro"]);
    shim.container(&other, &json!([read_only]));
    shim.container(&alone, &json!([shared("sandbox://common")]));
    let written = shim.exec(&one, "w", r"echo from one> C:\shared\file");
    assert_eq!(written.0, 0, "{written:?}");
    assert_eq!(shim.exec(&other, "r", r"type C:\shared\file"), (0, "from one".to_owned()));
    let denied = shim.exec(&other, "d", r"echo x> C:\shared\new");
    assert!(denied.1.contains("enied"), "{denied:?}");
    let empty = shim.exec(&alone, "e", r"if exist C:\shared\file exit 7");
    assert_eq!(empty.0, 0, "another name is another folder");
    // A container that comes later finds what an ended one left.
    shim.delete(&one).unwrap();
    assert_eq!(shim.exec(&other, "s", r"type C:\shared\file"), (0, "from one".to_owned()));
    drop(shim);
    let find = ["find", &host.state().display().to_string(), "-name", "_common*"];
    let left = std::process::Command::new(find[0]).args(&find[1..]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout), "", "the pod's folder is left");
}

#[test]
fn a_mount_is_added_to_a_container_that_runs() {
    let host = host::shared();
    let folder = host.scratch();
    std::fs::write(folder.path().join("in.txt"), "added").unwrap();
    let pod = name("adding");
    let shim = Shim::pod(&host, &pod);
    let mount = |path: &str, read_only: bool, kind: &str| {
        json!({
            "HostPath": path, "ContainerPath": r"C:\added", "ReadOnly": read_only, "Type": kind,
        })
    };
    let path = folder.path().display().to_string();
    let refused = shim.update(&pod, MOUNT, &mount(&path, false, "virtual-disk")).unwrap_err();
    assert!(refused.to_string().contains("mount"), "{refused}");
    let missing = folder.path().join("missing").display().to_string();
    let refused = shim.update(&pod, MOUNT, &mount(&missing, false, "")).unwrap_err();
    assert!(refused.to_string().contains("missing"), "{refused}");
    shim.update(&pod, MOUNT, &mount(&path, true, "")).unwrap();
    assert_eq!(shim.exec(&pod, "r", r"type C:\added\in.txt"), (0, "added".to_owned()));
    let denied = shim.exec(&pod, "w", r"echo x> C:\added\new");
    assert!(denied.1.contains("enied"), "{denied:?}");
}

#[test]
fn a_single_file_is_inside_and_what_no_silo_can_have_is_refused_by_its_field() {
    let host = host::shared();
    let folder = host.scratch();
    let file = folder.path().join("settings.ini");
    std::fs::write(&file, "[one]").unwrap();
    let mut shim = Shim::pod(&host, &name("files"));
    let id = name("file");
    let target = r"C:\app\settings.ini";
    let mount = |read_only: &str| json!([{ "source": file, "destination": target, "options": ["rbind", read_only] }]);
    shim.container(&id, &mount("rw"));
    let line = r"type C:\app\SETTINGS.INI& echo [two]> C:\app\settings.ini";
    assert_eq!(shim.exec(&id, "e", line), (0, "[one]".to_owned()));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), "[two]");
    shim.delete(&id).unwrap();
    shim.container(&id, &mount("ReadOnly"));
    let (_, said) = shim.exec(&id, "r", line);
    assert!(said.contains("[two]") && said.contains("enied"), "{said}");

    let rows = [
        (json!({ "source": r"uvm://C:\x", "destination": r"C:\x" }), "mounts.1.source"),
        (json!({ "source": "sandbox://../x", "destination": r"C:\x" }), "mounts.1.source"),
        (json!({ "source": "/tmp", "destination": r"D:\x" }), "ContainerPath"),
        (json!({ "source": "/tmp", "destination": r"C:\x", "type": "overlay" }), "mounts.1.type"),
        (json!({ "source": "/no/such", "destination": r"C:\x" }), "/no/such"),
        (json!({ "source": "/tmp", "destination": "" }), "mounts.1.destination"),
    ];
    for (at, (mount, field)) in rows.into_iter().enumerate() {
        let refused = shim.try_container(&name(&format!("no{at}")), &json!([mount])).unwrap_err();
        assert!(refused.to_string().contains(field), "{mount}: {refused}");
    }
}
