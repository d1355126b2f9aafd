//! What a container changed, told, taken out, and made an image of: `diff`, `export`, `import`, `commit`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt;
use std::process::Stdio;

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe;
use crate::support::wait;

const CHANGE: &str = r"reg add HKLM\Software\Live /v Mine /d 77 /f & echo hi>C:\made.txt & mkdir C:\folder & del /f C:\License.txt";

#[test]
fn a_running_containers_files_and_registry_are_in_the_image_that_is_made_of_it() {
    let host = host::shared();
    let container = Container::idle(&host);
    container.exec(&["cmd", "/c", CHANGE]).succeed();

    let told = container.transom("diff", &[]).succeed().lines();
    for line in [r"A \made.txt", r"A \folder", r"D \License.txt"] {
        assert!(told.iter().any(|told| told == line), "{told:?}");
    }

    let change = r"CMD type C:\made.txt & reg query HKLM\Software\Live /v Mine";
    let flags = ["-m", "a message", "-a", "somebody", "-c", change, "-c", "LABEL kind=test"];
    let commit = [&["commit"], &flags[..], &[container.id(), "test/committed:1"]].concat();
    host.transom(&commit).succeed();
    assert_eq!(container.status(), "running");
    let seen = host.transom(&["run", "--rm", "test/committed:1"]).succeed().text();
    assert!(seen.contains("hi") && seen.contains("77"), "{seen}");
    let gone = [r"run", "--rm", "test/committed:1", "cmd", "/c", r"type C:\License.txt"];
    host.transom(&gone).fail();
    let about = host.transom(&["image", "inspect", "test/committed:1"]).succeed().text();
    for word in ["\"somebody\"", "\"a message\"", "\"kind\": \"test\""] {
        assert!(about.contains(word), "{about}");
    }
    let words = container.transom("commit", &["-c", "RUN x"]).fail().errors();
    assert!(words.contains("not a valid change"), "{words}");
}

#[test]
fn what_is_exported_is_imported_again() {
    let host = host::shared();
    let container = Container::idle(&host);
    container.exec(&["cmd", "/c", CHANGE]).succeed();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("files.tar");
    let archive = archive.to_str().expect("a path in UTF-8");
    container.transom("export", &["-o", archive]).succeed();
    let import =
        ["import", "-m", "from a file", "-c", r"CMD type C:\made.txt", archive, "test/im:1"];
    host.transom(&import).succeed();
    assert_eq!(host.transom(&["run", "--rm", "test/im:1"]).succeed().text(), "hi");
    let left = host.transom(&["run", "--rm", "test/im:1", "cmd", "/c", r"dir /b C:\"]);
    let left = left.succeed().text();
    assert!(left.contains("folder"), "{left}");
}

#[test]
fn a_commit_that_is_cut_short_leaves_no_container_paused() {
    let host = host::shared();
    let container = Container::idle(&host);
    // Something that takes a while to compress.
    let fill = format!(r"{} spew 64 > C:\big", probe::PROBE);
    container.exec(&["cmd", "/c", &fill]).succeed();
    let mut commit = container.transom("commit", &[]).start(|command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    });
    wait::until("the pause", || (container.status() == "paused").then_some(()));
    commit.kill().expect("it runs");
    commit.wait().expect("a child can be waited for");
    wait::until("the end of the pause", || (container.status() == "running").then_some(()));
    container.exec(&["cmd", "/c", "exit"]).succeed();
}

#[test]
fn a_device_that_is_written_to_stays_a_device() {
    let host = host::shared();
    let container = Container::create(&host, &[], &[BASE, "cmd"]);
    let folder = host.scratch();
    let null = folder.path().join("null");
    let made = std::process::Command::new("mknod").arg(&null).args(["c", "1", "3"]).status();
    assert!(made.expect("mknod is a part of every Linux").success());
    host.transom(&["export", container.id(), "-o"]).arg(&null).succeed();
    host.transom(&["save", BASE, "-o"]).arg(&null).succeed();
    host.transom(&["save", "test/none:such", "-o"]).arg(&null).fail();
    host.transom(&["containerd", "convert", BASE, "-o"]).arg(&null).succeed();
    assert!(std::fs::metadata(&null).expect("it is there").file_type().is_char_device());
}

#[test]
fn an_archive_is_imported_from_a_web_address() {
    let host = host::shared();
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.set_mode(0o644);
    archive.append_data(&mut header, "made.txt", &b"wide"[..]).expect("memory takes it");
    let url = serve(archive.into_inner().expect("memory takes it"));
    let line = ["import", "-c", r"CMD type C:\made.txt", &url, "test/im:2"];
    let told = host.transom(&line).succeed();
    assert!(told.errors().contains(&url) && told.text().starts_with("sha256:"), "{told:?}");
    assert_eq!(host.transom(&["run", "--rm", "test/im:2"]).succeed().text(), "wide");
    let words = host.transom(&["import", &url, "test/im:3"]).fail().errors();
    assert!(words.contains("failed to download"), "{words}");
}

/// A server that answers once, and its address.
fn serve(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).expect("it asks") > 0);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), &body].concat()).expect("it listens");
    });
    format!("http://{address}/files.tar")
}
