//! Debian's containerd in folders of its own: a client of the shim, and with runc the thing to compare
//! with.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::host::{self, Host};
use super::wait;

/// A containerd that goes with this value.
pub(crate) struct Containerd {
    folder: tempfile::TempDir,
    /// How its daemon is started.
    environment: Vec<(String, String)>,
    daemon: Child,
}

impl Containerd {
    /// One that finds the shim's program, whose containers are `host`'s.
    pub(crate) fn of(host: &Host) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", host::dist().join("bin").display());
        Self::with(vec![
            ("PATH".to_owned(), path),
            ("TRANSOM_ROOT".to_owned(), host.root().display().to_string()),
            ("TRANSOM_STATE".to_owned(), host.state().display().to_string()),
        ])
    }

    pub(crate) fn start() -> Self {
        Self::with(Vec::new())
    }

    fn with(environment: Vec<(String, String)>) -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = {:?}\n",
            path("root"),
            path("state"),
            path("sock"),
        );
        std::fs::write(path("config.toml"), config).expect("the folder is ours");
        let daemon = daemon(&path("config.toml"), &environment);
        let this = Self { folder, environment, daemon };
        this.wait_for_it();
        this
    }

    /// `kill -9` at its daemon.
    pub(crate) fn kill_daemon(&self) {
        let pid = i32::try_from(self.daemon.id()).expect("pids fit");
        if let Some(pid) = rustix::process::Pid::from_raw(pid) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    /// Another daemon in the place of one that was killed.
    pub(crate) fn start_again(&mut self) {
        self.kill();
        let config = self.folder.path().join("config.toml").display().to_string();
        self.daemon = daemon(&config, &self.environment);
        self.wait_for_it();
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }

    fn wait_for_it(&self) {
        wait::until("containerd's answer", || {
            let answer = self.ctr(&["version"]).output();
            answer.is_ok_and(|output| output.status.success()).then_some(())
        });
    }

    /// `ctr` for it.
    pub(crate) fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.folder.path().join("sock")).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end, which must be a success: how long that took, and its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Duration, String) {
        let started = Instant::now();
        let output = self.ctr(arguments).output().expect("ctr is installed");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ctr {arguments:?}: {errors}");
        (started.elapsed(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it to its end, whatever that is.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.ctr(arguments).output().expect("ctr is installed")
    }

    /// A folder of its own.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// What is told from now on, a line an event.
    pub(crate) fn events(&self) -> Events {
        let mut teller = self.ctr(&["events"]);
        let mut teller = teller.stdout(Stdio::piped()).spawn().expect("ctr is installed");
        let stdout = teller.stdout.take().expect("it is piped");
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        let events = Events { teller, lines, seen: Vec::new() };
        events.prove(self)
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        self.kill();
        // What its snapshotter left mounted would keep the folder.
        let _ = Command::new("sh")
            .args(["-c", r#"grep -o "$0[^ ]*" /proc/mounts | tac | xargs -r umount -l"#])
            .arg(self.folder.path())
            .stderr(Stdio::null())
            .status();
    }
}

fn daemon(config: &str, environment: &[(String, String)]) -> Child {
    Command::new("containerd")
        .args(["--config", config])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("containerd is installed")
}

/// A listener that goes with this value.
pub(crate) struct Events {
    teller: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Events {
    /// Comes when it really listens: an event that was made for it has arrived.
    fn prove(mut self, containerd: &Containerd) -> Self {
        let mut tries = 0;
        wait::until("the first event", || {
            tries += 1;
            let label = format!("try={tries}");
            let _ = containerd.output(&["namespaces", "create", &format!("n{tries}"), &label]);
            self.all().iter().any(|line| line.contains("/namespaces/create")).then_some(())
        });
        self
    }

    /// Everything so far.
    pub(crate) fn all(&mut self) -> &[String] {
        self.seen.extend(self.lines.try_iter());
        &self.seen
    }

    /// What was told of one container's task, in order.
    pub(crate) fn of_task(&mut self, id: &str) -> Vec<Told> {
        self.all().iter().filter_map(|line| Told::read(line, id)).collect()
    }
}

/// What a task's event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// `start`, `exec-started`, ...
    pub(crate) topic: String,
    /// An exec's id; empty for the first process.
    pub(crate) process: String,
}

impl Told {
    /// `DATE TIME ZONE UTC NAMESPACE /tasks/TOPIC JSON`
    fn read(line: &str, id: &str) -> Option<Self> {
        let (topic, body) = line.split_once(" /tasks/")?.1.split_once(' ')?;
        let body: serde_json::Value = serde_json::from_str(body).ok()?;
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        if text("container_id") != id {
            return None;
        }
        let named = [text("exec_id"), text("id")].into_iter().find(|name| !name.is_empty());
        let process = named.filter(|name| *name != id).unwrap_or_default().to_owned();
        Some(Self { topic: topic.to_owned(), process })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.teller.kill();
        let _ = self.teller.wait();
    }
}
