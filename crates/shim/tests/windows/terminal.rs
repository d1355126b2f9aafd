//! A terminal that the test types at: its pipes, as containerd makes them.

use shim::client::Stdio;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::place::{PATIENCE, Pipe};

pub(crate) struct Terminal {
    keys: Pipe,
    shown: Pipe,
    seen: Vec<u8>,
}

impl Terminal {
    /// One, and what a client says of it.
    pub(crate) fn new(name: &str) -> (Self, Stdio) {
        let keys = Pipe::new(&format!("{name}-keys"));
        let shown = Pipe::new(&format!("{name}-shown"));
        let (stdin, stdout) = (keys.name.clone(), shown.name.clone());
        let ends = Stdio { stdin, stdout, terminal: true, ..Stdio::default() };
        (Self { keys, shown, seen: Vec::new() }, ends)
    }

    /// The shim has dialled.
    pub(crate) async fn connect(&self) {
        self.keys.server.connect().await.unwrap();
        self.shown.server.connect().await.unwrap();
    }

    pub(crate) async fn types(&mut self, line: &str) {
        self.keys.server.write_all(format!("{line}\r").as_bytes()).await.unwrap();
    }

    /// Waits until a text is shown.
    pub(crate) async fn shows(&mut self, wanted: &str) {
        let look = async {
            while !String::from_utf8_lossy(&self.seen).contains(wanted) {
                let count = self.shown.server.read_buf(&mut self.seen).await.unwrap_or(0);
                assert!(count > 0, "it ended before it showed {wanted:?}");
            }
        };
        let came = tokio::time::timeout(PATIENCE, look).await.is_ok();
        assert!(came, "no {wanted:?} in {:?}", String::from_utf8_lossy(&self.seen));
    }

    /// Waits until nothing more comes.
    pub(crate) async fn ends(mut self) {
        let end =
            async { while self.shown.server.read_buf(&mut self.seen).await.unwrap_or(0) > 0 {} };
        tokio::time::timeout(PATIENCE, end).await.expect("it ends with its process");
    }
}
