//! Specs as containerd makes them on Linux, and what they come to.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::host::{Found, LookupError};
use crate::update::Update;

/// Files by their paths.
struct Files(BTreeMap<&'static str, &'static str>);

impl Lookups for Files {
    fn find(&self, path: &str) -> Result<Found, LookupError> {
        self.read(path).map(|text| Found::File(text.len() as u64))
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn read(&self, path: &str) -> Result<String, LookupError> {
        let missing = || LookupError { path: path.to_owned(), why: "nothing".to_owned() };
        self.0.get(path).map(|text| (*text).to_owned()).ok_or_else(missing)
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn new_guid(&self) -> String {
        String::new()
    }
}

fn files() -> Files {
    Files(BTreeMap::from([
        ("/cri/hosts", "127.0.0.1 localhost\nfe00::0 ip6-localnet\n10.1.2.3\tweb-0 # the pod\n"),
        (
            "/cri/resolv.conf",
            "search default.svc.x svc.x\nnameserver 127.0.0.53\nnameserver 10.0.0.10\noptions ndots:5\n",
        ),
        ("/cri/hostname", "web-0\n"),
    ]))
}

/// What containerd makes for a container of a pod whose handler has a base spec.
fn of_a_pod() -> Spec {
    Spec::from_value(json!({
        "ociVersion": "1.1.0",
        "process": {
            "args": ["app.exe", "a b"], "cwd": "/",
            "env": ["PATH=/usr/local/bin:/usr/bin", "HOSTNAME=web-0", "A=b"],
            "user": { "uid": 0, "gid": 0, "username": "ContainerUser" },
        },
        "root": { "path": "rootfs" },
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            { "destination": "/dev", "type": "tmpfs", "source": "tmpfs" },
            { "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup" },
            { "destination": "/etc/hosts", "type": "bind", "source": "/cri/hosts" },
            { "destination": "/etc/resolv.conf", "type": "bind", "source": "/cri/resolv.conf" },
            { "destination": "/etc/hostname", "type": "bind", "source": "/cri/hostname" },
            { "destination": "/dev/shm", "type": "bind", "source": "/cri/shm" },
            { "destination": "/C:\\data", "type": "bind", "source": "/v", "options": ["rbind", "ro"] },
            { "destination": "/var/run/secrets/x", "type": "bind", "source": "/s" },
            { "destination": "/\\\\.\\pipe\\p", "type": "bind", "source": "/run/p" },
        ],
        "annotations": {
            "io.kubernetes.cri.container-type": "container",
            "io.kubernetes.cri.sandbox-id": "pod1",
            "io.kubernetes.cri.container-name": "app",
        },
        "linux": {
            "resources": { "memory": { "limit": 1 << 28 }, "cpu": { "quota": 50_000, "period": 100_000 } },
            "namespaces": [{ "type": "network", "path": "/proc/1/ns/net" }],
        },
        "windows": {},
    }))
    .unwrap()
}

fn adopted(mut spec: Spec) -> Result<(Spec, Beside)> {
    let beside = adopt(&mut spec, &HostFacts::unix(2), &files())?;
    Ok((spec, beside))
}

#[test]
fn a_pods_container_becomes_a_windows_one() {
    let (spec, beside) = adopted(of_a_pod()).unwrap();
    let names = beside.names;
    assert!(spec.is_wcow());
    let process = spec.process.unwrap();
    assert_eq!((process.cwd.as_str(), process.user.username.as_str()), ("C:\\", "ContainerUser"));
    assert_eq!(process.env, ["HOSTNAME=web-0", "A=b"]);
    assert_eq!((spec.hostname.as_str(), spec.root.unwrap().path.as_str()), ("web-0", ""));
    let places: Vec<_> = spec.mounts.iter().map(|mount| mount.destination.as_str()).collect();
    let expected = [
        r"C:\Windows\System32\drivers\etc\hosts",
        r"C:\data",
        r"C:\var\run\secrets\x",
        r"\\.\pipe\p",
    ];
    assert_eq!(places, expected);
    let windows = spec.windows.unwrap();
    let limits = serde_json::to_value(windows.resources).unwrap();
    assert_eq!(limits, json!({ "memory": { "limit": 1 << 28 }, "cpu": { "maximum": 2500 } }));
    assert_eq!(windows.network, None, "its pod's");
    assert_eq!(names.servers, ["10.0.0.10".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(names.search, ["default.svc.x", "svc.x"]);
    assert_eq!(names.hosts.keys().collect::<Vec<_>>(), ["web-0"]);
}

#[test]
fn every_spelling_of_a_volumes_place_is_taken() {
    for (given, place) in [
        (r"C:\data", r"C:\data"),
        (r"/C:\data2", r"C:\data2"),
        ("c:/data3", r"c:\data3"),
        ("/c:/a/b", r"c:\a\b"),
        ("/data", r"C:\data"),
        ("/C:", r"C:\"),
        (r"\\.\pipe\x", r"\\.\pipe\x"),
    ] {
        assert_eq!(mounts::windows_path(given), place, "{given}");
    }
}

#[test]
fn windows_options_that_kubernetes_drops_come_as_annotations() {
    let mut spec = of_a_pod();
    let all = spec.annotations.as_mut().unwrap();
    all.insert("io.transom.user-name".into(), "ContainerAdministrator".into());
    all.insert("io.transom.credential-spec".into(), "{}".into());
    let (adopted_spec, _) = adopted(spec.clone()).unwrap();
    let user = adopted_spec.process.unwrap().user.username;
    assert_eq!(user, "ContainerAdministrator");
    assert_eq!(adopted_spec.windows.unwrap().credential_spec, Some(json!("{}")));
    let all = spec.annotations.as_mut().unwrap();
    all.insert("io.transom.user-name/app".into(), "NT AUTHORITY\\SYSTEM".into());
    all.insert("io.transom.user-name/other".into(), "x".into());
    let user = adopted(spec).unwrap().0.process.unwrap().user.username;
    assert_eq!(user, "NT AUTHORITY\\SYSTEM", "its own wins over its pod's");
}

#[test]
fn a_container_on_its_own_has_the_network_that_its_spec_names() {
    let mut spec = of_a_pod();
    spec.annotations = None;
    spec.linux.as_mut().unwrap()["namespaces"][0]["path"] = json!("/run/netns/x");
    let network = adopted(spec.clone()).unwrap().0.windows.unwrap().network.unwrap();
    assert_eq!(network.network_namespace, "/run/netns/x");
    spec.linux.as_mut().unwrap()["namespaces"][0] = json!({ "type": "network" });
    let network = adopted(spec).unwrap().0.windows.unwrap().network.unwrap();
    assert_eq!(network.network_namespace, "", "one of its own");
}

#[test]
fn what_a_windows_container_would_silently_lose_is_refused() {
    let change = |path: &str, value: Value| {
        let mut whole = serde_json::to_value(of_a_pod()).unwrap();
        whole["annotations"] = json!({});
        *whole.pointer_mut(path).unwrap() = value;
        adopted(Spec::from_value(whole).unwrap()).unwrap_err().to_string()
    };
    for (path, value, word) in [
        ("/linux/namespaces", json!([{ "type": "pid" }]), "hostNetwork"),
        (
            "/linux",
            json!({ "devices": [{ "path": "/dev/sda", "type": "b", "major": 8, "minor": 0 }],
            "namespaces": [{ "type": "network" }] }),
            "/dev/sda",
        ),
        (
            "/linux",
            json!({ "sysctl": { "kernel.shm_rmid_forced": "1" } }),
            "kernel.shm_rmid_forced",
        ),
        ("/linux/resources", json!({ "cpu": { "cpus": "0-1" } }), "cpu.cpus"),
        ("/linux/resources", json!({ "pids": { "limit": 10 } }), "pids.limit"),
        ("/process/user", json!({ "uid": 1000, "gid": 0 }), "io.transom.user-name"),
    ] {
        let error = change(path, value);
        assert!(error.contains(word), "{path}: {error}");
    }
    let mut hooked = of_a_pod();
    hooked.hooks = Some(json!({ "createRuntime": [{ "path": "/bin/x" }] }));
    assert!(adopted(hooked).unwrap_err().to_string().contains("createRuntime"));
}

#[test]
fn a_graphics_processor_is_a_class_of_devices() {
    let device = json!({ "path": "/dev/dri/renderD128", "type": "c", "major": 226, "minor": 128 });
    let found = devices::of_section(&json!({ "devices": [device] })).unwrap().unwrap();
    assert_eq!((found.len(), found[0].id_type.as_str()), (1, "class"));
}

#[test]
fn a_quota_is_a_share_of_all_processors_and_a_weight_is_half() {
    let limits = limits::windows_limits(&json!({ "cpu": { "quota": 50_000 } }), 2);
    assert_eq!(limits, json!({ "cpu": { "maximum": 2500 } }));
    let limits = limits::windows_limits(&json!({ "cpu": { "shares": 2048, "quota": -1 } }), 2);
    assert_eq!(limits, json!({ "cpu": { "shares": 1000 } }));
}

#[test]
fn an_update_is_taken_as_a_limit_is_and_what_would_not_hold_is_refused() {
    let host = HostFacts::unix(2);
    let updated = |asked: Value| match update(asked, &host) {
        Ok(Update::Windows(limits)) => Ok(serde_json::to_value(limits).unwrap()),
        Ok(other) => panic!("{other:?}"),
        Err(refused) => Err(refused.to_string()),
    };
    for (asked, limits) in [
        (json!({ "memory": { "limit": 1 << 28 } }), json!({ "memory": { "limit": 1 << 28 } })),
        // Too little is refused by who knows how much is enough; it is not no limit.
        (json!({ "memory": { "limit": 1 } }), json!({ "memory": { "limit": 1 << 20 } })),
        (json!({ "memory": { "limit": -1 } }), json!({ "memory": { "limit": 0 } })),
        (json!({ "cpu": { "quota": -1 } }), json!({ "cpu": { "maximum": 0 } })),
        (json!({ "cpu": { "quota": -1, "shares": 1024 } }), json!({ "cpu": { "shares": 500 } })),
        (json!({ "pids": { "limit": 4096 }, "devices": [] }), json!({})),
    ] {
        assert_eq!(updated(asked.clone()), Ok(limits), "{asked}");
    }
    for (asked, word) in [
        (json!([]), "object"),
        (json!({ "memory": { "limit": "1g" } }), "memory.limit"),
        (json!({ "cpu": { "cpus": "0" } }), "cpu.cpus"),
        (json!({ "pids": { "limit": 10 } }), "pids.limit"),
    ] {
        let refused = updated(asked.clone()).unwrap_err();
        assert!(refused.contains(word), "{asked}: {refused}");
    }
}

#[test]
fn a_windows_spec_stays_as_it_is() {
    let mut spec = of_a_pod();
    spec.linux = None;
    let (after, beside) = adopted(spec.clone()).unwrap();
    assert_eq!(after, spec);
    assert_eq!(beside, Beside::default());
}
