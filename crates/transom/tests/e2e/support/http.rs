//! As much of HTTP as one request takes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// The body at `http://ADDRESS/`, or nothing while nobody answers.
pub(crate) fn get(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).is_some_and(|status| status == "200").then(|| body.to_owned())
}

/// A port of this host that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    socket.local_addr().expect("a bound socket has an address").port()
}

/// Host and port of a server that gives this to everybody. Gone with the process of the tests.
pub(crate) fn answering(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            // TLS, which is tried first, begins otherwise.
            while b"GET ".starts_with(&request[..request.len().min(4)])
                && !request.ends_with(b"\r\n\r\n")
            {
                match client.read(&mut buffer) {
                    Ok(read @ 1..) => request.extend(&buffer[..read]),
                    _ => break,
                }
            }
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}");
            // Who asked may have gone.
            let _ = write!(client, "{head}\r\n\r\n{body}");
        }
    });
    address.to_string()
}
