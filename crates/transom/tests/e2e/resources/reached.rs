//! Named pipes that a container's programs serve, reached by sockets of the host.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::support::container::{BASE, Container};
use crate::support::{host, programs, wait};

/// Echoes, and says how much it was when the other end is done.
const SERVER: &str = "require('net').createServer({ allowHalfOpen: true }, s => { let n = 0; \
     s.on('data', d => { n += d.length; s.write(d) }); \
     s.on('end', () => s.end(n + ' bytes')); s.on('error', () => {}) }) \
     .listen('\\\\\\\\.\\\\pipe\\\\app', () => console.log('listening'))";

#[test]
fn a_pipe_that_a_program_serves_is_reached_from_the_host() {
    let image = programs::image();
    let host = host::shared();
    let folder = host.scratch();
    let socket = folder.path().join("app");
    let flag = format!(r"--volume={}:\\.\pipe\app", folder.path().display());
    let container = Container::run(&host, &[&flag], &[image, "node", "-e", SERVER]);
    container.wait_for_log("listening");
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let socket = &socket;
            scope.spawn(move || {
                let mut stream = UnixStream::connect(socket).unwrap();
                stream.set_read_timeout(Some(wait::LONG)).unwrap();
                let text = vec![b'x'; number << 18];
                let mut writer = stream.try_clone().unwrap();
                let sent = text.clone();
                let writing = std::thread::spawn(move || writer.write_all(&sent));
                let mut back = vec![0; text.len()];
                stream.read_exact(&mut back).unwrap();
                writing.join().unwrap().unwrap();
                assert!(back == text, "what came back is not what was sent");
            });
        }
    });
    // Somebody who goes without a word is in nobody's way.
    drop(UnixStream::connect(&socket).unwrap());
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"last").unwrap();
    let mut back = [0; 4];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"last");
    container.remove();
    assert!(!socket.exists(), "the socket is still there");
    let ended = stream.read(&mut back);
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[test]
fn a_pipe_that_nobody_serves_is_closed_and_a_socket_of_somebody_else_stays() {
    let host = host::shared();
    let folder = host.scratch();
    let flag = format!(r"--volume={}:\\.\pipe\app", folder.path().display());
    let socket = folder.path().join("app");
    std::fs::write(&socket, "mine").unwrap();
    let refused = host.transom(&["run", "--rm", &flag, BASE, "cmd", "/c", "ver"]).fail();
    assert!(refused.errors().contains("something else is there"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&socket).unwrap(), "mine");
    std::fs::remove_file(&socket).unwrap();
    // One that a killed silo host left is in nobody's way.
    drop(UnixListener::bind(&socket).unwrap());
    let _container = Container::run(&host, &[&flag, "-i"], &[BASE, "cmd"]);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.set_read_timeout(Some(wait::LONG)).unwrap();
    assert_eq!(stream.read(&mut [0; 4]).unwrap(), 0);
}
