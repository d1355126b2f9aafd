//! What holds for any input.

use std::io;

use proptest::prelude::*;
use serde_json::{Value, json};
use spec::api::{HostConfig, ImageConfig};
use spec::create::{decode, from_json, prepare};
use spec::credential::Source;
use spec::{
    HostFacts, Lookups, PathKind, PathStyle, Settings, build, env, escape, mounts, oci, ports,
    signal, winpath,
};

/// A host where every directory exists and no file does.
struct Everything;

impl Lookups for Everything {
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>> {
        Ok((!path.is_empty()).then_some(PathKind::Directory))
    }

    fn read_credential_spec(&self, path: &str) -> io::Result<String> {
        Ok(format!("the text of {path}"))
    }

    fn layer_folders(&self, container: &str) -> io::Result<Vec<String>> {
        Ok(vec!["/layers/base".to_owned(), format!("/containers/{container}")])
    }
}

fn style() -> impl Strategy<Value = PathStyle> {
    prop_oneof![Just(PathStyle::Windows), Just(PathStyle::Unix)]
}

/// Text of the pieces that mounts, paths and options are made of, or of anything at all.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "c:",
        "C:",
        "d:",
        "\\",
        "/",
        "\\\\?\\",
        "\\\\.\\pipe\\",
        "..",
        ".",
        ":",
        ":ro",
        ":rw",
        "name",
        "con",
        "CON",
        "a b",
        "\"",
        "é",
        "=",
        "://",
        "credentialspec=",
        "file",
        "raw",
        "class/",
        "-1",
        "80",
        "/tcp",
        "\u{130}",
        "\n",
        "",
    ]);
    prop_oneof![
        3 => prop::collection::vec(pieces, 0..8).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(text(), 0..4)
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), Just(-1), 1..20_000_i64, any::<i64>()]
}

/// Members of a request that are likely, unlikely and wrong, any number of them at once.
fn member() -> impl Strategy<Value = (bool, &'static str, Value)> {
    prop_oneof![
        (config_text(), text()).prop_map(|(name, value)| (false, name, json!(value))),
        (config_list(), texts()).prop_map(|(name, value)| (false, name, json!(value))),
        any::<bool>().prop_map(|tty| (false, "Tty", json!(tty))),
        (host_number(), number()).prop_map(|(name, value)| (true, name, json!(value))),
        (host_text(), text()).prop_map(|(name, value)| (true, name, json!(value))),
        (host_list(), texts()).prop_map(|(name, value)| (true, name, json!(value))),
        text().prop_map(|path| (true, "Devices", json!([{ "PathOnHost": path }]))),
        (text(), text(), text()).prop_map(|(kind, source, target)| {
            (true, "Mounts", json!([{ "Type": kind, "Source": source, "Target": target }]))
        }),
        (text(), text()).prop_map(|(port, host)| (
            true,
            "PortBindings",
            json!({ port: [{ "HostPort": host }] })
        )),
        (text(), number()).prop_map(|(name, count)| {
            (true, "RestartPolicy", json!({ "Name": name, "MaximumRetryCount": count }))
        }),
        prop::collection::vec(any::<u64>(), 0..4).prop_map(|size| (
            true,
            "ConsoleSize",
            json!(size)
        )),
    ]
}

fn config_text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["Hostname", "Domainname", "User", "WorkingDir", "StopSignal"])
}

fn config_list() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["Env", "Cmd", "Entrypoint", "Shell"])
}

fn host_number() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["CpuShares", "CpuPercent", "CpuCount", "NanoCpus", "Memory"])
}

fn host_text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["NetworkMode", "Isolation", "VolumeDriver", "CgroupParent"])
}

fn host_list() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["Binds", "SecurityOpt", "DnsSearch", "ExtraHosts", "CapAdd"])
}

/// The body of a request: a command, and then anything.
fn body() -> impl Strategy<Value = String> {
    prop::collection::vec(member(), 0..5).prop_map(|members| {
        let mut config = json!({ "Image": "x", "Cmd": ["cmd"] });
        let mut host = json!({});
        for (of_host, name, value) in members {
            let part = if of_host { &mut host } else { &mut config };
            part[name] = value;
        }
        config["HostConfig"] = host;
        config.to_string()
    })
}

/// From the body to the spec, as far as it goes.
fn whole_way(body: &str, facts: &HostFacts) -> Result<oci::Spec, spec::SpecError> {
    let image = ImageConfig { os: "windows".to_owned(), ..ImageConfig::default() };
    let prepared = prepare(decode(body)?, &image, facts, &Everything)?;
    let points = mounts::collect(&prepared.config, &prepared.host_config, &[], facts, &Everything)?;
    let settings = Settings {
        id: "0123456789abcdef".to_owned(),
        mounts: points.iter().map(|point| point.binding("/some/where")).collect(),
        config: prepared.config,
        host_config: prepared.host_config,
        ..Settings::default()
    };
    build(&settings, &image, facts, &Everything)
}

/// What every spec of a Windows container must be.
fn assert_valid(spec: &oci::Spec) {
    let json = serde_json::to_value(spec).expect("a spec is JSON");
    assert!(json["linux"].is_null() && json["hooks"].is_null());
    assert!(json["windows"]["network"].is_object());
    assert!(json["windows"]["layerFolders"].as_array().is_some_and(|list| list.len() >= 2));
    let process = &json["process"];
    assert!(process["args"].is_array() != process["commandLine"].is_string());
    assert!(process["cwd"].as_str().is_some_and(|cwd| !cwd.is_empty()));
    for mount in json["mounts"].as_array().into_iter().flatten() {
        assert!(mount["source"].is_string() && mount["destination"].is_string());
        assert!(mount["type"].is_null());
    }
    let back: oci::Spec = serde_json::from_value(json.clone()).expect("a spec that can be read");
    assert_eq!(serde_json::to_value(&back).expect("a spec is JSON"), json);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_settings_give_a_valid_spec_or_one_clear_error(body in body(), style in style()) {
        let facts = HostFacts::new(style, "/var/lib/transom", 8);
        match whole_way(&body, &facts) {
            Ok(spec) => assert_valid(&spec),
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                prop_assert!(!error.field().is_empty());
            }
        }
    }

    #[test]
    fn any_text_is_read_as_a_request_or_refused(body in text()) {
        if decode(&body).is_ok() {
            let value: Value = serde_json::from_str(&body).expect("one JSON document");
            prop_assert!(value.is_object());
        }
    }

    #[test]
    fn escaped_arguments_are_parsed_back(args in prop::collection::vec(any::<String>(), 0..6)) {
        prop_assert_eq!(escape::split(&escape::join(&args)), args);
    }

    #[test]
    fn arguments_of_quotes_backslashes_and_blanks_are_parsed_back(
        args in prop::collection::vec("[\\\\\" \tab]{0,8}", 0..6)
    ) {
        prop_assert_eq!(escape::split(&escape::join(&args)), args);
    }

    #[test]
    fn a_program_without_quotes_starts_with_its_arguments(
        program in "[a-zA-Z:.\\\\ ]{1,12}[a-z]", args in prop::collection::vec("[\\\\\" ab]{0,6}", 0..4)
    ) {
        let words: Vec<String> = std::iter::once(program).chain(args).collect();
        let (program, args) = escape::split_command_line(&escape::join(&words));
        prop_assert_eq!((&program, args.as_slice()), (&words[0], &words[1..]));
    }

    #[test]
    fn a_mount_that_is_understood_leaves_the_system_drive_alone(raw in text(), style in style()) {
        if let Ok(point) = mounts::parse(&raw, "", style, &Everything) {
            prop_assert!(!point.destination.is_empty());
            prop_assert!(!matches!(point.destination.to_lowercase().as_str(), "c:" | "c:\\"));
            prop_assert!(!point.destination.contains('/'));
        }
    }

    #[test]
    fn an_object_and_a_string_for_the_same_mount_agree(
        target in "[a-z]:(\\\\[a-z ]{1,5}){0,3}", source in "[a-z]:(\\\\[a-z]{1,5}){1,3}"
    ) {
        let raw = mounts::parse(&format!("{source}:{target}"), "", PathStyle::Windows, &Everything);
        let mount = from_json(json!({ "Type": "bind", "Source": source, "Target": target })).unwrap();
        let object = mounts::from_spec(&mount, PathStyle::Windows, &Everything);
        match (raw, object) {
            (Ok(raw), Ok(object)) => prop_assert_eq!(raw, object),
            (raw, object) => prop_assert_eq!(raw.is_err(), object.is_err()),
        }
    }

    #[test]
    fn a_cleaned_path_is_clean(path in text()) {
        let cleaned = winpath::clean(&path);
        prop_assert_eq!(winpath::clean(&cleaned), cleaned);
    }

    #[test]
    fn a_local_path_stays_below(path in text()) {
        if winpath::is_local(&path) {
            prop_assert!(winpath::join(r"C:\base", &path).starts_with(r"C:\base"));
        }
    }

    #[test]
    fn a_credential_spec_file_stays_in_its_folder(path in text()) {
        let facts = HostFacts::new(PathStyle::Unix, "/var/lib/transom", 1);
        let option = format!("credentialspec=file://{path}");
        if let Ok(Some(text)) = spec::credential::of(&[option], "id", &facts, &Everything) {
            let file = text.strip_prefix("the text of ").expect("the host's own text");
            prop_assert!(file.starts_with("/var/lib/transom/CredentialSpecs"));
            prop_assert!(!file.split('/').any(|element| element == ".."));
        }
    }

    #[test]
    fn options_signals_and_ports_never_panic(text in text()) {
        let _ = Source::parse(&text);
        let _ = signal::parse(&text);
        let _ = ports::parse_one(&text);
        let _ = mounts::volumes_from(&text);
        let _ = env::parse_file(text.as_bytes(), |_| None);
        let _ = spec::devices::parse(&text);
    }

    #[test]
    fn the_last_value_of_a_variable_is_the_one_asked_for(base in texts(), value in text()) {
        let entry = format!("KEY={value}");
        let list = env::apply(&base, std::slice::from_ref(&entry));
        prop_assert_eq!(list.iter().rfind(|one| env::key(one) == "KEY"), Some(&entry));
    }

    #[test]
    fn limits_never_turn_into_none(nanos in 1..=8_000_000_000_i64) {
        let config = HostConfig { nano_cpus: nanos, ..HostConfig::default() };
        for isolation in [spec::IsolationMode::Process, spec::IsolationMode::HyperV] {
            prop_assert!(spec::resources::of(&config, isolation, 8).is_some());
        }
    }
}
