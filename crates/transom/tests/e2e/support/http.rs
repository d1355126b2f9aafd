//! As much of HTTP as one request takes.

use std::io::{Read, Write};
use std::net::TcpStream;
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
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    socket.local_addr().expect("a bound socket has an address").port()
}
