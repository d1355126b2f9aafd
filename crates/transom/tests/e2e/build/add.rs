//! `ADD` and what `COPY` can do: downloads, archives, repositories, owners, parents, exclusions.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Context, build, spoke};
use crate::support::archive::hex;
use crate::support::host;
use crate::support::layers;

/// A server that gives the same to everybody, and nothing to those who have it. Gone with the
/// process of the tests.
pub(super) fn server(body: &'static [u8]) -> String {
    counting_server(body, Arc::default())
}

/// The same, counting how often it gave all of it.
fn counting_server(body: &'static [u8], whole_answers: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
            while !request.ends_with(b"\r\n\r\n") {
                match client.read(&mut buffer) {
                    Ok(read @ 1..) => request.extend(&buffer[..read]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).to_lowercase();
            let head = if request.contains("if-none-match: \"one\"") {
                "HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\nConnection: close\r\n\r\n".to_owned()
            } else {
                whole_answers.fetch_add(1, Ordering::SeqCst);
                let length = body.len();
                format!(
                    "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nConnection: close\r\n\
                     Content-Length: {length}\r\n\r\n"
                )
            };
            let whole = head.starts_with("HTTP/1.1 200");
            let _ = client.write_all(head.as_bytes());
            let _ = if whole { client.write_all(body) } else { Ok(()) };
        }
    });
    format!("http://{address}")
}

/// A server of the repositories in a folder. Gone with the process of the tests.
pub(super) fn repositories(folder: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
    let address = listener.local_addr().expect("a bound socket has an address");
    let base = format!("--base-path={}", folder.display());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let socket = std::os::fd::OwnedFd::from(client);
            let mut daemon = Command::new("git");
            daemon.args(["daemon", "--inetd", "--export-all", &base]);
            let copy = socket.try_clone().expect("a descriptor can be copied");
            daemon.stdin(copy).stdout(socket).status().expect("git is installed");
        }
    });
    format!("git://{address}")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `DockerfileADDFromURL` and `AddChecksum`.
#[test]
fn downloads_are_checked_and_asked_for_again_only_if_they_changed() {
    let host = host::shared();
    let whole_answers = Arc::<AtomicUsize>::default();
    let address = counting_server(b"from afar", Arc::clone(&whole_answers));
    let digest = hex(b"from afar");
    let dockerfile = |checksum: &str| {
        format!(
            "FROM transom/base\nADD {address}/dir/file.txt C:/d/\nADD {address}/ C:/d/\n\
             ADD --checksum=sha256:{checksum} {address}/x C:/d/named\n\
             RUN type C:\\d\\file.txt C:\\d\\__unnamed__ C:\\d\\named\n"
        )
    };
    let context = Context::new(&dockerfile(&digest));
    let said = build(&host, &context, &[]).succeed().errors();
    assert_eq!(said.matches("from afar").count(), 3, "{said}");
    let before = whole_answers.load(Ordering::SeqCst);
    let said = build(&host, &context, &[]).succeed().errors();
    assert_eq!(said.matches("CACHED").count(), 4, "{said}");
    assert_eq!(whole_answers.load(Ordering::SeqCst), before, "the whole file was sent again");
    let wrong = Context::new(&dockerfile(&hex(b"something else")));
    let said = build(&host, &wrong, &[]).fail().errors();
    assert!(said.contains("digest mismatch sha256:"), "{said}");
}

/// `DockerfileAddArchive` and `DockerfileAddArchiveWildcard`.
#[test]
fn archives_are_unpacked_unless_told_not_to_be() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base\nADD *.tar plain.tgz packed.txz C:/out/\nADD --unpack=false a.tar C:/kept/\n\
         COPY a.tar C:/copied/\nRUN dir /s /b C:\\out C:\\kept C:\\copied && type C:\\out\\deep\\a.txt\n",
    );
    context.file("src/deep/a.txt", "in an archive");
    for (flag, name) in [("-cf", "a.tar"), ("-czf", "plain.tgz"), ("-cJf", "packed.txz")] {
        let mut tar = Command::new("tar");
        run(tar.args([flag, &context.path(name), "-C", &context.path("src"), "deep"]));
    }
    let said = build(&host, &context, &[]).succeed().errors().to_lowercase();
    for wanted in [r"c:\out\deep\a.txt", r"c:\kept\a.tar", r"c:\copied\a.tar", "in an archive"] {
        assert!(spoke(&said, wanted), "{wanted}: {said}");
    }
    assert!(!spoke(&said, r"c:\out\a.tar"), "{said}");
}

#[test]
fn a_repository_is_checked_out_at_what_is_named() {
    let host = host::shared();
    let origin = tempfile::tempdir().expect("a temporary folder");
    let path = origin.path().join("project.git");
    std::fs::create_dir_all(path.join("sub")).expect("a folder can be made");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(&path).args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        run(git.args(arguments));
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    std::fs::write(path.join("sub/file.txt"), "of the first").expect("a file can be written");
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    git(&["tag", "v1"]);
    std::fs::write(path.join("sub/file.txt"), "of the second").expect("a file can be written");
    git(&["commit", "--quiet", "--all", "-m", "second"]);
    let url = format!("{}/project.git", repositories(origin.path()));
    let context = Context::new(&format!(
        "FROM transom/base\nADD {url}#v1:sub C:/one/\nADD {url} C:/two/\n\
         ADD --keep-git-dir {url} C:/three/\n\
         RUN type C:\\one\\file.txt C:\\two\\sub\\file.txt && if exist C:\\two\\.git exit 7\n\
         RUN if not exist C:\\three\\.git exit 8\n"
    ));
    let said = build(&host, &context, &[]).succeed().errors();
    assert!(said.contains("of the first") && said.contains("of the second"), "{said}");
    // The same commit is the same, although git never packs it in the same way.
    let said = build(&host, &context, &[]).succeed().errors();
    assert_eq!(said.matches("CACHED").count(), 5, "{said}");
    let context = Context::new(&format!("FROM transom/base\nADD {url}#nowhere C:/x/\n"));
    let said = build(&host, &context, &[]).fail().errors();
    assert!(said.contains("project.git: git "), "{said}");
    // What is on the host is nobody's to give away.
    let own = format!("file://{}", path.display());
    let context = Context::new(&format!("FROM transom/base\nADD {own} C:/x/\n"));
    let said = build(&host, &context, &[]).fail().errors();
    assert!(said.contains("files of this host are copied from a context"), "{said}");
}

/// `CopyRelativeParents` and `WorkdirUser`.
#[test]
fn owners_parents_and_exclusions_are_those_asked_for() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
COPY --chown=ContainerUser src\a.txt C:\owned\
COPY --chown=NoSuchAccount src\a.txt C:\x
",
    );
    context.file("src/a.txt", "a").file("src/b/c.txt", "c").file("src/b/d.md", "d");
    let said = build(&host, &context, &[]).fail().errors();
    assert!(said.contains("user \"NoSuchAccount\""), "{said}");
    context.file(
        "Dockerfile",
        r"# escape=`
FROM transom/base
COPY --chown=ContainerUser:Users src\a.txt C:\owned\
USER ContainerUser
WORKDIR C:\mine
USER ContainerAdministrator
COPY --parents --exclude=**/*.md src\.\b C:\kept\
COPY --link src\a.txt C:\linked\
COPY --chown=DIALUP src\a.txt C:\asked\
RUN dir /s /b C:\kept C:\linked
",
    );
    let said = build(&host, &context, &["-t", "test/owned:1"]).succeed().errors().to_lowercase();
    assert!(said.contains(r"c:\kept\b\c.txt") && !said.contains(r"c:\kept\b\d.md"), "{said}");
    assert!(said.contains(r"c:\linked\a.txt") && !said.contains(r"c:\kept\src"), "{said}");
    let layers = layers::of(&host, "test/owned:1");
    // `ContainerUser`, S-1-5-93-2-2, is the owner: it stands behind the header, at 20.
    let owner = "AQMAAAAAAAVdAAAAAgAAAAIAAAA";
    for (layer, name) in [(1, "Files/owned/a.txt"), (1, "Files/owned"), (2, "Files/mine")] {
        let descriptor = layers[layer].record(name, "MSWINDOWS.rawsd");
        assert!(descriptor_holds(descriptor, owner), "{name}: {descriptor}");
    }
    let other = layers[4].record("Files/linked/a.txt", "MSWINDOWS.rawsd");
    assert!(!descriptor_holds(other, owner), "{other}");
    // S-1-5-1, which only the image's own Windows knows.
    let asked = layers[5].record("Files/asked/a.txt", "MSWINDOWS.rawsd");
    assert!(descriptor_holds(asked, "AQEAAAAAAAUBAAAA"), "{asked}");
}

/// Whether the owner's identifier begins at byte 20 of a descriptor, both in base64.
pub(super) fn descriptor_holds(descriptor: &str, owner: &str) -> bool {
    let bits = |text: &str| -> Vec<u8> {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let value = |c: u8| digits.iter().position(|digit| *digit == c);
        let values = text.bytes().filter_map(value);
        values
            .flat_map(|value| (0..6).rev().map(move |bit| u8::from(value >> bit & 1 == 1)))
            .collect()
    };
    let (descriptor, owner) = (bits(descriptor), bits(owner));
    let owner = &owner[..owner.len() / 8 * 8];
    descriptor.get(160..160 + owner.len()) == Some(owner)
}

/// `DockerfileAddArchive`'s other half, and `ImpliedParentDir`.
#[test]
fn an_archive_from_afar_stays_one_unless_it_is_to_be_unpacked() {
    let host = host::shared();
    let context = Context::new("");
    context.file("src/deep/a.txt", "in an archive");
    let source = context.path("src");
    // Without an entry for the folder.
    let tar = Command::new("tar").args(["-c", "-C", &source, "deep/a.txt"]).output();
    let address = server(tar.expect("tar is a part of every Linux").stdout.leak());
    context.file(
        "Dockerfile",
        format!(
            "FROM scratch\nADD {address}/x.tar C:/kept/\n\
             ADD --unpack=true {address}/x.tar C:/unpacked/\n"
        ),
    );
    let out = context.path("out");
    build(&host, &context, &["-o", &out]).succeed();
    let out = Path::new(&out);
    assert!(out.join("kept/x.tar").is_file());
    let text = std::fs::read_to_string(out.join("unpacked/deep/a.txt"));
    assert_eq!(text.expect("it was unpacked"), "in an archive");
}

/// `AddChecksum`'s refusals among them.
#[test]
fn what_add_cannot_do_is_refused() {
    let host = host::shared();
    for (instruction, wanted) in [
        ("ADD --checksum=sha256:00 a b", "checksum can't be specified for non-HTTP(S)"),
        ("ADD --checksum=sha256:00 http://a/x http://a/y C:/d/", "for multiple sources"),
        ("ADD --keep-git-dir a b", "--keep-git-dir can only be specified for git sources"),
        ("ADD http://127.0.0.1:1/x C:/x", "failed to download http://127.0.0.1:1/x"),
        ("ADD nowhere C:/x", "\"/nowhere\": not found"),
    ] {
        let context = Context::new(&format!("FROM transom/base\n{instruction}\n"));
        context.file("a", "a");
        let said = build(&host, &context, &[]).fail().errors();
        assert!(said.contains(wanted), "{instruction}: {said}");
    }
}
