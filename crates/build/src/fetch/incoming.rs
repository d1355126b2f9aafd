//! A download that is read as it comes, by somebody who blocks: for `import`, which makes a layer of
//! it on the way. A server that is silent for too long ends it ([`http`](super::http)).

use std::io::{self, Read};

use futures::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use super::{FetchError, Result, http};

/// Pieces that may wait for the reader.
const AHEAD: usize = 16;

/// What a server sends.
#[derive(Debug)]
pub struct Incoming {
    /// How much it says it will be.
    pub length: Option<u64>,
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: io::Cursor<Vec<u8>>,
    fetching: JoinHandle<()>,
}

impl Incoming {
    /// Asks for what is at `url`.
    pub async fn open(url: &str) -> Result<Self> {
        let failed = |source| FetchError::Http { url: url.to_owned(), source };
        let response = http::client().map_err(failed)?.get(url).send().await.map_err(failed)?;
        let response = response.error_for_status().map_err(failed)?;
        let length = response.content_length();
        let (send, pieces) = channel(AHEAD);
        let mut stream = response.bytes_stream();
        let fetching = tokio::spawn(async move {
            while let Some(piece) = stream.next().await {
                let piece = piece.map(|bytes| bytes.to_vec()).map_err(io::Error::other);
                // A reader that has gone wants no more.
                if send.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { length, pieces, piece: io::Cursor::default(), fetching })
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.piece.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = io::Cursor::new(piece?),
                None => return Ok(0),
            }
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// Answers one request with these words, and what it was asked.
    fn serve(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            assert!(stream.read(&mut head).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        format!("http://{address}/a.tar")
    }

    async fn read(
        url: String,
    ) -> std::result::Result<(Option<u64>, io::Result<String>), FetchError> {
        let incoming = Incoming::open(&url).await?;
        let length = incoming.length;
        let text = tokio::task::spawn_blocking(move || io::read_to_string(incoming));
        Ok((length, text.await.unwrap()))
    }

    #[tokio::test]
    async fn what_a_server_sends_is_read_as_it_comes() {
        let url = serve("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
        let (length, text) = read(url).await.unwrap();
        assert_eq!((length, text.unwrap().as_str()), (Some(4), "body"));
    }

    #[tokio::test]
    async fn half_an_answer_and_a_refusal_are_errors() {
        let url = serve("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody");
        assert!(read(url).await.unwrap().1.is_err());
        let url = serve("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        let error = read(url).await.unwrap_err();
        assert!(error.to_string().contains("/a.tar"), "{error}");
    }
}
