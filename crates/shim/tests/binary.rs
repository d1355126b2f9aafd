//! The program itself, as containerd runs it. What needs a container is driven elsewhere: here is
//! what must hold before there is one (hcsshim's `test/containerd-shim-runhcs-v1`).

#![expect(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant, SystemTime};

use containerd_shim_protos::api::DeleteResponse;
use containerd_shim_protos::bootstrap_api::BootstrapParams;
use protobuf::Message as _;
use protobuf::well_known_types::any::Any;
use shim::client::{Client, Launch};
use tempfile::TempDir;

const SHIM: &str = env!("CARGO_BIN_EXE_containerd-shim-runhcs-v1");
const SANDBOX: &str = r#"{"annotations":{"io.kubernetes.cri.container-type":"sandbox","io.kubernetes.cri.sandbox-id":"pod"}}"#;
const WORKLOAD: &str = r#"{"annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"pod"}}"#;

/// A state folder of the test's own, and bundles.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn state(&self) -> &Path {
        self.0.path()
    }

    fn bundle(&self, name: &str, config: Option<&str>) -> std::path::PathBuf {
        let bundle = self.state().join(name);
        std::fs::create_dir_all(&bundle).unwrap();
        if let Some(config) = config {
            std::fs::write(bundle.join("config.json"), config).unwrap();
        }
        bundle
    }

    fn run(&self, args: &[&str], folder: &Path) -> Output {
        Command::new(SHIM)
            .args(args)
            .current_dir(folder)
            .env("TRANSOM_STATE", self.state())
            .env("TRANSOM_ROOT", self.state())
            .env_remove("TTRPC_ADDRESS")
            .output()
            .unwrap()
    }

    fn launch(&self, id: &str, bundle: &Path) -> Launch {
        Launch {
            program: SHIM.into(),
            bundle: bundle.to_owned(),
            namespace: "ns".to_owned(),
            id: id.to_owned(),
            env: vec![
                ("TRANSOM_STATE".into(), self.state().into()),
                ("TRANSOM_ROOT".into(), self.state().into()),
            ],
            ..Launch::default()
        }
    }
}

fn flags<'a>(id: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["-namespace", "ns", "-address", "a", "-publish-binary", "-", "-id", id];
    all.extend(rest);
    all
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_missing_flag_is_told_on_stderr() {
    let place = Place::new();
    let output = place.run(&[], place.state());
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert_eq!(text(&output.stderr), "namespace is required\n");
}

#[test]
fn without_a_command_it_shows_how_it_is_used() {
    let place = Place::new();
    let output = place.run(&flags("c", &[]), place.state());
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(text(&output.stdout).starts_with("NAME:\n"));
}

#[test]
fn deleting_what_is_not_there_is_answered() {
    let place = Place::new();
    let before = SystemTime::now();
    let gone = place.state().join("gone");
    let bundle = gone.to_str().unwrap();
    let output = place.run(&flags("c", &["-bundle", bundle, "delete"]), place.state());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer = DeleteResponse::parse_from_bytes(&output.stdout).unwrap();
    assert_eq!((answer.exit_status, answer.pid), (255, 0));
    let at = Duration::from_secs(answer.exited_at.seconds.try_into().unwrap());
    let since = before.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(at.as_secs() >= since.as_secs(), "it ended before it was asked for");
}

#[test]
fn a_bundle_without_a_spec_is_refused() {
    let place = Place::new();
    for (config, words) in
        [(None, "config.json"), (Some(""), "failed to deserialize valid OCI spec")]
    {
        let bundle = place.bundle("b", config);
        let output = place.run(&flags("c", &["start"]), &bundle);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_shim_starts_answers_and_goes() {
    let place = Place::new();
    let bundle = place.bundle("b", Some("{}"));
    let client = Client::start(&place.launch("c1", &bundle)).await.unwrap();
    let address = std::fs::read_to_string(bundle.join("address")).unwrap();
    assert_eq!(client.address(), address);
    let socket = shim::address::path(&address).unwrap().to_owned();
    let pid = client.shim_pid().await.unwrap();
    assert_eq!(std::fs::read_to_string(bundle.join("shim.pid")).unwrap(), pid.to_string());
    client.shutdown("c1", true).await.unwrap();
    gone(&socket);
    assert_eq!(std::fs::read_to_string(bundle.join("panic.log")).unwrap(), "");
}

/// hcsshim's `test/containerd-shim-runhcs-v1`: "start standalone" and "start sandbox" say an address and
/// nothing else, it answers, and the bundle can be removed after.
#[tokio::test]
async fn a_start_says_its_address_and_nothing_else() {
    for (id, config) in [("c1", "{}"), ("pod", SANDBOX)] {
        let place = Place::new();
        let bundle = place.bundle("b", Some(config));
        let output = place.run(&flags(id, &["start"]), &bundle);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{id}");
        let address = text(&output.stdout);
        assert_eq!(address, std::fs::read_to_string(bundle.join("address")).unwrap());
        let client = Client::connect(&address).await.unwrap();
        client.shutdown(id, true).await.unwrap();
        gone(shim::address::path(&address).unwrap());
        std::fs::remove_dir_all(&bundle).unwrap();
    }
}

#[tokio::test]
async fn a_workload_gets_its_pods_shim() {
    let place = Place::new();
    let early = place.bundle("early", Some(WORKLOAD));
    let output = place.run(&flags("w0", &["start"]), &early);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert!(text(&output.stderr).contains("failed to connect to hosting shim"));

    let pod = place.bundle("pod", Some(SANDBOX));
    let client = Client::start(&place.launch("pod", &pod)).await.unwrap();
    let workload = place.bundle("w", Some(WORKLOAD));
    let second = Client::start(&place.launch("w1", &workload)).await.unwrap();
    assert_eq!(second.address(), client.address());
    let told = std::fs::read_to_string(workload.join("shim.pid")).unwrap();
    assert_eq!(told, client.shim_pid().await.unwrap().to_string());
    second.shutdown("w1", true).await.unwrap();
    client.shim_pid().await.expect("a workload's id ends nothing");
    client.shutdown("pod", false).await.unwrap();
    gone(shim::address::path(client.address()).unwrap());
}

#[tokio::test]
async fn a_shim_that_cannot_listen_fails_its_start() {
    let place = Place::new();
    let bundle = place.bundle("b", Some("{}"));
    let client = Client::start(&place.launch("c1", &bundle)).await.unwrap();
    let second = Client::start(&place.launch("c1", &bundle)).await.unwrap_err();
    let words = format!("{:#}", anyhow::Error::from(second));
    assert!(words.contains("cannot listen"), "{words}");
    client.shutdown("c1", true).await.unwrap();
}

/// A killed shim's socket is in nobody's way.
#[tokio::test]
async fn a_killed_shim_is_followed_by_another() {
    let place = Place::new();
    let bundle = place.bundle("b", Some("{}"));
    let first = Client::start(&place.launch("c1", &bundle)).await.unwrap();
    let pid = first.shim_pid().await.unwrap();
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    while first.shim_pid().await.is_ok() {}
    let second = Client::start(&place.launch("c1", &bundle)).await.unwrap();
    assert_ne!(second.shim_pid().await.unwrap(), pid);
    second.shutdown("c1", true).await.unwrap();
    gone(shim::address::path(second.address()).unwrap());
}

/// Untested in hcsshim: panic.log handling in delete.
#[test]
fn a_panic_is_passed_on_by_delete() {
    let place = Place::new();
    let bundle = place.bundle("b", None);
    std::fs::write(bundle.join("panic.log"), "it went wrong").unwrap();
    let path = bundle.to_str().unwrap();
    let output = place.run(&flags("c", &["-bundle", path, "delete"]), &bundle);
    assert!(text(&output.stderr).contains("it went wrong"));
    assert!(output.status.success());

    std::fs::write(bundle.join("panic.log"), "x".repeat((1 << 20) + 7)).unwrap();
    let output = place.run(&flags("c", &["-bundle", path, "delete"]), &bundle);
    let told = text(&output.stderr);
    assert!(told.contains("only the first 1048576 bytes are shown"), "{}", told.len());
    assert!(told.len() < (1 << 20) + 500);
    assert!(output.status.success());
}

fn gone(socket: &Path) {
    let begun = Instant::now();
    while socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the shim is still there");
        std::thread::yield_now();
    }
}

/// Two namespaces may use one id; cleaning up after one must not end the other's container.
#[test]
fn deleting_touches_only_what_its_own_ledger_names() {
    let place = Place::new();
    let ledgers = place.state().join("ledgers");
    std::fs::create_dir_all(&ledgers).unwrap();
    let shared = |namespace: &str| place.state().join("pods").join(format!("{namespace}-c"));
    for namespace in ["ns", "other"] {
        std::fs::write(ledgers.join(format!("{namespace}-c.jsonl")), "").unwrap();
        std::fs::create_dir_all(shared(namespace).join("_share")).unwrap();
    }
    let output = place.run(&flags("c", &["-bundle", "/gone", "delete"]), place.state());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!ledgers.join("ns-c.jsonl").exists(), "its own is settled");
    assert!(ledgers.join("other-c.jsonl").exists(), "another's is left alone");
    assert!(!shared("ns").exists() && shared("other").exists(), "so is what its pod shares");
}

fn bootstrap(id: &str) -> Vec<u8> {
    BootstrapParams {
        instance_id: id.to_owned(),
        namespace: "ns".to_owned(),
        containerd_version: "2.3.0".to_owned(),
        ..BootstrapParams::default()
    }
    .write_to_bytes()
    .unwrap()
}

/// Version 2.3 and later send a bootstrap message and take JSON.
#[tokio::test]
async fn a_bootstrap_message_is_answered_in_json() {
    let place = Place::new();
    let bundle = place.bundle("b", Some("{}"));
    let launch = Launch { options: bootstrap("c1"), ..place.launch("c1", &bundle) };
    let client = Client::start(&launch).await.unwrap();
    let mut again = Command::new(SHIM)
        .args(flags("w1", &["start"]))
        .current_dir(place.bundle("w", Some(&WORKLOAD.replace("pod", "c1"))))
        .env("TRANSOM_STATE", place.state())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    again.stdin.take().unwrap().write_all(&bootstrap("w1")).unwrap();
    let told: serde_json::Value =
        serde_json::from_slice(&again.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(told["version"], 3);
    assert_eq!(told["protocol"], "ttrpc");
    assert_eq!(told["address"], client.address());
    client.shutdown("c1", true).await.unwrap();
    gone(shim::address::path(client.address()).unwrap());
}

/// Options of a containerd that was built without this runtime's types.
#[tokio::test]
async fn untyped_options_reach_the_shim_and_wrong_ones_are_named() {
    let place = Place::new();
    let bundle = place.bundle("b", Some("{}"));
    let untyped = |text: &str| {
        // `config_body`, field 3.
        let mut body = vec![0x1a, u8::try_from(text.len()).unwrap()];
        body.extend_from_slice(text.as_bytes());
        let type_url = "types.googleapis.com/runtimeoptions.v1.Options".to_owned();
        Any { type_url, value: body, ..Any::default() }.write_to_bytes().unwrap()
    };
    let launch = |text| Launch { options: untyped(text), ..place.launch("c1", &bundle) };
    for (text, words) in [
        ("LogLevel = \"loud\"", "log_level = \"loud\""),
        ("DebugType = 2", "debug_type = ETW"),
        ("Debug = 7", "`Debug` = 7: it must be true or false"),
    ] {
        let refused = Client::start(&launch(text)).await.unwrap_err();
        let refused = format!("{:#}", anyhow::Error::from(refused));
        assert!(refused.contains(words), "{refused}");
    }
    let client = Client::start(&launch("LogLevel = \"trace\"")).await.unwrap();
    client.shutdown("c1", true).await.unwrap();
    gone(shim::address::path(client.address()).unwrap());
}

/// A sandbox of the Sandbox API has a bundle without a spec, and its containers
/// find their shim by its id.
#[tokio::test]
async fn a_modern_containerd_may_start_a_sandbox_without_a_spec() {
    let place = Place::new();
    let mut launch = place.launch("pod", &place.bundle("pod", None));
    let modern = [("NAMESPACE", "ns"), ("GRPC_ADDRESS", "/x")].map(|(k, v)| (k.into(), v.into()));
    launch.env.extend(modern);
    let client = Client::start(&launch).await.unwrap();
    let workload = place.bundle("w", Some(WORKLOAD));
    let second = Client::start(&place.launch("w1", &workload)).await.unwrap();
    assert_eq!(second.address(), client.address());
    client.shutdown("pod", true).await.unwrap();
    gone(shim::address::path(client.address()).unwrap());
}
