//! Pods as a kubelet makes them: two of three containers each, on a network of CNI's.

#![expect(clippy::unwrap_used, reason = "a test in several functions")]

use std::collections::HashMap;
use std::path::Path;

use super::cri::Cri;
use super::cri::messages::{
    ContainerConfig, ContainerMetadata, ContainerSecurity, Dns, Executed, ImageSpec, KeyValue,
    LinuxContainer, LinuxPod, LinuxResources, Mount, Namespaces, PodConfig, PodMetadata,
    PodSecurity,
};
use super::daemon::Daemon;
use crate::support::archive::{self, Layer};
use crate::support::cgroup::Cgroup;
use crate::support::host::{self, Host};
use crate::support::leaks::Footprint;
use crate::support::wait;

pub(super) const HANDLER: &str = "runhcs";
pub(super) const IMAGE: &str = "docker.io/test/pods:1";
/// Says one line and goes on until it is ended.
const FOREVER: &str = "echo I am %NAME%& for /l %i in (0,0,1) do @ping -n 2 127.0.0.1 >nul";
pub(super) const RUNNING: i32 = 1;
pub(super) const EXITED: i32 = 2;

/// Another name of a pod's.
const ALIAS: &str = "alias.example";

/// A pod with its containers.
struct Pod {
    id: String,
    config: PodConfig,
    containers: Vec<String>,
    ip: String,
}

#[test]
fn two_pods_of_three_containers_live_as_kubernetes_wants_them() {
    let host = host::alone();
    load(&host);
    // The first container of all makes folders that stay.
    host.transom(&["run", "--rm", IMAGE, "cmd", "/c", "ver"]).succeed();
    let before = Footprint::of(&host);
    let daemon = Daemon::start(&host);
    daemon.convert(&host, "k8s.io", &[], IMAGE);
    let (cri, volume) = (daemon.cri(), daemon.folder("volume"));
    write_volume(&volume);
    for handler in Daemon::handlers() {
        println!("handler {handler}");
        two_pods(&cri, &daemon, &volume, handler);
    }
    assert!(!volume.join("mine.txt").exists(), "the volume is read-only");
    drop(daemon);
    before.expect_again(&host);
}

fn two_pods(cri: &Cri, daemon: &Daemon, volume: &Path, handler: &str) {
    let pods = ["web", "db"].map(|name| start_pod(cri, daemon, name, volume, handler));
    assert_eq!(cri.list().unwrap().len(), 6);
    for pod in &pods {
        assert!(pod.ip.starts_with(daemon.subnet()), "{}", pod.ip);
        for (number, id) in pod.containers.iter().enumerate() {
            check_container(cri, pod, id, number);
        }
    }
    check_network(cri, &pods);
    check_logs(&pods[0]);
    check_numbers(cri, &pods[1].containers[0]);
    for pod in &pods {
        stop(cri, pod);
    }
    assert!(cri.list().unwrap().is_empty());
}

#[test]
fn what_kubernetes_would_silently_lose_is_refused_with_the_reason() {
    let host = host::shared();
    load(&host);
    let daemon = Daemon::start(&host);
    daemon.convert(&host, "k8s.io", &[], IMAGE);
    let cri = daemon.cri();
    let mut config = pod_config(&daemon, "hostnet");
    let namespaces = Some(Namespaces { network: 2 });
    config.linux =
        Some(LinuxPod { security: Some(PodSecurity { namespaces }), ..LinuxPod::default() });
    let refused = cri.run_pod(&config, HANDLER).unwrap_err();
    assert!(refused.message.contains("hostNetwork"), "{refused:?}");
    let mut config = pod_config(&daemon, "gmsa");
    config.annotations.insert("io.transom.credential-spec".into(), "{}".into());
    let id = cri.run_pod(&config, HANDLER).unwrap();
    let volume = daemon.folder("volume");
    write_volume(&volume);
    let container = cri.create(&id, &container_config("c", &volume), &config).unwrap();
    let refused = cri.start(&container).unwrap_err();
    assert!(refused.message.to_lowercase().contains("credential"), "{refused:?}");
    cri.stop_pod(&id).unwrap();
    cri.remove_pod(&id).unwrap();
}

pub(super) fn write_volume(volume: &Path) {
    std::fs::write(volume.join("note.txt"), "from the host").unwrap();
    let hosts = format!("127.0.0.1\tlocalhost\n10.1.2.3\t{ALIAS}\n");
    std::fs::write(volume.join("hosts"), hosts).unwrap();
}

fn start_pod(cri: &Cri, daemon: &Daemon, name: &str, volume: &Path, handler: &str) -> Pod {
    let config = pod_config(daemon, name);
    let id = cri.run_pod(&config, handler).unwrap();
    let status = cri.pod_status(&id).unwrap();
    assert_eq!(status.state, 0, "it is ready");
    let containers = ["a", "b", "c"].map(|container| {
        let id = cri.create(&id, &container_config(container, volume), &config).unwrap();
        cri.start(&id).unwrap();
        id
    });
    let ip = status.network.expect("it is on a network").ip;
    Pod { id, config, containers: containers.to_vec(), ip }
}

pub(super) fn pod_config(daemon: &Daemon, name: &str) -> PodConfig {
    let annotations = HashMap::from([
        ("io.transom.user-name".to_owned(), "ContainerUser".to_owned()),
        ("io.transom.user-name/b".to_owned(), "ContainerAdministrator".to_owned()),
    ]);
    PodConfig {
        metadata: Some(PodMetadata {
            name: name.to_owned(),
            uid: format!("uid-{name}"),
            namespace: "default".to_owned(),
        }),
        hostname: format!("{name}-0"),
        log_directory: daemon.folder(&format!("logs-{name}")).display().to_string(),
        dns: Some(Dns {
            servers: vec!["192.0.2.53".to_owned()],
            searches: vec!["default.svc.example".to_owned()],
        }),
        annotations,
        linux: Some(LinuxPod::default()),
    }
}

pub(super) fn container_config(name: &str, volume: &Path) -> ContainerConfig {
    ContainerConfig {
        metadata: Some(ContainerMetadata { name: name.to_owned(), attempt: 0 }),
        image: Some(ImageSpec { image: IMAGE.to_owned() }),
        command: ["cmd", "/c", FOREVER].map(str::to_owned).to_vec(),
        env: vec![KeyValue { key: "NAME".to_owned(), value: name.to_owned() }],
        mounts: vec![
            mount(r"/C:\data", volume),
            // A kubelet has a file of its own for each pod.
            mount("/etc/hosts", &volume.join("hosts")),
        ],
        log_path: format!("{name}/0.log"),
        stdin: false,
        tty: false,
        linux: Some(LinuxContainer {
            resources: Some(LinuxResources {
                cpu_period: 100_000,
                cpu_quota: 80_000,
                cpu_shares: 2,
                memory: 400 << 20,
            }),
            security: Some(ContainerSecurity { run_as_username: "ContainerUser".to_owned() }),
        }),
    }
}

pub(super) fn mount(inside: &str, outside: &Path) -> Mount {
    let host_path = outside.display().to_string();
    Mount { container_path: inside.to_owned(), host_path, readonly: true }
}

pub(super) fn text(executed: &Executed) -> String {
    let all = [&executed.stdout[..], &executed.stderr[..]].concat();
    String::from_utf8_lossy(&all).replace('\r', "")
}

fn check_container(cri: &Cri, pod: &Pod, id: &str, number: usize) {
    assert_eq!(cri.status(id).unwrap().state, RUNNING);
    let line =
        r"type C:\data\note.txt& echo.& type C:\app\own.txt& echo.& cd& hostname& echo %USERNAME%";
    let said = cri.exec(id, &["cmd", "/c", line]).unwrap();
    let said = text(&said);
    let user = if number == 1 { "ContainerAdministrator" } else { "ContainerUser" };
    for word in ["from the host", "own file", r"C:\app", &pod.config.hostname, user] {
        assert!(said.to_lowercase().contains(&word.to_lowercase()), "{word}: {said}");
    }
    let denied = cri.exec(id, &["cmd", "/c", r"echo x>C:\data\mine.txt"]).unwrap();
    assert!(text(&denied).to_lowercase().contains("denied"), "{}", text(&denied));
    assert_eq!(cri.exec(id, &["cmd", "/c", "exit 7"]).unwrap().exit_code, 7);
}

/// Each pod has a name and an address that the other can reach, and its containers share them.
fn check_network(cri: &Cri, pods: &[Pod; 2]) {
    for (from, to) in [(0, 1), (1, 0)] {
        let reached = cri.exec(&pods[from].containers[2], &["ping", "-n", "1", &pods[to].ip]);
        let reached = reached.unwrap();
        assert_eq!(reached.exit_code, 0, "{}", text(&reached));
    }
    for container in &pods[0].containers {
        let own = cri.exec(container, &["ping", "-n", "1", &pods[0].config.hostname]).unwrap();
        assert_eq!(own.exit_code, 0, "{}", text(&own));
        let hosts = ["cmd", "/c", r"type C:\Windows\System32\drivers\etc\hosts"];
        for (line, word) in [(&hosts[..], ALIAS), (&["ipconfig", "/all"], &pods[0].ip)] {
            let known = text(&cri.exec(container, line).unwrap());
            assert!(known.contains(word), "{line:?}: {known}");
        }
    }
}

/// A time, a stream, whether the line is whole, and the line.
fn check_logs(pod: &Pod) {
    for name in ["a", "b", "c"] {
        let path = Path::new(&pod.config.log_directory).join(name).join("0.log");
        let line = wait::until("the container's line", || {
            let text = std::fs::read_to_string(&path).ok()?;
            text.lines().next().map(str::to_owned)
        });
        let mut words = line.splitn(4, ' ');
        let time = words.next().unwrap();
        assert!(time.contains('T') && time.len() > 20, "{line}");
        assert_eq!(words.next(), Some("stdout"), "{line}");
        assert_eq!(words.next(), Some("F"), "{line}");
        assert_eq!(words.next().map(str::trim_end), Some(&*format!("I am {name}")), "{line}");
    }
}

fn check_numbers(cri: &Cri, id: &str) {
    let stats = cri.stats(id).unwrap();
    let cpu = stats.cpu.and_then(|cpu| cpu.total).map_or(0, |total| total.value);
    let memory = stats.memory.and_then(|memory| memory.working_set).map_or(0, |set| set.value);
    assert!(cpu > 1_000_000, "{cpu} ns of a processor");
    assert!(memory > 1 << 20, "{memory} bytes");
    assert_eq!(memory_limit(id), 400 << 20);
    cri.update(id, LinuxResources { memory: 300 << 20, ..LinuxResources::default() }).unwrap();
    assert_eq!(memory_limit(id), 300 << 20);
}

fn memory_limit(id: &str) -> u64 {
    let text = Cgroup::of(id).read_any(&["memory.limit_in_bytes", "memory.max"]);
    text.parse().unwrap_or_else(|_| panic!("no limit: {text}"))
}

fn stop(cri: &Cri, pod: &Pod) {
    let (last, others) = pod.containers.split_last().unwrap();
    for id in others {
        cri.stop(id, 1).unwrap();
        let status = cri.status(id).unwrap();
        assert_eq!(status.state, EXITED, "{status:?}");
        assert!(status.finished_at >= status.started_at, "{status:?}");
        cri.remove(id).unwrap();
    }
    // The pod takes the last one with it.
    cri.stop_pod(&pod.id).unwrap();
    assert_ne!(cri.pod_status(&pod.id).unwrap().state, 0, "it is not ready any more");
    assert_eq!(cri.status(last).unwrap().state, EXITED);
    cri.remove_pod(&pod.id).unwrap();
}

pub(super) fn load(host: &Host) {
    let mut layer = Layer::new();
    layer.folder("Files/app").file("Files/app/own.txt", b"own file");
    let config = serde_json::json!({ "User": "ContainerUser", "WorkingDir": r"C:\app" });
    let folder = host.scratch();
    let file = folder.path().join("image.tar");
    archive::write(&file, IMAGE, &config, &mut [layer]);
    host.transom(&["load", "--input"]).arg(&file).succeed();
}
