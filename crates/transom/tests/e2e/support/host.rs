//! The host under test: the built programs, and folders for a Transom of its own.
//!
//! Tests share one, since making the platform layer takes seconds. A janitor process holds the
//! other end of a pipe: however the tests end, it then removes what they left.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::command::Transom;

static SHARED: LazyLock<Host> = LazyLock::new(Host::of_this_process);
static TURNS: RwLock<()> = RwLock::new(());

/// Where a Transom keeps its things, and the programs it consists of.
pub(crate) struct Host {
    folder: PathBuf,
    _janitor: Child,
}

/// A test's turn on the shared host.
pub(crate) struct Turn {
    _guard: Guard,
}

/// Held, never read.
#[expect(dead_code, reason = "the guards are held for their drop")]
enum Guard {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// The shared host, for a test that minds no other.
pub(crate) fn shared() -> Turn {
    let guard = TURNS.read().unwrap_or_else(PoisonError::into_inner);
    Turn { _guard: Guard::Shared(guard) }
}

/// The shared host, for a test that measures it or breaks it.
pub(crate) fn alone() -> Turn {
    let guard = TURNS.write().unwrap_or_else(PoisonError::into_inner);
    Turn { _guard: Guard::Alone(guard) }
}

impl std::ops::Deref for Turn {
    type Target = Host;

    fn deref(&self) -> &Host {
        &SHARED
    }
}

impl Host {
    /// One in its own folder, gone with this value.
    pub(crate) fn new(name: &str) -> Self {
        // Short, since sockets live below it and their paths may have 107 bytes.
        let folder = std::env::temp_dir().join(format!("te{}-{name}", std::process::id()));
        for sub in ["root", "run"] {
            std::fs::create_dir_all(folder.join(sub)).expect("temporary folders can be made");
        }
        let janitor = janitor(&folder);
        Self { folder, _janitor: janitor }
    }

    fn of_this_process() -> Self {
        let host = Self::new("0");
        assert!(
            program("transom").is_file(),
            "{} has no programs: run `cargo xtask build`",
            dist().display()
        );
        host
    }

    /// `TRANSOM_ROOT`.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// `TRANSOM_STATE`.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// Both, and what else a test keeps on this host.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// An empty folder below it for a test's own files.
    pub(crate) fn scratch(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.folder).expect("temporary folders can be made")
    }

    /// Sets a member of the administrator's `config.json`.
    pub(crate) fn decide(&self, member: &str, value: serde_json::Value) {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.root().join("config.json");
        let text = std::fs::read(&file).unwrap_or_else(|_| b"{}".to_vec());
        let mut all: serde_json::Value = serde_json::from_slice(&text).expect("tests wrote it");
        all[member] = value;
        let new = file.with_extension("new");
        std::fs::write(&new, all.to_string()).expect("the root folder is ours");
        std::fs::rename(new, file).expect("the root folder is ours");
    }

    /// `transom` with these arguments.
    pub(crate) fn transom<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Transom {
        let mut command = Command::new(program("transom"));
        command.args(arguments);
        self.equip(&mut command);
        Transom::new(command)
    }

    /// Makes a program one of this host's.
    pub(crate) fn equip(&self, command: &mut Command) {
        command.env("TRANSOM_ROOT", self.root()).env("TRANSOM_STATE", self.state());
        command.env_remove("TRANSOM_LIBEXEC");
    }
}

/// A program for users.
pub(crate) fn program(name: &str) -> PathBuf {
    dist().join("bin").join(name)
}

/// What `cargo xtask build` made.
pub(crate) fn dist() -> PathBuf {
    std::env::var_os("TRANSOM_DIST").map_or_else(|| target().join("dist"), PathBuf::from)
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let root = Path::new(&manifest).ancestors().nth(2);
    root.expect("the crate is two folders below the root").join("target")
}

/// Waits for the end of this process, then removes all containers and the folder.
fn janitor(folder: &Path) -> Child {
    let script = r#"
        cat >/dev/null
        export TRANSOM_ROOT="$1/root" TRANSOM_STATE="$1/run"
        "$0" ps --all --quiet | xargs --no-run-if-empty "$0" rm --force --volumes
        rm --recursive --force --one-file-system "$1"
    "#;
    Command::new("setsid")
        .args(["sh", "-c", script])
        .arg(program("transom"))
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("setsid is a part of every Linux")
}
