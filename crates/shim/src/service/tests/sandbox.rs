//! The Sandbox API: the order of calls that containerd makes of its sandbox mode, and its refusals.

use containerd_shim_protos::sandbox_api::{
    CreateSandboxRequest, PingRequest, PlatformRequest, SandboxMetricsRequest,
    SandboxStatusRequest, SandboxStatusResponse, ShutdownSandboxRequest, StartSandboxRequest,
    StopSandboxRequest, WaitSandboxRequest,
};
use containerd_shim_protos::sandbox_async::SandboxClient;
use engine::memory::Holding;
use protobuf::well_known_types::any::Any;
use protobuf::{Message as _, MessageField};
use ttrpc::Code;
use ttrpc::context::Context;

use super::{Shim, within};
use crate::client::TaskStatus;
use crate::proto::{PodSandboxConfig, WindowsPodSandboxConfig, WindowsSandboxSecurityContext};

const KILL: u32 = 9;

async fn client(shim: &Shim) -> SandboxClient {
    SandboxClient::new(ttrpc::r#async::Client::connect(shim.client.address()).await.unwrap())
}

fn ctx() -> Context {
    Context::default()
}

fn create(id: &str) -> CreateSandboxRequest {
    let security = WindowsSandboxSecurityContext {
        run_as_username: "ContainerUser".to_owned(),
        ..WindowsSandboxSecurityContext::default()
    };
    let windows = WindowsPodSandboxConfig {
        security_context: MessageField::some(security),
        ..WindowsPodSandboxConfig::default()
    };
    let config = PodSandboxConfig {
        hostname: "pod-name".to_owned(),
        windows: MessageField::some(windows),
        annotations: [("winpod.x".to_owned(), "y".to_owned())].into(),
        ..PodSandboxConfig::default()
    };
    let options = Any {
        type_url: "types.containerd.io/runtime.v1.PodSandboxConfig".to_owned(),
        value: config.write_to_bytes().unwrap(),
        ..Any::default()
    };
    CreateSandboxRequest {
        sandbox_id: id.to_owned(),
        bundle_path: "/nowhere".to_owned(),
        netns_path: "/run/netns/of-containerd".to_owned(),
        options: MessageField::some(options),
        ..CreateSandboxRequest::default()
    }
}

fn start(id: &str) -> StartSandboxRequest {
    StartSandboxRequest { sandbox_id: id.to_owned(), ..StartSandboxRequest::default() }
}

fn stop(timeout_secs: u32) -> StopSandboxRequest {
    let sandbox_id = "pod".to_owned();
    StopSandboxRequest { sandbox_id, timeout_secs, ..StopSandboxRequest::default() }
}

async fn status(client: &SandboxClient) -> SandboxStatusResponse {
    let sandbox_id = "pod".to_owned();
    let request =
        SandboxStatusRequest { sandbox_id, verbose: true, ..SandboxStatusRequest::default() };
    client.sandbox_status(ctx(), &request).await.unwrap()
}

fn code<T: std::fmt::Debug>(answer: ttrpc::Result<T>) -> Code {
    match answer.unwrap_err() {
        ttrpc::Error::RpcStatus(status) => status.code(),
        other => panic!("{other}"),
    }
}

/// A pod in the host's network has no namespace of its own to name.
#[tokio::test]
async fn a_sandbox_in_the_hosts_network_is_refused_as_a_pause_container_is() {
    let shim = Shim::pod("pod").await;
    let client = client(&shim).await;
    let request = CreateSandboxRequest { netns_path: String::new(), ..create("pod") };
    let refused = client.create_sandbox(ctx(), &request).await.unwrap_err().to_string();
    assert!(refused.contains("netns_path") && refused.contains("hostNetwork"), "{refused}");
    assert_eq!(shim.host.held(), []);
    client.create_sandbox(ctx(), &create("pod")).await.unwrap();
    shim.end_all().await;
}

/// As containerd goes about it.
#[tokio::test]
async fn a_sandbox_is_made_and_its_containers_are_a_pods() {
    let mut shim = Shim::pod("pod").await;
    let client = client(&shim).await;
    client.create_sandbox(ctx(), &create("pod")).await.unwrap();
    assert_eq!(status(&client).await.state, "SANDBOX_NOTREADY");
    let started = client.start_sandbox(ctx(), &start("pod")).await.unwrap();
    assert_eq!(started.pid, std::process::id());
    assert!(started.created_at.seconds > 1_700_000_000);
    let told = status(&client).await;
    assert_eq!((told.state.as_str(), told.pid), ("SANDBOX_READY", started.pid));
    assert_eq!(told.created_at, started.created_at);

    let network = Holding::Namespace("pod".to_owned());
    assert_eq!(shim.held(), [network], "containerd's, known by the pod's name");

    let ask = PlatformRequest { sandbox_id: "pod".to_owned(), ..PlatformRequest::default() };
    let platform = client.platform(ctx(), &ask).await.unwrap().platform;
    assert_eq!((platform.os.as_str(), platform.architecture.as_str()), ("linux", "amd64"));
    let ping = PingRequest { sandbox_id: "pod".to_owned(), ..PingRequest::default() };
    client.ping_sandbox(ctx(), &ping).await.unwrap();

    for id in ["a", "b"] {
        shim.create_in_pod(id, "container", "pod").await.unwrap();
        shim.client.start_process(id, None).await.unwrap();
    }
    assert_eq!(status(&client).await.info["containers"], "a b");
    let ask = SandboxMetricsRequest { sandbox_id: "pod".to_owned(), ..Default::default() };
    let metrics = client.sandbox_metrics(ctx(), &ask).await.unwrap().metrics;
    assert_eq!(metrics.data.type_url, "io.containerd.cgroups.v1.Metrics");

    let waits = tokio::spawn({
        let (client, sandbox_id) = (client.clone(), "pod".to_owned());
        let request = WaitSandboxRequest { sandbox_id, ..WaitSandboxRequest::default() };
        async move { client.wait_sandbox(ctx(), &request).await }
    });
    within(client.stop_sandbox(ctx(), &stop(5))).await.unwrap();
    let waited = within(waits).await.unwrap().unwrap();
    assert_eq!(waited.exit_status, 0);
    let told = status(&client).await;
    assert_eq!((told.state.as_str(), told.pid), ("SANDBOX_NOTREADY", 0));
    assert_eq!(told.exited_at, waited.exited_at);
    for id in ["a", "b"] {
        assert_eq!(shim.client.state(id, None).await.unwrap().status, TaskStatus::Stopped);
    }
    assert_eq!(shim.held(), []);
    within(client.stop_sandbox(ctx(), &stop(5))).await.expect("may be repeated");
    let events = shim.all_events().await;
    assert!(events.iter().all(|event| !event.contains("pod")), "no task of its own: {events:?}");
    let shutdown = ShutdownSandboxRequest { sandbox_id: "pod".to_owned(), ..Default::default() };
    client.shutdown_sandbox(ctx(), &shutdown).await.unwrap();
}

/// What Kubernetes says of a whole pod holds for each of its containers that says nothing else.
#[tokio::test]
async fn containers_have_their_user_from_the_pod_unless_they_name_one() {
    let shim = Shim::pod("pod").await;
    let client = client(&shim).await;
    client.create_sandbox(ctx(), &create("pod")).await.unwrap();
    client.start_sandbox(ctx(), &start("pod")).await.unwrap();
    for (id, own) in [("a", None), ("b", Some("ContainerAdministrator"))] {
        let mut annotations = serde_json::json!({
            "io.kubernetes.cri.container-type": "container",
            "io.kubernetes.cri.sandbox-id": "pod",
        });
        if let Some(own) = own {
            annotations["io.transom.user-name"] = own.into();
        }
        let bundle = shim.bundle_with(id, "wait", &annotations);
        let config = bundle.join("config.json");
        let text = std::fs::read_to_string(&config).unwrap();
        let mut spec: serde_json::Value = serde_json::from_str(&text).unwrap();
        spec["linux"] = serde_json::json!({});
        std::fs::write(&config, spec.to_string()).unwrap();
        shim.client.create(id, &bundle, &crate::client::Stdio::default()).await.unwrap();
        let user = shim.user_of(id).await;
        assert_eq!(user, own.unwrap_or("ContainerUser"));
    }
}

#[tokio::test]
async fn a_container_that_does_not_listen_is_ended_when_the_time_is_over() {
    let shim = Shim::pod("pod").await;
    let client = client(&shim).await;
    client.create_sandbox(ctx(), &create("pod")).await.unwrap();
    client.start_sandbox(ctx(), &start("pod")).await.unwrap();
    let annotations = serde_json::json!({
        "io.kubernetes.cri.container-type": "container",
        "io.kubernetes.cri.sandbox-id": "pod",
    });
    let bundle = shim.bundle_with("a", "stubborn", &annotations);
    shim.client.create("a", &bundle, &crate::client::Stdio::default()).await.unwrap();
    shim.client.start_process("a", None).await.unwrap();
    within(client.stop_sandbox(ctx(), &stop(1))).await.unwrap();
    assert_eq!(within(shim.client.wait("a", None)).await.unwrap().code.0, 1067);
}

#[tokio::test]
async fn a_shim_has_one_sandbox_of_its_own_id() {
    let shim = Shim::pod("pod").await;
    let client = client(&shim).await;
    let other = client.create_sandbox(ctx(), &create("other")).await;
    assert_eq!(code(other), Code::INVALID_ARGUMENT);
    assert_eq!(code(client.start_sandbox(ctx(), &start("pod")).await), Code::NOT_FOUND);
    client.create_sandbox(ctx(), &create("pod")).await.unwrap();
    assert_eq!(code(client.create_sandbox(ctx(), &create("pod")).await), Code::ALREADY_EXISTS);
    assert_eq!(code(client.start_sandbox(ctx(), &start("other")).await), Code::NOT_FOUND);
    let early = shim.create_in_pod("a", "container", "pod").await.unwrap_err();
    assert_eq!(early.code(), Some(Code::FAILED_PRECONDITION), "it does not run yet");
    client.start_sandbox(ctx(), &start("pod")).await.unwrap();
    let again = client.start_sandbox(ctx(), &start("pod")).await;
    assert_eq!(code(again), Code::FAILED_PRECONDITION);
    shim.client.kill("pod", None, KILL, true).await.unwrap();

    let container = Shim::standalone("c1").await;
    let client = super::sandbox::client(&container).await;
    let refused = client.create_sandbox(ctx(), &create("c1")).await;
    assert_eq!(code(refused), Code::FAILED_PRECONDITION);
}
