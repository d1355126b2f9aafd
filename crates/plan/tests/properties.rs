//! For any spec: planning is the same every time, never panics, and decides or names a field.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use plan::{ContainerRequest, HostFacts, PlanError, ShimOptions, Spec};
use proptest::prelude::*;
use schema::SystemId;
use serde_json::{Map, Value, json};

use host::Host;

#[path = "../fuzz/host.rs"]
mod host;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("true".to_owned()),
        Just("ro".to_owned()),
        Just("-1".to_owned()),
        Just(r"C:\data".to_owned()),
        Just("/srv/data".to_owned()),
        Just(r"\\.\pipe\x".to_owned()),
        Just(r"uvm://\\.\pipe\x".to_owned()),
        Just("sandbox://../a".to_owned()),
        Just("virtual-disk".to_owned()),
        Just(r"\\?\Volume{8b1f0a52-3c7d-4e19-9a4b-6d2c5e7f8a90}\".to_owned()),
        any::<String>(),
        any::<i64>().prop_map(|number| number.to_string()),
    ]
}

/// The annotations that planning reads, with any values.
fn annotations() -> impl Strategy<Value = Value> {
    let names = [
        "io.microsoft.container.memory.sizeinmb",
        "io.microsoft.container.processor.count",
        "io.microsoft.container.processor.limit",
        "io.microsoft.container.processor.weight",
        "io.microsoft.container.storage.qos.iopsmaximum",
        "io.microsoft.container.processdumplocation",
        "io.microsoft.wcow.processdumptype",
        "io.microsoft.wcow.processdumpcount",
        "io.microsoft.container.wcow.deviceextensions",
        "io.microsoft.container.wcow.gmsa.disable",
        "io.microsoft.container.wcow.test-registry-annotation",
        "io.microsoft.virtualmachine.kerneldrivers",
        "io.microsoft.disable-unsafe-operations",
        "microsoft.com/hostprocess-container",
        "io.kubernetes.cri.container-type",
        "io.kubernetes.cri.sandbox-id",
    ];
    prop::collection::btree_map(prop::sample::select(names.to_vec()), text(), 0..6)
        .prop_map(|map| json!(map))
}

fn mounts() -> impl Strategy<Value = Value> {
    let mount = (text(), text(), text(), prop::collection::vec(text(), 0..3)).prop_map(
        |(source, destination, kind, options)| {
            json!({"source": source, "destination": destination, "type": kind, "options": options})
        },
    );
    prop::collection::vec(mount, 0..4).prop_map(Value::from)
}

fn windows() -> impl Strategy<Value = Value> {
    let resources = (any::<Option<u64>>(), any::<Option<u16>>(), any::<Option<u64>>()).prop_map(
        |(count, shares, limit)| {
            json!({
                "cpu": {"count": count, "shares": shares},
                "memory": {"limit": limit},
                "storage": {"iops": limit, "bps": count, "sandboxSize": count},
            })
        },
    );
    let device = (text(), prop_oneof![Just("class".to_owned()), text()])
        .prop_map(|(id, kind)| json!({"id": id, "idType": kind}));
    (
        prop::collection::vec(text(), 0..4),
        prop::option::of(resources),
        prop::collection::vec(device, 0..3),
        prop::option::of(text()),
        any::<bool>(),
        prop::option::of(text()),
    )
        .prop_map(|(layers, resources, devices, credentials, hyperv, namespace)| {
            let mut windows = Map::new();
            windows.insert("layerFolders".into(), json!(layers));
            windows.insert("resources".into(), json!(resources));
            windows.insert("devices".into(), json!(devices));
            windows.insert("credentialSpec".into(), json!(credentials));
            if hyperv {
                windows.insert("hyperv".into(), json!({}));
            }
            if let Some(namespace) = namespace {
                windows.insert("network".into(), json!({"networkNamespace": namespace}));
            }
            Value::Object(windows)
        })
}

fn spec() -> impl Strategy<Value = Value> {
    (
        prop::option::weighted(0.9, windows()),
        mounts(),
        annotations(),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..4),
        prop::option::weighted(0.1, Just(json!({"resources": {"cpu": {"period": 0}}}))),
    )
        .prop_map(|(windows, mounts, annotations, root, args, linux)| {
            json!({
                "ociVersion": "1.1.0",
                "process": {"args": args, "env": args, "cwd": "C:\\", "user": {}},
                "root": root.map(|path| json!({"path": path})),
                "mounts": mounts,
                "annotations": annotations,
                "windows": windows,
                "linux": linux,
            })
        })
}

/// The Linux section that a containerd on Linux writes, with any values.
fn linux() -> impl Strategy<Value = Value> {
    let number = || prop_oneof![Just(json!(null)), any::<i64>().prop_map(|number| json!(number))];
    let namespace =
        (prop::sample::select(vec!["network", "pid", "mount"]), prop::option::of(text()))
            .prop_map(|(kind, path)| json!({"type": kind, "path": path}));
    let resources = (number(), number(), number(), number(), prop::option::of(text())).prop_map(
        |(shares, quota, period, limit, cpus)| {
            json!({
                "cpu": {"shares": shares, "quota": quota, "period": period, "cpus": cpus},
                "memory": {"limit": limit},
                "pids": {"limit": limit},
            })
        },
    );
    let device = (text(), text(), number(), number()).prop_map(|(path, kind, major, minor)| {
        json!({"path": path, "type": kind, "major": major, "minor": minor})
    });
    (
        prop::collection::vec(namespace, 0..3),
        prop::option::of(resources),
        prop::collection::vec(device, 0..2),
        prop::option::weighted(0.2, text()),
    )
        .prop_map(|(namespaces, resources, devices, sysctl)| {
            json!({
                "namespaces": namespaces,
                "resources": resources,
                "devices": devices,
                "sysctl": sysctl.map(|name| json!({name: "1"})),
            })
        })
}

/// Places that mean something to Linux, among others.
fn linux_mounts() -> impl Strategy<Value = Value> {
    let place = prop_oneof![
        prop::sample::select(vec![
            "/etc/resolv.conf",
            "/etc/hosts",
            "/etc/hostname",
            "/dev/shm",
            "/C:",
            "/c:/x",
            "/",
        ])
        .prop_map(str::to_owned),
        text(),
    ];
    let mount = (text(), place, text())
        .prop_map(|(source, to, kind)| json!({"source": source, "destination": to, "type": kind}));
    prop::collection::vec(mount, 0..4).prop_map(Value::from)
}

fn vm(os: &str) -> plan::vm::HostingVm {
    let vm = json!({
        "id": "pod@vm", "os": os, "processors": 2, "scsi_controllers": 1,
        "reserved_scsi_slots": [[0, 0]], "vpmem_max_count": 2,
        "vpmem_max_size_bytes": 4_294_967_296_u64, "vpmem_multi_mapping": true,
    });
    serde_json::from_value(vm).unwrap()
}

/// Everything that a refusal says is of use.
fn names_something(error: &PlanError) -> bool {
    match error {
        PlanError::Field { field, .. }
        | PlanError::Denied { field, .. }
        | PlanError::Unsupported { field, .. }
        | PlanError::Missing { field, .. }
        | PlanError::Lookup { field, .. }
        | PlanError::Exhausted { field, .. } => !field.is_empty(),
        PlanError::Conflict { fields, .. } => !fields.is_empty(),
        PlanError::Several(errors) => errors.iter().all(names_something),
    }
}

proptest! {
    #[test]
    fn planning_is_the_same_every_time_and_decides_or_names_a_field(
        spec in spec(),
        unix in any::<bool>(),
        os in prop::option::of(prop::sample::select(vec!["windows", "linux"])),
    ) {
        let Ok(mut spec) = Spec::from_value(spec) else { return Ok(()) };
        if let Err(error) = ShimOptions::default().prepare(&mut spec) {
            prop_assert!(names_something(&error), "{error:?}");
            return Ok(());
        }
        let host = if unix { HostFacts::unix(8) } else { HostFacts::windows(20348, 8, r"C:\shim") };
        let mut request = ContainerRequest::new(SystemId::new("c").unwrap(), "o", spec);
        request.vm = os.map(vm);
        let first = plan::container(&request, &host, &Host);
        prop_assert_eq!(&first, &plan::container(&request, &host, &Host));
        match first {
            Ok(plan) => {
                // What was decided survives being written down, and can be read.
                let text = serde_json::to_string(&plan).unwrap();
                let read: plan::Plan = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&read, &plan);
                prop_assert!(plan.to_table().contains("container c"));
            }
            Err(error) => prop_assert!(names_something(&error), "{error:?}"),
        }
    }

    #[test]
    fn a_linux_shaped_spec_becomes_a_windows_one_or_names_a_field(
        spec in spec(),
        linux in linux(),
        mounts in linux_mounts(),
    ) {
        let mut json = spec;
        json["linux"] = linux;
        json["mounts"] = mounts;
        let Ok(spec) = Spec::from_value(json) else { return Ok(()) };
        let host = HostFacts::unix(8);
        let adopted = || {
            let mut spec = spec.clone();
            plan::linux_shaped::adopt(&mut spec, &host, &Host).map(|beside| (spec, beside))
        };
        match adopted() {
            Ok((windows, beside)) => {
                prop_assert!(windows.linux.is_none() && windows.windows.is_some());
                prop_assert_eq!(&adopted().unwrap(), &(windows.clone(), beside));
                let mut again = windows.clone();
                let none = plan::linux_shaped::adopt(&mut again, &host, &Host).unwrap();
                prop_assert_eq!(none, plan::linux_shaped::Beside::default());
                prop_assert_eq!(again, windows);
            }
            Err(error) => prop_assert!(names_something(&error), "{error:?}"),
        }
        // On Windows it stays what it is: a Linux container.
        let mut same = spec.clone();
        let windows = HostFacts::windows(20348, 8, r"C:\shim");
        plan::linux_shaped::adopt(&mut same, &windows, &Host).unwrap();
        prop_assert_eq!(same, spec);
    }

    #[test]
    fn any_json_is_read_as_a_spec_or_refused(text in any::<String>(), spec in spec()) {
        let _ = Spec::from_json(&text);
        let mut broken = spec;
        broken["process"] = json!(text);
        prop_assert!(Spec::from_value(broken).is_err());
    }

    #[test]
    fn a_command_line_is_split_into_the_arguments_it_was_made_from(
        args in prop::collection::vec("[a-c \\t\"\\\\]{0,8}", 1..5),
    ) {
        // The first is the program, which Windows splits by other rules.
        let line = plan::command_line(&args);
        prop_assert_eq!(split(&line), args);
    }

    #[test]
    fn a_cleaned_path_stays_as_it_is(path in "([a-c]:)?[a-c./\\\\]{0,16}") {
        let clean = plan::paths::clean(&path);
        prop_assert_eq!(plan::paths::clean(&clean), clean);
    }
}

/// `CommandLineToArgvW`'s rules for every argument but the first.
fn split(line: &str) -> Vec<String> {
    let (mut args, mut arg, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let mut count = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let before_quote = rest.peek() == Some(&'"');
                arg.extend(std::iter::repeat_n('\\', if before_quote { count / 2 } else { count }));
                if before_quote && count % 2 == 1 {
                    arg.push('"');
                    rest.next();
                }
                any = true;
            }
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' | '\t' if !quoted => {
                if any {
                    args.push(std::mem::take(&mut arg));
                }
                any = false;
            }
            other => {
                arg.push(other);
                any = true;
            }
        }
    }
    if any {
        args.push(arg);
    }
    args
}
