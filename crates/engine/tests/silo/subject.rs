//! A container that a test looks into.

use engine::{Engine, HostSystem, Process, System};
use schema::SystemId;
use schema::container::Container;
use tokio::io::AsyncReadExt;

use crate::host::{Host, command};

/// Returns from a test that cannot run here, and says why.
macro_rules! need_host {
    () => {
        if let Some(why) = crate::host::obstacle() {
            eprintln!("skipped: {why}");
            return;
        }
    };
}
pub(crate) use need_host;

/// A container that runs, in an installation of its own.
pub(crate) struct Running {
    pub(crate) host: Host,
    pub(crate) id: SystemId,
    pub(crate) system: HostSystem,
}

/// What a command left.
pub(crate) struct Outcome {
    pub(crate) code: u32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Running {
    pub(crate) async fn start(name: &str, change: impl FnOnce(&mut Container)) -> Self {
        Self::start_in(Host::new(), name, None, change).await
    }

    pub(crate) async fn start_in(
        host: Host,
        name: &str,
        size: Option<u64>,
        change: impl FnOnce(&mut Container),
    ) -> Self {
        let id = SystemId::new(format!("{name}-{}", std::process::id())).unwrap();
        let document = host.container(&id, size, change).await;
        let system = host.engine.create(&id, &document).await.unwrap();
        system.start().await.unwrap();
        Self { host, id, system }
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, line: &str) -> Outcome {
        let (process, streams) = self.system.spawn(&command(line)).await.unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (streams.stdout.unwrap(), streams.stderr.unwrap());
        let (read_out, read_err) =
            tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err));
        read_out.and(read_err).unwrap();
        let code = process.wait().await.0;
        let text = |bytes| String::from_utf8_lossy(bytes).replace('\r', "");
        Outcome { code, out: text(&out), err: text(&err) }
    }

    /// Runs a command of the probe, and gives what it printed.
    pub(crate) async fn probe(&self, arguments: &str) -> String {
        self.run(&format!(r"C:\probe.exe {arguments}")).await.out
    }

    /// A value that the probe prints.
    pub(crate) async fn number(&self, arguments: &str, name: &str) -> i64 {
        let text = self.probe(arguments).await;
        value(&text, name)
    }

    /// Ends it, and gives everything back.
    pub(crate) async fn end(self) {
        self.system.terminate().await.unwrap();
        self.host.release(&self.id).await;
    }
}

pub(crate) fn value(text: &str, name: &str) -> i64 {
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    let found = pairs.find(|(found, _)| *found == name).and_then(|(_, n)| n.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no `{name}` in {text:?}"))
}
