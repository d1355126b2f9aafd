mod isolation;
mod leftovers;
mod limits;
mod mapped;
mod running;

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
struct Running {
    host: Host,
    id: SystemId,
    system: HostSystem,
}

/// What a command left.
struct Outcome {
    code: u32,
    out: String,
    err: String,
}

impl Running {
    async fn start(name: &str, change: impl FnOnce(&mut Container)) -> Self {
        Self::start_in(Host::new(), name, None, change).await
    }

    async fn start_in(
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
    async fn run(&self, line: &str) -> Outcome {
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
    async fn probe(&self, arguments: &str) -> String {
        self.run(&format!(r"C:\probe.exe {arguments}")).await.out
    }

    /// A value that the probe prints.
    async fn number(&self, arguments: &str, name: &str) -> i64 {
        let text = self.probe(arguments).await;
        value(&text, name)
    }

    /// Ends it, and gives everything back.
    async fn end(self) {
        self.system.terminate().await.unwrap();
        self.host.release(&self.id).await;
    }
}

fn value(text: &str, name: &str) -> i64 {
    let mut pairs = text.lines().filter_map(|line| line.split_once('='));
    let found = pairs.find(|(found, _)| *found == name).and_then(|(_, n)| n.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no `{name}` in {text:?}"))
}
