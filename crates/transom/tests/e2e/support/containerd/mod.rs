//! A containerd in folders of its own: a client of the shim, and with runc the thing to compare with.
//!
//! It is the one that `PATH` finds, Debian's; another version's folder in front of it has the tests
//! drive that one. CRI, which it has switched off here, is in `crate::containerd`.

mod events;

pub(crate) use events::{Events, Told};

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::host::{Host, dist};
use super::wait;

/// The version from which on a configuration is of version 3.
pub(crate) const NEW_LAYOUT: (u32, u32) = (2, 0);
/// CRI's plugins; the first is all of it in an older one.
const CRI: [&str; 3] =
    ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "io.containerd.cri.v1.images"];
/// How much of its log a person is shown.
const LAST_LINES: usize = 25;

/// A containerd that goes with this value.
pub(crate) struct Containerd {
    folder: tempfile::TempDir,
    /// How its daemon is started.
    environment: Vec<(String, String)>,
    daemon: Child,
}

/// Major and minor of the one that is installed.
pub(crate) fn version() -> (u32, u32) {
    static VERSION: LazyLock<(u32, u32)> = LazyLock::new(|| {
        let output = Command::new("containerd").arg("--version").output();
        let text = output.expect("containerd is installed").stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        let word = text.split_whitespace().nth(2).unwrap_or_default();
        let mut numbers = word.trim_start_matches('v').split('.').map(str::parse);
        let mut number = || numbers.next().and_then(Result::ok);
        number().zip(number()).unwrap_or_else(|| panic!("no version: {text}"))
    });
    *VERSION
}

/// What every configuration of one in this folder begins with.
pub(crate) fn configuration(folder: &Path) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let layout = if version() >= NEW_LAYOUT { 3 } else { 2 };
    format!(
        "version = {layout}\nroot = {:?}\nstate = {:?}\n[grpc]\naddress = {:?}\n",
        path("root"),
        path("state"),
        path("sock"),
    )
}

impl Containerd {
    /// One that finds the shim's program, whose containers are `host`'s.
    pub(crate) fn of(host: &Host) -> Self {
        let folder = host.scratch();
        write_without_cri(folder.path());
        Self::configured(host, folder)
    }

    /// The same with what stands in the folder's `config.toml`.
    pub(crate) fn configured(host: &Host, folder: tempfile::TempDir) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", dist().join("bin").display());
        Self::with(
            folder,
            vec![
                ("PATH".to_owned(), path),
                ("TRANSOM_ROOT".to_owned(), host.root().display().to_string()),
                ("TRANSOM_STATE".to_owned(), host.state().display().to_string()),
            ],
        )
    }

    /// One that knows nothing of Transom.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        write_without_cri(folder.path());
        Self::with(folder, Vec::new())
    }

    fn with(folder: tempfile::TempDir, environment: Vec<(String, String)>) -> Self {
        let daemon = daemon(folder.path(), &environment);
        let mut this = Self { folder, environment, daemon };
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
        self.daemon = daemon(self.folder.path(), &self.environment);
        self.wait_for_it();
    }

    /// A test that failed has left its containers: they go by the way that is always there, and their
    /// shims whatever happens.
    fn end_what_runs(&self) {
        for namespace in ["default", "k8s.io"] {
            let ctr = |line: &[&str]| {
                let line = [&["--timeout", "30s", "--namespace", namespace], line].concat();
                self.ctr(&line).output().map(|output| output.stdout).unwrap_or_default()
            };
            let tasks = String::from_utf8_lossy(&ctr(&["task", "list", "--quiet"])).into_owned();
            for id in tasks.lines() {
                ctr(&["task", "kill", "--signal", "9", "--all", id]);
                ctr(&["task", "delete", "--force", id]);
            }
        }
        let own = self.socket();
        for shim in super::proc::with_argument(&own) {
            shim.kill();
        }
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }

    fn wait_for_it(&mut self) {
        wait::until("containerd's answer", || {
            let ended = self.daemon.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "containerd has ended: {}", self.log());
            let answer = self.ctr(&["version"]).output();
            answer.is_ok_and(|output| output.status.success()).then_some(())
        });
    }

    /// `ctr` for it.
    pub(crate) fn ctr(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.socket()).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs it to its end, whatever that is.
    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.ctr(arguments).output().expect("ctr is installed")
    }

    /// The same: its status, and all that it said.
    pub(crate) fn ended(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.output(arguments);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).replace('\r', ""))
    }

    /// Runs it to its end, which must be a success: what it said.
    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let (status, text) = self.ended(arguments);
        assert_eq!(status, Some(0), "ctr {arguments:?}: {text}\n{}", self.log());
        text
    }

    /// The same, and how long that took.
    pub(crate) fn timed(&self, arguments: &[&str]) -> (Duration, String) {
        let started = Instant::now();
        let text = self.succeed(arguments);
        (started.elapsed(), text)
    }

    /// A folder of its own.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("sock")
    }

    /// The end of its log, for a person.
    pub(crate) fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    /// What is told from now on.
    pub(crate) fn events(&self) -> Events {
        Events::of(self)
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("containerd's log:\n{}", self.log());
            self.end_what_runs();
        }
        self.kill();
        // What its snapshotter left mounted would keep the folder.
        let _ = Command::new("sh")
            .args(["-c", r#"grep -o "$0[^ ]*" /proc/mounts | tac | xargs -r umount -l"#])
            .arg(self.folder.path())
            .stderr(Stdio::null())
            .status();
    }
}

fn write_without_cri(folder: &Path) {
    let plugins: &[&str] = if version() >= NEW_LAYOUT { &CRI } else { &CRI[..1] };
    let text = format!("disabled_plugins = {plugins:?}\n{}", configuration(folder));
    std::fs::write(folder.join("config.toml"), text).expect("the folder is ours");
}

/// Its log goes on where an earlier one's ended.
fn daemon(folder: &Path, environment: &[(String, String)]) -> Child {
    let mut log = std::fs::OpenOptions::new();
    let log = log.create(true).append(true).open(folder.join("log")).expect("the folder is ours");
    Command::new("containerd")
        .arg("--config")
        .arg(folder.join("config.toml"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env_remove("TRANSOM_LIBEXEC")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("containerd is installed")
}
