//! A container on a Linux host, from a request to the JSON that the shim is given.

use std::io;

use serde_json::json;
use spec::create::{CreateRequest, prepare};
use spec::network::Attachments;
use spec::{HostFacts, Lookups, PathKind, PathStyle, Settings};

struct Linux;

impl Lookups for Linux {
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>> {
        Ok((path == "/srv/Data").then_some(PathKind::Directory))
    }

    fn read_credential_spec(&self, path: &str) -> io::Result<String> {
        assert_eq!(path, "/var/lib/transom/CredentialSpecs/web.json");
        Ok("{}".to_owned())
    }

    fn layer_folders(&self, container: &str) -> io::Result<Vec<String>> {
        Ok(vec!["/layers/app".into(), "/layers/base".into(), format!("/containers/{container}")])
    }
}

fn facts() -> HostFacts {
    HostFacts::new(PathStyle::Unix, "/var/lib/transom", 4)
}

fn image() -> spec::api::ImageConfig {
    serde_json::from_value(json!({
        "architecture": "amd64", "os": "windows", "os.version": "10.0.20348.1",
        "config": {"Entrypoint": ["C:\\app\\app.exe"], "Env": ["Path=C:\\app"], "WorkingDir": "C:\\app"}
    }))
    .expect("the config of an image")
}

#[test]
fn settings_become_the_spec_that_the_shim_is_given() {
    let mut request = CreateRequest::default();
    request.config.cmd = vec!["--name".into(), "a b".into()];
    request.config.env = vec!["X=1".into()];
    request.config.user = "ContainerUser".into();
    request.config.tty = true;
    request.host_config.binds = vec![r"/srv/Data:C:\Data:ro".into()];
    request.host_config.nano_cpus = 2_000_000_000;
    request.host_config.memory = 512 << 20;
    request.host_config.security_opt = vec!["credentialspec=file://web.json".into()];
    request.host_config.annotations.insert("a".into(), "b".into());

    let prepared = prepare(request, &image(), &facts(), &Linux).expect("settings that are right");
    let points =
        spec::mounts::collect(&prepared.config, &prepared.host_config, &[], &facts(), &Linux)
            .expect("a mount that is right");
    let settings = Settings {
        id: "0123456789abcdef".into(),
        mounts: points.iter().map(|point| point.binding(&point.source)).collect(),
        network: Attachments { namespace: Some("ns-1".into()), ..Attachments::default() },
        config: prepared.config,
        host_config: prepared.host_config,
        ..Settings::default()
    };
    let spec = spec::build(&settings, &image(), &facts(), &Linux).expect("a spec");

    let expected = json!({
        "ociVersion": "1.3.0",
        "hostname": "0123456789ab",
        "annotations": {"a": "b"},
        "mounts": [{"source": "/srv/Data", "destination": r"C:\Data", "options": ["ro"]}],
        "process": {
            "args": [r"C:\app\app.exe", "--name", "a b"],
            "cwd": r"C:\app",
            "env": ["X=1", r"Path=C:\app"],
            "terminal": true,
            "consoleSize": {"height": 0, "width": 0},
            "user": {"uid": 0, "gid": 0, "username": "ContainerUser"}
        },
        "windows": {
            "layerFolders": ["/layers/app", "/layers/base", "/containers/0123456789abcdef"],
            "ignoreFlushesDuringBoot": true,
            "network": {"networkNamespace": "ns-1"},
            "resources": {
                "cpu": {"count": 0, "shares": 0, "maximum": 5000},
                "memory": {"limit": 536_870_912}
            },
            "credentialSpec": "{}"
        }
    });
    assert_eq!(serde_json::to_value(&spec).expect("JSON"), expected);
}

#[test]
fn an_image_for_another_system_is_refused() {
    let image = spec::api::ImageConfig { os: "linux".into(), ..image() };
    let error = spec::build(&Settings::default(), &image, &facts(), &Linux).unwrap_err();
    assert_eq!(error.to_string(), "operating system is not supported");
}

#[test]
fn what_windows_does_not_have_is_refused_by_name() {
    for (host_config, field) in [
        (json!({"Privileged": true}), "Privileged"),
        (json!({"Ulimits": [{"Name": "nofile"}]}), "Ulimits"),
        (json!({"Mounts": [{"Type": "tmpfs", "Target": r"C:\x"}]}), "Mounts"),
        (json!({"RestartPolicy": {"Name": "sometimes"}}), "RestartPolicy"),
    ] {
        let request = CreateRequest {
            host_config: serde_json::from_value(host_config).expect("JSON"),
            ..CreateRequest::default()
        };
        let error = prepare(request, &image(), &facts(), &Linux).unwrap_err();
        assert_eq!(error.field(), field, "{error}");
    }
}

#[test]
fn declared_volumes_are_mounts_unless_something_is_there_already() {
    let mut config = spec::api::Config::default();
    config.volumes.extend([r"C:\Data", r"C:\Cache\"]);
    let host_config = spec::api::HostConfig {
        binds: vec![r"/srv/Data:c:\data".into()],
        ..spec::api::HostConfig::default()
    };
    let points =
        spec::mounts::collect(&config, &host_config, &[], &facts(), &Linux).expect("mounts");
    let places: Vec<&str> = points.iter().map(|point| point.destination.as_str()).collect();
    assert_eq!(places, [r"c:\data", r"C:\Cache"]);

    config.volumes.insert("C:");
    let error = spec::mounts::collect(&config, &host_config, &[], &facts(), &Linux).unwrap_err();
    assert!(error.to_string().starts_with("Unrecognised volume spec: "), "{error}");
}

#[test]
fn a_pipe_is_answered_by_a_pipe_of_the_host_or_by_a_socket() {
    for (bind, source) in [
        (r"/run/docker.sock:\\.\pipe\docker_engine", "/run/docker.sock"),
        (r"\\.\pipe\docker_engine:\\.\pipe\docker_engine", r"\\.\pipe\docker_engine"),
    ] {
        let point = spec::mounts::parse(bind, "", PathStyle::Unix, &Linux).expect("a pipe");
        assert_eq!(point.kind, spec::mounts::MountKind::NamedPipe, "{bind}");
        assert_eq!(
            (point.source.as_str(), point.destination.as_str()),
            (source, r"\\.\pipe\docker_engine")
        );
    }
    let windows = spec::mounts::parse(r"/run/a.sock:\\.\pipe\a", "", PathStyle::Windows, &Linux);
    assert!(windows.is_err());
}
