//! A pod below the control group that a kubelet made for it, with the `cgroupfs` and the `systemd`
//! driver; and in that pod the rows of hcsshim's `test/cri-containerd` about process isolated pods that
//! no other test here covers.

#![expect(clippy::unwrap_used, reason = "a test in several functions")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::cri::Cri;
use super::cri::messages::{ContainerConfig, LinuxPod, LinuxResources, Mount, PodConfig};
use super::daemon::Daemon;
use super::pods::{
    EXITED, HANDLER, IMAGE, RUNNING, container_config, load, mount, pod_config, text, write_volume,
};
use crate::support::cgroup::{Cgroup, trees};
use crate::support::host;
use crate::support::probe;
use crate::support::wait;

/// How long a container is given to end by itself. Upstream's row has 15.
const GRACE: u32 = 4;

struct Node {
    cri: Cri,
    volume: PathBuf,
    daemon: Daemon,
}

impl Node {
    fn container(&self, name: &str, command: &[&str]) -> ContainerConfig {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let mut config = ContainerConfig { command, ..container_config(name, &self.volume) };
        // A limit of processor time would have more to say than a weight.
        let resources = LinuxResources { cpu_shares: 1024, ..LinuxResources::default() };
        config.linux.as_mut().unwrap().resources = Some(resources);
        config.mounts.push(mount(r"/C:\probe", probe::folder()));
        config
    }

    fn create(&self, pod: &Pod, config: &ContainerConfig) -> String {
        self.cri.create(&pod.id, config, &pod.config).unwrap()
    }

    fn run(&self, pod: &Pod, config: &ContainerConfig) -> String {
        let id = self.create(pod, config);
        self.cri.start(&id).unwrap();
        id
    }

    /// A pod below a control group, as a kubelet asks for each.
    fn pod(&self, name: &str, parent: &str) -> Pod {
        let mut config = pod_config(&self.daemon, name);
        config.linux = Some(LinuxPod { cgroup_parent: parent.to_owned(), security: None });
        let id = self.cri.run_pod(&config, HANDLER).unwrap();
        Pod { id, config }
    }
}

struct Pod {
    id: String,
    config: PodConfig,
}

#[test]
fn a_pod_does_what_the_original_is_tested_for_below_its_own_control_group() {
    let host = host::shared();
    load(&host);
    let kubelet = Kubelet::new();
    let daemon = Daemon::start(&host);
    daemon.convert(&host, "k8s.io", &[], IMAGE);
    let (cri, volume) = (daemon.cri(), daemon.folder("volume"));
    write_volume(&volume);
    let node = Node { cri, volume, daemon };
    let pod = node.pod("rows", &kubelet.parent);
    let nap = node.run(&pod, &node.container("nap", &[probe::PROBE, "nap"]));
    kubelet.expect_in(&nap);
    processor_shares(&node, &pod, &nap);
    one_folder_for_two(&node, &pod);
    terminal(&node, &pod);
    graceful_termination(&node, &pod);
    removed_as_it_runs(&node, &pod, &nap);
    kubelet.expect_empty();
    scope_of_systemd(&node);
}

/// What a kubelet with the `cgroupfs` driver has made before it asks for a pod.
struct Kubelet {
    parent: String,
}

impl Kubelet {
    fn new() -> Self {
        let parent = format!("/te{}-kubepods/besteffort/pod1", std::process::id());
        for tree in trees() {
            // A hybrid host has trees that nobody makes groups in.
            let _ = std::fs::create_dir_all(tree.join(&parent[1..]));
        }
        Self { parent }
    }

    fn expect_in(&self, id: &str) {
        let group = Cgroup::at(&format!("{}/{id}", self.parent));
        let pids = group.read("cgroup.procs").unwrap();
        assert!(pids.lines().count() >= 2, "the container's processes are in it: {pids:?}");
    }

    /// What was made for its containers is gone, and what it made is there.
    fn expect_empty(&self) {
        for folder in Cgroup::at(&self.parent).folders() {
            let inside = std::fs::read_dir(folder).unwrap().flatten();
            let groups: Vec<_> =
                inside.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).collect();
            assert!(groups.is_empty(), "{groups:?}");
        }
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        for tree in trees() {
            let parent = tree.join(&self.parent[1..]);
            for folder in parent.ancestors().take(3) {
                // Not every tree has it.
                let _ = std::fs::remove_dir(folder);
            }
        }
    }
}

/// "update CPU shares running", and "before start": "value present after start".
fn processor_shares(node: &Node, pod: &Pod, running: &str) {
    let weights = ["cpu.shares", "cpu.weight"];
    let update = |id: &str, cpu_shares| {
        let resources = LinuxResources { cpu_shares, ..LinuxResources::default() };
        node.cri.update(id, resources).unwrap();
    };
    let config = node.container("later", &[probe::PROBE, "nap"]);
    let created = node.create(pod, &config);
    update(&created, 4096);
    node.cri.start(&created).unwrap();
    update(running, 2048);
    let weight = |id: &str| {
        let text = Cgroup::of(id).read_any(&weights);
        text.parse::<u64>().unwrap_or_else(|_| panic!("no weight: {text}"))
    };
    // Windows counts in other units, and so do the two versions: what is twice as much stays so.
    assert_eq!(weight(&created), 2 * weight(running));
    node.cri.stop(&created, 0).unwrap();
    node.cri.remove(&created).unwrap();
}

/// "same directory read-only in one container, read-write in another (same pod)".
fn one_folder_for_two(node: &Node, pod: &Pod) {
    let shared = node.daemon.folder("shared");
    let ids = [("reads", true), ("writes", false)].map(|(name, readonly)| {
        let mut config = node.container(name, &[probe::PROBE, "nap"]);
        config.mounts.push(Mount { readonly, ..mount(r"/C:\shared", &shared) });
        node.run(pod, &config)
    });
    let write = |id: &str, word: &str| {
        let line = format!(r"echo {word}>C:\shared\{word}.txt");
        text(&node.cri.exec(id, &["cmd", "/c", &line]).unwrap()).to_lowercase()
    };
    assert!(write(&ids[0], "never").contains("denied"));
    assert_eq!(write(&ids[1], "here"), "");
    let seen = node.cri.exec(&ids[0], &["cmd", "/c", r"type C:\shared\here.txt"]).unwrap();
    assert_eq!(text(&seen).trim(), "here");
    assert!(!shared.join("never.txt").exists());
    for id in &ids {
        node.cri.stop(id, 0).unwrap();
        node.cri.remove(id).unwrap();
    }
}

/// "tty P": "`cmd` with terminal stays alive until stopped".
fn terminal(node: &Node, pod: &Pod) {
    let mut config = node.container("tty", &["cmd"]);
    (config.stdin, config.tty) = (true, true);
    let id = node.run(pod, &config);
    // A prompt is no whole line, which is what a log has; one that had no terminal would have ended.
    let beside = node.cri.exec(&id, &["cmd", "/c", "ping -n 3 127.0.0.1 >nul& echo beside"]);
    assert_eq!(text(&beside.unwrap()).trim(), "beside");
    assert_eq!(node.cri.status(&id).unwrap().state, RUNNING);
    node.cri.stop(&id, 0).unwrap();
    assert_eq!(node.cri.status(&id).unwrap().state, EXITED);
    node.cri.remove(&id).unwrap();
}

/// "graceful termination": an image that ignores the shutdown has the time that it is given.
fn graceful_termination(node: &Node, pod: &Pod) {
    let config = node.container("heedless", &[probe::PROBE, "stubborn"]);
    let id = node.run(pod, &config);
    let log = Path::new(&pod.config.log_directory).join(&config.log_path);
    wait::until("its word that it is ready", || {
        std::fs::read_to_string(&log).ok().filter(|log| log.contains("ready")).map(drop)
    });
    let asked = Instant::now();
    node.cri.stop(&id, GRACE.into()).unwrap();
    let took = asked.elapsed();
    assert!(took >= Duration::from_secs((GRACE - 1).into()), "{took:?}");
    assert_eq!(node.cri.status(&id).unwrap().state, EXITED);
    node.cri.remove(&id).unwrap();
}

/// "remove pod without stop", and "with running container": nothing of either is known after.
fn removed_as_it_runs(node: &Node, pod: &Pod, running: &str) {
    assert_eq!(node.cri.status(running).unwrap().state, RUNNING);
    node.cri.remove_pod(&pod.id).unwrap();
    assert!(node.cri.pods().unwrap().is_empty());
    assert!(node.cri.list().unwrap().is_empty());
}

/// As a kubelet with the `systemd` driver names it, where its slices would be.
fn scope_of_systemd(node: &Node) {
    let name = format!("te{}pods", std::process::id());
    let pod = node.pod("slice", &format!("/{name}.slice/{name}-pod2.slice"));
    let id = node.run(&pod, &node.container("nap", &[probe::PROBE, "nap"]));
    let path = format!("/{name}.slice/{name}-pod2.slice/cri-containerd-{id}.scope");
    assert!(Cgroup::at(&path).read("cgroup.procs").unwrap().lines().count() >= 2);
    node.cri.stop_pod(&pod.id).unwrap();
    node.cri.remove_pod(&pod.id).unwrap();
    // Nobody else had made the slices.
    wait::until("the end of its control groups", || {
        let left = trees().into_iter().any(|tree| tree.join(format!("{name}.slice")).exists());
        (!left).then_some(())
    });
}
