//! What is typed into this program's stdin.

use std::io;

use tokio::io::{AsyncReadExt, Stdin, stdin};

use super::keys::{self, DetachKeys};

/// What is read at once.
const CHUNK: usize = 32 << 10;

/// stdin, watched for the keys that leave.
#[derive(Debug)]
pub struct Input {
    stdin: Stdin,
    keys: Option<DetachKeys>,
    buffer: Vec<u8>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Bytes to pass on.
    Data(Vec<u8>),
    /// Bytes to pass on, and then to leave.
    Detach(Vec<u8>),
    /// Nothing more will come.
    End,
}

impl Input {
    /// Watches for `keys`; for none when stdin is not a raw terminal.
    pub fn open(keys: Option<DetachKeys>) -> Self {
        Self { stdin: stdin(), keys, buffer: vec![0; CHUNK] }
    }

    /// Waits for more.
    pub async fn next(&mut self) -> io::Result<Typed> {
        let count = self.stdin.read(&mut self.buffer).await?;
        if count == 0 {
            return Ok(Typed::End);
        }
        let data = &self.buffer[..count];
        Ok(match self.keys.as_mut().map(|keys| keys.on(data)) {
            None => Typed::Data(data.to_vec()),
            Some(keys::Typed::Pass(data)) => Typed::Data(data),
            Some(keys::Typed::Detach(data)) => Typed::Detach(data),
        })
    }
}
