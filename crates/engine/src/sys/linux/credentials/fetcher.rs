//! The credentials-fetcher daemon: leases of Kerberos tickets for group managed service accounts.
//!
//! It answers gRPC at a Unix socket. Two calls with texts in them are all that is wanted of it, so
//! the client is one HTTP/2 stream a call, and no code is generated. A lease's tickets lie in
//! files of the daemon's, which it renews in place until the lease is deleted.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use protobuf::rt::WireType;
use protobuf::{CodedInputStream, CodedOutputStream};
use tokio::net::UnixStream;

const SERVICE: &str = "/credentialsfetcher.CredentialsFetcherService";

/// The daemon asks a domain controller meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// No answer of the daemon's is longer.
const LONGEST_ANSWER: usize = 1 << 20;

/// Tickets that are kept fresh until they are given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lease {
    pub(super) id: String,
    /// The folders with the tickets, or the tickets themselves: an account each.
    pub(super) tickets: Vec<PathBuf>,
}

/// Asks for the tickets of a credential spec.
pub(super) async fn add(socket: &Path, credential_spec: &str) -> io::Result<Lease> {
    let answer = call(socket, "AddKerberosLease", &text_message(credential_spec)?).await?;
    let fields = texts(&answer)?;
    let all = |number| fields.iter().filter(move |field| field.0 == number).map(|field| &field.1);
    let id = all(1).next().filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| io::Error::other("the lease has no id"))?;
    Ok(Lease { id: id.clone(), tickets: all(2).map(PathBuf::from).collect() })
}

/// Gives a lease back.
pub(super) async fn delete(socket: &Path, lease: &str) -> io::Result<()> {
    call(socket, "DeleteKerberosLease", &text_message(lease)?).await.map(drop)
}

/// A message whose first field is this text.
fn text_message(text: &str) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    let mut output = CodedOutputStream::vec(&mut message);
    output.write_string(1, text).and_then(|()| output.flush()).map_err(io::Error::from)?;
    drop(output);
    Ok(message)
}

/// The texts of a message with their fields' numbers.
fn texts(message: &[u8]) -> io::Result<Vec<(u32, String)>> {
    let mut input = CodedInputStream::from_bytes(message);
    let mut texts = Vec::new();
    while let Some(tag) = input.read_raw_tag_or_eof()? {
        match WireType::new(tag & 7) {
            Some(WireType::LengthDelimited) => texts.push((tag >> 3, input.read_string()?)),
            Some(kind) => input.skip_field(kind)?,
            None => return Err(io::Error::other("its answer is no message")),
        }
    }
    Ok(texts)
}

async fn call(socket: &Path, method: &str, message: &[u8]) -> io::Result<Vec<u8>> {
    let exchange = async {
        let stream = UnixStream::connect(socket).await?;
        let (sender, connection) = h2::client::handshake(stream).await.map_err(broken)?;
        tokio::select! {
            biased;
            answer = exchange(sender, method, message) => answer,
            ended = connection => {
                Err(ended.map_or_else(broken, |()| io::Error::other("it hung up")))
            }
        }
    };
    let within = tokio::time::timeout(PATIENCE, exchange).await;
    within.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer"))?
}

async fn exchange(
    sender: h2::client::SendRequest<Bytes>,
    method: &str,
    message: &[u8],
) -> io::Result<Vec<u8>> {
    let request = Request::post(format!("http://localhost{SERVICE}/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .map_err(io::Error::other)?;
    let mut sender = sender.ready().await.map_err(broken)?;
    let (response, mut body) = sender.send_request(request, false).map_err(broken)?;
    body.send_data(framed(message)?, true).map_err(broken)?;
    let (head, mut body) = response.await.map_err(broken)?.into_parts();
    if !head.status.is_success() {
        return Err(io::Error::other(format!("it answered with HTTP status {}", head.status)));
    }
    // A call that failed at once has its status here, and nothing behind it.
    status(&head.headers)?;
    let mut answer = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.map_err(broken)?;
        body.flow_control().release_capacity(piece.len()).map_err(broken)?;
        answer.extend_from_slice(&piece);
        if answer.len() > LONGEST_ANSWER {
            return Err(io::Error::other("its answer is too long"));
        }
    }
    if let Some(trailers) = body.trailers().await.map_err(broken)? {
        status(&trailers)?;
    }
    unframed(&answer)
}

/// A message behind a byte for "not compressed" and its length.
fn framed(message: &[u8]) -> io::Result<Bytes> {
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    Ok([&[0][..], &length.to_be_bytes(), message].concat().into())
}

fn unframed(frame: &[u8]) -> io::Result<Vec<u8>> {
    let message = match frame {
        [0, a, b, c, d, message @ ..] => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]);
            usize::try_from(length).ok().filter(|length| *length == message.len()).map(|_| message)
        }
        _ => None,
    };
    message.map(<[u8]>::to_vec).ok_or_else(|| io::Error::other("its answer is no message"))
}

/// How the call ended, where that is told.
fn status(headers: &HeaderMap) -> io::Result<()> {
    let text =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    match text("grpc-status").as_deref() {
        None | Some("0") => Ok(()),
        Some(code) => {
            let message = text("grpc-message").unwrap_or_default();
            Err(io::Error::other(format!("it refused: {} (status {code})", decoded(&message))))
        }
    }
}

/// Undoes `%20` and the like.
fn decoded(message: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = message.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| message_byte(others)).flatten();
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &others[2..] } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn message_byte(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..2)?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in the place of a conversion")]
fn broken(error: h2::Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = text_message("{\"a\": 1}").unwrap();
        assert_eq!(message[..2], [0x0a, 8]);
        assert_eq!(texts(&message).unwrap(), [(1, "{\"a\": 1}".to_owned())]);
        assert_eq!(unframed(&framed(&message).unwrap()).unwrap(), message);
    }

    #[test]
    fn an_answer_that_is_none_is_an_error() {
        for frame in [&[][..], &[0, 0, 0, 0], &[0, 0, 0, 0, 9, 1], &[1, 0, 0, 0, 0]] {
            assert!(unframed(frame).is_err(), "{frame:?}");
        }
        for message in [&[0x0a, 200, 1][..], &[0x0f], &[0xff; 20]] {
            assert!(texts(message).is_err(), "{message:?}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", "3".parse().unwrap());
        headers.insert("grpc-message", "no%20such account%".parse().unwrap());
        let error = status(&headers).unwrap_err().to_string();
        assert_eq!(error, "it refused: no such account% (status 3)");
    }
}
