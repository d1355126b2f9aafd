//! Plans for the Linux engine: what is decided, and what is refused with a reason.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use plan::host::{Found, LookupError, Lookups};
use plan::{ContainerRequest, HostFacts, Plan, PlanError, Spec, Step};
use schema::SystemId;
use serde_json::{Value, json};

/// A host on which every path below `/host` is a directory.
struct Host;

impl Lookups for Host {
    fn find(&self, path: &str) -> Result<Found, LookupError> {
        if path.starts_with("/host") {
            return Ok(Found::Directory);
        }
        Err(LookupError { path: path.into(), why: "no such file or directory".into() })
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        self.find(path).map(|_| path.replace("/host/link", "/host/real"))
    }

    fn read(&self, path: &str) -> Result<String, LookupError> {
        Err(LookupError { path: path.into(), why: "is a directory".into() })
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.to_owned())
    }

    fn new_guid(&self) -> String {
        "00000000-0000-4000-8000-000000000001".into()
    }
}

fn request(spec: Value) -> ContainerRequest {
    let id = SystemId::new("web").unwrap();
    ContainerRequest::new(id, "test", Spec::from_value(spec).unwrap())
}

fn plan(spec: Value) -> Result<Plan, PlanError> {
    plan::container(&request(spec), &HostFacts::unix(4), &Host)
}

/// A spec with these parts over a plain one.
fn spec(parts: Value) -> Value {
    let mut spec = json!({
        "ociVersion": "1.1.0",
        "process": {"commandLine": "cmd /c ver", "cwd": "C:\\", "user": {}},
        "windows": {"layerFolders": ["/layers/top", "/layers/base", "/host/containers/web/scratch"]},
    });
    merge(&mut spec, parts);
    spec
}

fn merge(into: &mut Value, parts: Value) {
    match (into, parts) {
        (Value::Object(into), Value::Object(parts)) => {
            for (key, value) in parts {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, parts) => *into = parts,
    }
}

/// The field that a refusal names.
fn refused(parts: Value) -> String {
    match plan(spec(parts)).unwrap_err() {
        PlanError::Field { field, .. }
        | PlanError::Unsupported { field, .. }
        | PlanError::Missing { field, .. }
        | PlanError::Denied { field, .. }
        | PlanError::Lookup { field, .. } => field,
        other => panic!("names no field: {other}"),
    }
}

#[test]
fn a_plain_container_needs_its_layers_mounted_and_nothing_else() {
    let plan = plan(spec(json!({}))).unwrap();
    let layers = vec!["/layers/top".to_owned(), "/layers/base".to_owned()];
    let scratch = "/host/containers/web/scratch".to_owned();
    assert_eq!(plan.steps, [Step::MountLayers { scratch, layers }]);
    assert!(!plan.document.should_terminate_on_last_handle_closed);
    assert_eq!(plan.process.unwrap().command_line, "cmd /c ver");
}

#[test]
fn a_scratch_that_is_missing_is_made_with_its_size() {
    let parts = json!({"windows": {
        "layerFolders": ["/layers/base", "/elsewhere/scratch"],
        "resources": {"storage": {"sandboxSize": 1_073_741_824_u64}},
    }});
    let plan = plan(spec(parts)).unwrap();
    assert!(matches!(&plan.steps[0], Step::CreateScratch { size: Some(1_073_741_824), .. }));
}

#[test]
fn limits_network_and_name_reach_the_document() {
    let parts = json!({
        "hostname": "web-0",
        "windows": {
            "network": {"networkNamespace": "web", "DNSSearchList": ["a.local", "b.local"]},
            "resources": {
                "cpu": {"count": 64},
                "memory": {"limit": 268_435_456},
                "storage": {"iops": 500, "bps": 1_048_576},
            },
        },
    });
    let plan = plan(spec(parts)).unwrap();
    let container = plan.document.container.clone().unwrap();
    assert_eq!(container.guest_os.unwrap().host_name, "web-0");
    assert_eq!(container.processor.unwrap().count, 4, "cut to the processors there are");
    assert_eq!(plan.remarks.len(), 1);
    assert_eq!(container.memory.unwrap().size_in_mb, 256);
    let network = container.networking.unwrap();
    assert_eq!(
        (network.namespace.as_str(), network.dns_search_list.as_str()),
        ("web", "a.local,b.local")
    );
    assert_eq!(container.storage.qos.unwrap().iops_maximum, 500);
}

#[test]
fn mounts_are_resolved_and_pipes_may_be_sockets() {
    let parts = json!({"mounts": [
        {"source": "/host/link/data", "destination": "C:\\data", "options": ["Ro"]},
        {"source": "/host/run/docker.sock", "destination": "\\\\.\\pipe\\docker_engine"},
    ]});
    let container = plan(spec(parts)).unwrap().document.container.unwrap();
    let directory = &container.mapped_directories[0];
    assert_eq!(directory.host_path, "/host/real/data");
    assert!(directory.read_only);
    let pipe = &container.mapped_pipes[0];
    assert_eq!(pipe.host_path, "/host/run/docker.sock");
    assert_eq!(pipe.container_pipe_name, "docker_engine");
}

#[test]
fn a_disk_keeps_its_kind_and_forbids_writing_by_any_word() {
    for (kind, word) in
        [("virtual-disk", "ro"), ("physical-disk", "ReadOnly"), ("virtual-disk", "rro")]
    {
        let mount = json!({
            "source": "/host/d", "destination": "C:\\d", "type": kind, "options": ["rbind", word],
        });
        let container = plan(spec(json!({"mounts": [mount]}))).unwrap().document.container.unwrap();
        let mapped = &container.mapped_directories[0];
        assert_eq!((mapped.host_path_type.as_str(), mapped.read_only), (kind, true));
    }
}

#[test]
fn what_a_pod_shares_cannot_leave_its_folder() {
    let shared = |source: &str| {
        let parts = json!({"mounts": [{"source": source, "destination": "C:\\x"}]});
        let mut request = request(spec(parts));
        request.sandbox_folder = Some("/pods/p1".into());
        plan::container(&request, &HostFacts::unix(4), &Host)
    };
    let plan = shared("sandbox:///a/b").unwrap();
    let container = plan.document.container.unwrap();
    assert_eq!(container.mapped_directories[0].host_path, "/pods/p1/_a%2Fb");
    assert!(matches!(&plan.steps[1], Step::CreateFolder { path } if path == "/pods/p1/_a%2Fb"));
    assert!(shared("sandbox://../../etc").is_err());
}

#[test]
fn what_the_linux_engine_cannot_do_is_refused_by_name() {
    let mount = |mount: Value| json!({"mounts": [mount]});
    let cases = [
        (json!({"windows": {"hyperv": {}}}), "windows.hyperv"),
        (json!({"linux": {}}), "linux"),
        (json!({"root": {"path": "/somewhere"}}), "root.path"),
        (json!({"root": {"path": "", "readonly": true}}), "root.readonly"),
        (
            json!({"annotations": {"microsoft.com/hostprocess-container": "true"}}),
            "microsoft.com/hostprocess-container",
        ),
        (
            json!({"windows": {"resources": {"cpu": {"affinity": [{"mask": 1}]}}}}),
            "windows.resources.cpu.affinity",
        ),
        (
            mount(
                json!({"source": "/host/a", "destination": "C:\\a", "type": "extensible-virtual-disk"}),
            ),
            "mounts.0.type",
        ),
        (mount(json!({"source": "C:\\a", "destination": "C:\\a"})), "mounts.0.source"),
        (mount(json!({"source": "/host/a", "destination": "data"})), "mounts.0.destination"),
        (mount(json!({"source": "/gone", "destination": "C:\\a"})), "mounts.0.source"),
        (mount(json!({"source": "sandbox://a", "destination": "C:\\a"})), "mounts.0.source"),
        (json!({"windows": {"layerFolders": ["/only"]}}), "windows.layerFolders"),
    ];
    for (parts, field) in cases {
        assert_eq!(refused(parts.clone()), field, "{parts}");
    }
}

#[test]
fn a_plan_can_be_read_before_it_is_carried_out() {
    let parts = json!({
        "windows": {
            "network": {"endpointList": ["nat"]},
            "resources": {"cpu": {"maximum": 2500}},
        },
        "mounts": [
            {"source": "/host/a", "destination": "C:\\a", "options": ["ro"]},
            {"source": "/host/d.vhdx", "destination": "C:\\d", "type": "virtual-disk"},
        ],
        "annotations": {"io.microsoft.container.processdumplocation": "C:\\dumps"},
    });
    let plan = plan(spec(parts)).unwrap();
    let table = plan.to_table();
    for told in [
        "create namespace",
        "web, endpoints: nat",
        "unmount",
        "/host/a at C:\\a (read-only)",
        "virtual-disk /host/d.vhdx at C:\\d",
        "at most 2500 of 10000 parts of all",
        r"LocalDumps\DumpFolder = C:\dumps",
        r"LocalDumps\DumpCount = 10",
    ] {
        assert!(table.contains(told), "the table does not tell `{told}`:\n{table}");
    }
    let json = plan.to_json();
    assert_eq!(json["steps"][0]["do"], "CreateNamespace");
    assert_eq!(json["steps"][0]["given_back"], "delete the namespace");
    assert_eq!(json["document"]["Container"]["Networking"], json!({}));
}
