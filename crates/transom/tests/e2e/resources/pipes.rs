//! Named pipes of a container that Unix sockets of the host answer.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::support::container::{BASE, Container};
use crate::support::host::{self, Host};
use crate::support::probe::{self, PROBE};

/// A server that gives back what it gets, and at the end says how much it was. Gone with the
/// process of the tests.
fn echo_server(folder: &Path) -> PathBuf {
    let path = folder.join("echo.sock");
    let listener = UnixListener::bind(&path).expect("a new path can be bound");
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || echo(client));
        }
    });
    path
}

fn echo(mut client: UnixStream) {
    let (mut buffer, mut total) = (vec![0; 1 << 16], 0);
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        total += count;
        if client.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
    if total < 1000 {
        let _ = writeln!(client, "{total} bytes, bye");
    }
}

fn probe(host: &Host, pipe: &str, line: &[&str]) -> crate::support::command::Output {
    let (flag, probe) = (format!("--volume={pipe}"), probe::mount());
    host.transom(&[&["run", "--rm", &flag, &probe, BASE, PROBE], line].concat()).output()
}

#[test]
fn a_socket_answers_a_pipe_and_hears_that_its_client_is_done() {
    let host = host::shared();
    let folder = host.scratch();
    let socket = echo_server(folder.path());
    let pipe = format!(r"{}:\\.\pipe\echo", socket.display());
    let output = probe(&host, &pipe, &["pipe-talk", r"\\.\pipe\ECHO", "hello", "again"]);
    assert_eq!(output.lines(), ["hello", "again", "10 bytes, bye"], "{output:?}");
}

#[test]
fn a_pipe_carries_both_ways_at_once() {
    let host = host::shared();
    let folder = host.scratch();
    let socket = echo_server(folder.path());
    let pipe = format!(r"{}:\\.\pipe\echo", socket.display());
    let output = probe(&host, &pipe, &["pipe-flood", r"\\.\pipe\echo"]);
    assert_eq!(output.text(), (16 << 20).to_string(), "{output:?}");
}

#[test]
fn several_clients_of_a_pipe_have_connections_of_their_own() {
    let host = host::shared();
    let folder = host.scratch();
    let socket = echo_server(folder.path());
    let pipe = format!(r"--volume={}:\\.\pipe\echo", socket.display());
    let idle = [BASE, PROBE, "nap"];
    let container = Container::run(&host, &[&pipe, &probe::mount()], &idle);
    std::thread::scope(|scope| {
        for number in 0..6 {
            let container = &container;
            scope.spawn(move || {
                let text = "x".repeat(number + 1);
                let line = [PROBE, "pipe-talk", r"\\.\pipe\echo", &text];
                let output = container.exec(&line).succeed();
                let bye = format!("{} bytes, bye", number + 1);
                assert_eq!(output.lines(), [text, bye], "{output:?}");
            });
        }
    });
}

#[test]
fn a_windows_pipe_of_the_host_is_the_socket_that_the_administrator_names() {
    let host = host::shared();
    let folder = host.scratch();
    let socket = echo_server(folder.path());
    let line = ["pipe-talk", r"\\.\pipe\docker_engine", "version"];
    let output = probe(&host, r"\\.\pipe\unnamed:\\.\pipe\docker_engine", &line);
    assert!(output.errors().contains("no socket stands for this pipe"), "{output:?}");
    host.decide("pipes", serde_json::json!({ r"\\.\pipe\docker_engine": socket }));
    let output = probe(&host, r"\\.\pipe\docker_engine:\\.\pipe\docker_engine", &line);
    assert_eq!(output.lines(), ["version", "7 bytes, bye"], "{output:?}");
}

#[test]
fn a_server_that_is_gone_closes_the_pipe_and_one_that_is_back_answers() {
    let host = host::shared();
    let folder = host.scratch();
    let socket = folder.path().join("late.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let pipe = format!(r"--volume={}:\\.\pipe\late", socket.display());
    let idle = [BASE, PROBE, "nap"];
    let container = Container::run(&host, &[&pipe, &probe::mount()], &idle);
    let line = [PROBE, "pipe-talk", r"\\.\pipe\late", "hello"];
    let refused = container.exec(&line).output();
    assert!(!refused.lines().contains(&"hello".to_owned()), "{refused:?}");
    std::fs::remove_file(&socket).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(echo));
    let output = container.exec(&line).succeed();
    assert_eq!(output.lines(), ["hello", "5 bytes, bye"], "{output:?}");
}
