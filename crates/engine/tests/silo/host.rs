//! A Transom installation in a temporary directory, and containers in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use engine::{HostConfig, HostEngine, Storage};
use schema::SystemId;
use schema::container::{Container, Storage as StorageDocument};
use schema::document::{ComputeSystem, SchemaVersion};
use schema::process::ProcessParameters;

/// The installation. What it made is removed with it.
pub(crate) struct Host {
    pub(crate) engine: HostEngine,
    directory: tempfile::TempDir,
    scratches: Mutex<BTreeMap<SystemId, PathBuf>>,
}

/// Why nothing can run here, if so; printed by the tests that it stops.
pub(crate) fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("silos are made by root".into());
    }
    let guest = guest_program();
    (!guest.is_file()).then(|| {
        format!(
            "{} is not there: cargo build -p guest --target x86_64-pc-windows-gnu --release",
            guest.display()
        )
    })
}

/// The target directory: tests run from `target/<profile>/deps`.
fn target() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.ancestors().nth(3).unwrap().to_owned()
}

fn guest_program() -> PathBuf {
    target().join("x86_64-pc-windows-gnu/release/transom-guest.exe")
}

/// The program that looks around inside, compiled once.
fn probe() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let program = target().join(format!("test-root/probe-{}.exe", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/silo/probe.c");
        let compiler = std::process::Command::new("x86_64-w64-mingw32-gcc")
            .args(["-O2", "-o"])
            .args([&program, &source])
            .status();
        assert!(compiler.unwrap().success(), "the probe does not compile");
        program
    };
    BUILT.get_or_init(build).clone()
}

/// Links, in one step: tests start at the same time.
fn link(from: &Path, to: &Path) {
    let new =
        to.with_extension(format!("{}-{:?}", std::process::id(), std::thread::current().id()));
    std::os::unix::fs::symlink(from, &new).unwrap();
    std::fs::rename(&new, to).unwrap();
}

impl Host {
    /// A new installation. Its platform layer is shared by all tests: making one takes seconds.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("silo-").tempdir().unwrap();
        let root = target().join("test-root");
        let libexec = root.join("libexec");
        std::fs::create_dir_all(&libexec).unwrap();
        link(Path::new(env!("CARGO_BIN_EXE_transom-silo")), &libexec.join("transom-silo"));
        let beside = guest_program();
        for file in std::fs::read_dir(beside.parent().unwrap()).unwrap().map(Result::unwrap) {
            let name = file.file_name().into_string().unwrap();
            let kind = file.path().extension().map(std::ffi::OsStr::to_owned);
            if kind.is_some_and(|kind| kind == "exe" || kind == "dll") {
                link(&file.path(), &libexec.join(&name));
            }
        }
        let state = directory.path().join("state");
        let engine = HostEngine::new(HostConfig { root, state, libexec });
        Self { engine, directory, scratches: Mutex::default() }
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// A directory of the host that belongs to the test.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// A layer with nothing but the probe in it.
    fn base(&self) -> PathBuf {
        let layer = self.directory.path().join("base");
        if !layer.exists() {
            std::fs::create_dir_all(layer.join("fs")).unwrap();
            std::fs::copy(probe(), layer.join("fs/probe.exe")).unwrap();
        }
        layer
    }

    /// Where a system's scratch is.
    pub(crate) fn scratch(&self, id: &SystemId) -> PathBuf {
        self.directory.path().join("scratch").join(id.as_str())
    }

    /// A document for a container, `change`d.
    pub(crate) async fn container(
        &self,
        id: &SystemId,
        size: Option<u64>,
        change: impl FnOnce(&mut Container),
    ) -> ComputeSystem {
        let (scratch, layers) = (self.scratch(id), [self.base()]);
        if !scratch.exists() {
            self.engine.create_scratch(&scratch, &layers, size).await.unwrap();
        }
        let mounted = self.engine.mount(id, &scratch, &layers).await.unwrap();
        self.scratches.lock().unwrap().insert(id.clone(), scratch);
        let storage = StorageDocument {
            layers: mounted.layers,
            path: mounted.path,
            ..StorageDocument::default()
        };
        let mut container = Container { storage, ..Container::default() };
        change(&mut container);
        ComputeSystem {
            owner: "test".into(),
            schema_version: SchemaVersion::V2_1,
            hosting_system_id: String::new(),
            container: Some(container),
            virtual_machine: None,
            should_terminate_on_last_handle_closed: false,
        }
    }

    /// Gives a system's scratch back.
    pub(crate) async fn release(&self, id: &SystemId) {
        let scratch = self.scratches.lock().unwrap().remove(id);
        if let Some(scratch) = scratch {
            self.engine.unmount(&scratch).await.unwrap();
            self.engine.destroy_scratch(&scratch).await.unwrap();
            assert!(!scratch.exists(), "the scratch is still there");
        }
    }
}

/// A process with its output to be read.
pub(crate) fn command(line: &str) -> ProcessParameters {
    ProcessParameters {
        command_line: line.into(),
        create_std_out_pipe: true,
        create_std_err_pipe: true,
        ..ProcessParameters::default()
    }
}
