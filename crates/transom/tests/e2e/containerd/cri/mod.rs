//! A client of CRI, as a kubelet is one: gRPC's unary calls over containerd's socket.
//!
//! Debian has no `crictl`, and the crates of CRI want `protoc` wherever they are built, so that the
//! messages that are needed stand in [`messages`], and a call is the few frames that gRPC is.

pub(super) mod messages;

use std::path::PathBuf;
use std::time::Duration;

use h2::client;
use http::Request;
use prost::Message;
use prost::bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use tokio::net::UnixStream;

use messages::{
    Container, ContainerConfig, ContainerId, ContainerStats, ContainerStatus, Created, Empty,
    ExecSync, Executed, Image, ImageSpec, LinuxResources, Listed, ListedPod, PodConfig, PodId,
    PodStatus, RunPod, StatsAnswer, StatusAnswer, Stop, Update,
};

/// How long a call may take.
const PATIENCE: Duration = Duration::from_mins(2);
const RUNTIME: &str = "RuntimeService";
const IMAGES: &str = "ImageService";
/// A message's frame: not compressed, and its length.
const HEAD: usize = 5;

/// A call that failed: gRPC's code and containerd's words.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) message: String,
}

pub(super) struct Cri {
    socket: PathBuf,
    runtime: tokio::runtime::Runtime,
}

impl Cri {
    pub(super) fn new(socket: PathBuf) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { socket, runtime: runtime.expect("a runtime can be made") }
    }

    pub(super) fn run_pod(&self, config: &PodConfig, handler: &str) -> Result<String, Refused> {
        let config = Some(config.clone());
        let answer: PodId =
            self.call("RunPodSandbox", &RunPod { config, handler: handler.to_owned() })?;
        Ok(answer.id)
    }

    pub(super) fn pod_status(&self, id: &str) -> Result<PodStatus, Refused> {
        let answer: messages::PodStatusAnswer =
            self.call("PodSandboxStatus", &PodId { id: id.to_owned() })?;
        Ok(answer.status.expect("an answer has a status"))
    }

    pub(super) fn pods(&self) -> Result<Vec<ListedPod>, Refused> {
        let answer: messages::ListedPods = self.call("ListPodSandbox", &Empty {})?;
        Ok(answer.pods)
    }

    /// The address of a stream that forwards.
    pub(super) fn port_forward(&self, id: &str, port: i32) -> Result<String, Refused> {
        let request = messages::PortForward { pod: id.to_owned(), ports: vec![port] };
        self.call("PortForward", &request).map(|messages::Url { url }| url)
    }

    pub(super) fn stop_pod(&self, id: &str) -> Result<(), Refused> {
        self.call("StopPodSandbox", &PodId { id: id.to_owned() }).map(|Empty {}| ())
    }

    pub(super) fn remove_pod(&self, id: &str) -> Result<(), Refused> {
        self.call("RemovePodSandbox", &PodId { id: id.to_owned() }).map(|Empty {}| ())
    }

    pub(super) fn create(
        &self,
        pod: &str,
        config: &ContainerConfig,
        of_pod: &PodConfig,
    ) -> Result<String, Refused> {
        let request = messages::CreateContainer {
            pod: pod.to_owned(),
            config: Some(config.clone()),
            of_pod: Some(of_pod.clone()),
        };
        let answer: Created = self.call("CreateContainer", &request)?;
        Ok(answer.id)
    }

    pub(super) fn start(&self, id: &str) -> Result<(), Refused> {
        self.call("StartContainer", &ContainerId { id: id.to_owned() }).map(|Empty {}| ())
    }

    pub(super) fn stop(&self, id: &str, seconds: i64) -> Result<(), Refused> {
        let request = Stop { id: id.to_owned(), seconds };
        self.call("StopContainer", &request).map(|Empty {}| ())
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), Refused> {
        self.call("RemoveContainer", &ContainerId { id: id.to_owned() }).map(|Empty {}| ())
    }

    pub(super) fn status(&self, id: &str) -> Result<ContainerStatus, Refused> {
        let answer: StatusAnswer =
            self.call("ContainerStatus", &ContainerId { id: id.to_owned() })?;
        Ok(answer.status.expect("an answer has a status"))
    }

    pub(super) fn list(&self) -> Result<Vec<Container>, Refused> {
        let answer: Listed = self.call("ListContainers", &Empty {})?;
        Ok(answer.containers)
    }

    pub(super) fn stats(&self, id: &str) -> Result<ContainerStats, Refused> {
        let answer: StatsAnswer =
            self.call("ContainerStats", &ContainerId { id: id.to_owned() })?;
        Ok(answer.stats.expect("an answer has stats"))
    }

    pub(super) fn all_stats(&self) -> Result<Vec<ContainerStats>, Refused> {
        let answer: messages::ListedStats = self.call("ListContainerStats", &Empty {})?;
        Ok(answer.stats)
    }

    /// Makes it write to a new file where the old one was.
    pub(super) fn reopen_log(&self, id: &str) -> Result<(), Refused> {
        let request = ContainerId { id: id.to_owned() };
        self.call("ReopenContainerLog", &request).map(|Empty {}| ())
    }

    pub(super) fn pull(&self, name: &str) -> Result<String, Refused> {
        let image = Some(ImageSpec { image: name.to_owned() });
        let answer: messages::Pulled =
            self.ask(IMAGES, "PullImage", &messages::PullImage { image })?;
        Ok(answer.image)
    }

    pub(super) fn image(&self, name: &str) -> Result<Option<Image>, Refused> {
        let image = Some(ImageSpec { image: name.to_owned() });
        let request = messages::ImageStatus { image };
        let answer: messages::ImageStatusAnswer = self.ask(IMAGES, "ImageStatus", &request)?;
        Ok(answer.image)
    }

    pub(super) fn update(&self, id: &str, linux: LinuxResources) -> Result<(), Refused> {
        let request = Update { id: id.to_owned(), linux: Some(linux) };
        self.call("UpdateContainerResources", &request).map(|Empty {}| ())
    }

    pub(super) fn exec(&self, id: &str, line: &[&str]) -> Result<Executed, Refused> {
        self.exec_within(id, line, 100)
    }

    pub(super) fn exec_within(
        &self,
        id: &str,
        line: &[&str],
        seconds: i64,
    ) -> Result<Executed, Refused> {
        let line = line.iter().map(|word| (*word).to_owned()).collect();
        self.call("ExecSync", &ExecSync { id: id.to_owned(), line, seconds })
    }

    fn call<A: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<A, Refused> {
        self.ask(RUNTIME, method, request)
    }

    fn ask<A: Message + Default>(
        &self,
        service: &str,
        method: &str,
        request: &impl Message,
    ) -> Result<A, Refused> {
        let path = format!("http://localhost/runtime.v1.{service}/{method}");
        let called = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, unary(&self.socket, &path, request.encode_to_vec()))
                .await
                .unwrap_or_else(|_| panic!("{method} is not over after {PATIENCE:?}"))
                .unwrap_or_else(|error| panic!("{method}: {error}"))
        });
        let answer = called?;
        Ok(A::decode(answer).unwrap_or_else(|error| panic!("{method}'s answer: {error}")))
    }
}

/// One call on a connection of its own.
async fn unary(
    socket: &std::path::Path,
    path: &str,
    request: Vec<u8>,
) -> Result<Result<Bytes, Refused>, Box<dyn std::error::Error>> {
    let (mut client, connection) = client::handshake(UnixStream::connect(socket).await?).await?;
    let driver = tokio::spawn(connection);
    let head = Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())?;
    let (response, mut stream) = client.send_request(head, false)?;
    let mut frame = BytesMut::with_capacity(HEAD + request.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(request.len())?);
    frame.put_slice(&request);
    stream.send_data(frame.freeze(), true)?;
    let response = response.await?;
    // A refusal may have all in its head.
    let early = refusal(response.headers());
    let mut body = response.into_body();
    let mut answer = BytesMut::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        answer.put_slice(&part);
    }
    let late = body.trailers().await?.as_ref().and_then(refusal);
    driver.abort();
    if let Some(refused) = early.or(late) {
        return Ok(Err(refused));
    }
    answer.advance(HEAD.min(answer.len()));
    Ok(Ok(answer.freeze()))
}

fn refusal(headers: &http::HeaderMap) -> Option<Refused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("grpc-status").filter(|code| *code != "0")?;
    let message = text("grpc-message").unwrap_or_default();
    Some(Refused { message: format!("{code}: {message}") })
}
