//! What a kubelet does beside starting pods: pulls, looks, cuts logs, ends what takes too long, starts
//! again what has ended.

#![expect(clippy::unwrap_used, reason = "a test in several functions")]

use std::path::{Path, PathBuf};

use super::cri::Cri;
use super::cri::messages::{ContainerConfig, ContainerMetadata, ImageSpec, PodConfig};
use super::daemon::Daemon;
use super::pods::{
    EXITED, HANDLER, IMAGE, RUNNING, container_config, load, mount, pod_config, text, write_volume,
};
use crate::support::host::{self, Host};
use crate::support::probe;
use crate::support::registry::Registry;
use crate::support::wait;

/// As much of a line as one of a log's holds.
const PIECE: usize = 16 << 10;

/// A pod with nothing in it yet.
struct Node {
    cri: Cri,
    volume: PathBuf,
    pod: String,
    config: PodConfig,
    /// Goes last.
    _daemon: Daemon,
}

impl Node {
    fn new(host: &Host, name: &str) -> Self {
        load(host);
        let daemon = Daemon::start(host);
        daemon.convert(host, "k8s.io", &[], IMAGE);
        let (cri, volume) = (daemon.cri(), daemon.folder("volume"));
        write_volume(&volume);
        let config = pod_config(&daemon, name);
        let pod = cri.run_pod(&config, HANDLER).unwrap();
        Self { cri, volume, pod, config, _daemon: daemon }
    }

    fn container(&self, name: &str, line: &str) -> ContainerConfig {
        let command = ["cmd", "/c", line].map(str::to_owned).to_vec();
        ContainerConfig { command, ..container_config(name, &self.volume) }
    }

    fn run(&self, config: &ContainerConfig) -> String {
        let id = self.cri.create(&self.pod, config, &self.config).unwrap();
        self.cri.start(&id).unwrap();
        id
    }

    fn log(&self, config: &ContainerConfig) -> PathBuf {
        Path::new(&self.config.log_directory).join(&config.log_path)
    }

    /// Waits until it has ended: its exit code.
    fn end(&self, id: &str) -> i32 {
        wait::until("the container's end", || {
            let status = self.cri.status(id).unwrap();
            (status.state == EXITED).then_some(status.exit_code)
        })
    }

    fn remove(self) {
        self.cri.stop_pod(&self.pod).unwrap();
        self.cri.remove_pod(&self.pod).unwrap();
        assert!(self.cri.pods().unwrap().is_empty());
    }
}

#[test]
fn an_image_is_pulled_from_a_registry_and_run_and_what_has_ended_is_started_again() {
    let host = host::shared();
    let node = Node::new(&host, "again");
    let registry = Registry::start();
    let name = registry.name("pods:1");
    host.transom(&["tag", IMAGE, &name]).succeed();
    host.transom(&["push", &name]).succeed();
    host.transom(&["rmi", &name]).succeed();
    assert_eq!(node.cri.image(&name).unwrap(), None);
    let pulled = node.cri.pull(&name).unwrap();
    let image = node.cri.image(&name).unwrap().expect("it was pulled");
    assert!(pulled.contains(&image.id) && image.size > 0, "{pulled}: {image:?}");
    assert_eq!(image.username, "ContainerUser");

    let mut config = node.container("app", r"type own.txt& exit 3");
    config.image = Some(ImageSpec { image: name });
    for attempt in 0..2 {
        config.metadata = Some(ContainerMetadata { name: "app".to_owned(), attempt });
        config.log_path = format!("app/{attempt}.log");
        let id = node.run(&config);
        assert_eq!(node.end(&id), 3);
        assert_eq!(node.cri.status(&id).unwrap().reason, "Error");
        let log = std::fs::read_to_string(node.log(&config)).unwrap();
        assert!(log.contains("own file"), "{log}");
        node.cri.remove(&id).unwrap();
    }
    node.remove();
}

#[test]
fn a_long_line_is_cut_in_a_log_and_a_log_that_was_moved_is_begun_again() {
    let host = host::shared();
    let node = Node::new(&host, "logs");
    let endless = "x".repeat(2 * PIECE + 100);
    std::fs::write(node.volume.join("long.txt"), format!("{endless}\r\nthe rest")).unwrap();
    let config = node.container("long", r"type C:\data\long.txt& echo wrong>&2");
    let id = node.run(&config);
    assert_eq!(node.end(&id), 0);
    let log = std::fs::read_to_string(node.log(&config)).unwrap();
    let of = |stream: &str| -> Vec<(String, String)> {
        let fields = log.lines().map(|line| line.splitn(4, ' ').collect::<Vec<_>>());
        let own = fields.filter(|fields| fields[1] == stream);
        own.map(|fields| (fields[2].to_owned(), fields[3].trim_end().to_owned())).collect()
    };
    let out = of("stdout");
    let tags: Vec<&str> = out.iter().map(|(tag, _)| tag.as_str()).collect();
    // What ends without an end of line is a piece, too.
    assert_eq!(tags, ["P", "P", "F", "P"]);
    let whole: String = out[..3].iter().map(|(_, text)| text.as_str()).collect();
    assert!(whole == endless, "{} characters of {}", whole.len(), endless.len());
    assert_eq!(out[3].1, "the rest");
    assert_eq!(of("stderr"), [("F".to_owned(), "wrong".to_owned())]);

    let mut config = node.container("ticks", r"C:\probe\probe.exe count 99999 200");
    config.mounts.push(mount(r"/C:\probe", probe::folder()));
    let id = node.run(&config);
    let path = node.log(&config);
    let ticks = |what: &str| {
        wait::until(what, || std::fs::read_to_string(&path).ok().filter(|log| log.contains("line")))
    };
    ticks("a line");
    std::fs::rename(&path, path.with_extension("old")).unwrap();
    node.cri.reopen_log(&id).unwrap();
    ticks("a line in the new file");
    node.remove();
}

#[test]
fn what_takes_too_long_is_ended_and_the_rest_is_looked_at() {
    let host = host::shared();
    let node = Node::new(&host, "looks");
    let config = node.container("idle", "for /l %i in (0,0,1) do @ping -n 2 127.0.0.1 >nul");
    let id = node.run(&config);
    let late = node.cri.exec_within(&id, &["ping", "-n", "100", "127.0.0.1"], 1).unwrap_err();
    assert!(late.message.contains("timeout") || late.message.contains("deadline"), "{late:?}");
    let after = node.cri.exec(&id, &["cmd", "/c", "echo fine"]).unwrap();
    assert_eq!((after.exit_code, text(&after).trim()), (0, "fine"));
    assert_eq!(node.cri.status(&id).unwrap().state, RUNNING);

    let pods = node.cri.pods().unwrap();
    let listed: Vec<_> = pods.iter().map(|pod| (&pod.id, pod.state, &*pod.handler)).collect();
    assert_eq!(listed, [(&node.pod, 0, HANDLER)]);
    assert_eq!(pods[0].metadata, node.config.metadata);
    let stats = node.cri.all_stats().unwrap();
    let of: Vec<_> = stats.iter().filter_map(|stats| Some(&stats.of.as_ref()?.id)).collect();
    assert_eq!(of, [&id]);
    assert!(stats[0].memory.is_some() && stats[0].cpu.is_some(), "{stats:?}");

    assert!(node.cri.port_forward(&node.pod, 80).unwrap().starts_with("http"));
    node.cri.stop_pod(&node.pod).unwrap();
    let refused = node.cri.port_forward(&node.pod, 80).unwrap_err();
    assert!(refused.message.contains("not running"), "{refused:?}");
    let refused = node.cri.exec(&id, &["cmd", "/c", "ver"]).unwrap_err();
    assert!(refused.message.contains("EXITED"), "{refused:?}");
    node.remove();
}
