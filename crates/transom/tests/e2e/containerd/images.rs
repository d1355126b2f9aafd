//! Windows images that containerd itself keeps: imported, unpacked by its snapshotters, run.

use serde_json::{Value, json};

use super::daemon::Daemon;
use crate::support::archive::{self, Layer};
use crate::support::host::{self, Host};

pub(super) const RUN: [&str; 4] = ["run", "--rm", "--runtime", "io.containerd.runhcs.v1"];

#[test]
fn ctr_runs_a_windows_image_that_containerd_unpacked() {
    let host = host::shared();
    let daemon = Daemon::start(&host);
    let name = "docker.io/test/adopted:1";
    daemon.convert(&host, "default", &["--drop-user"], image(&host, name));
    let line = r"type C:\app\CHANGED.txt& dir /b C:\App& type C:\windows\system32\own.txt& cd& set";
    let run = |snapshotter: &str| {
        let flags = ["--snapshotter", snapshotter, name, "adopted", "cmd", "/c", line];
        daemon.ended(&[&RUN[..], &flags].concat())
    };
    let (_, text) = run("overlayfs");
    let (files, variables) = text.split_once("GREETING=hello").expect(&text);
    assert!(files.starts_with("new"), "{files}");
    assert!(files.contains("kept.txt") && !files.contains("removed.txt"), "{files}");
    assert!(files.contains("own") && files.contains(r"C:\App"), "{files}");
    assert!(!variables.contains("/usr/bin"), "{variables}");
    // A snapshotter without layers keeps both spellings, and nothing tells which one is meant.
    let (status, text) = run("native");
    assert_ne!(status, Some(0));
    assert!(text.contains("Windows cannot tell its name"), "{text}");
}

#[test]
fn ctr_runs_an_image_that_a_snapshotter_without_layers_unpacked() {
    let host = host::shared();
    let daemon = Daemon::start(&host);
    let name = "docker.io/test/flat:1";
    let mut layer = Layer::new();
    layer.folder("Files/App").file("Files/App/own.txt", b"own");
    load(&host, name, &json!({}), &mut [layer]);
    daemon.convert(&host, "default", &[], name);
    let line = r"type C:\app\OWN.txt& echo x>C:\new.txt& dir /b C:\";
    let flags = ["--snapshotter", "native", name, "flat", "cmd", "/c", line];
    let text = daemon.succeed(&[&RUN[..], &flags].concat());
    assert!(text.starts_with("own") && text.contains("new.txt"), "{text}");
}

#[test]
fn what_a_container_wrote_is_in_its_snapshot_and_goes_with_it() {
    let host = host::shared();
    let daemon = Daemon::start(&host);
    let name = "docker.io/test/written:1";
    daemon.convert(&host, "default", &["--drop-user"], image(&host, name));
    let create = ["containers", "create", "--runtime", "io.containerd.runhcs.v1", name, "written"];
    let count = r"echo x>>C:\count.txt& type C:\count.txt& exit 7";
    daemon.succeed(&[&create[..], &["cmd", "/c", count]].concat());
    for lines in 1..=2 {
        let (status, text) = daemon.ended(&["tasks", "start", "written"]);
        assert_eq!(status, Some(7), "{text}");
        assert_eq!(text.matches('x').count(), lines, "{text}");
        daemon.ended(&["tasks", "delete", "written"]);
    }
    daemon.succeed(&["containers", "delete", "written"]);
    let (status, text) = daemon.ended(&[&RUN[..], &[name, "written", "cmd", "/c", count]].concat());
    assert_eq!((status, text.matches('x').count()), (Some(7), 1), "{text}");
}

#[test]
fn a_linux_image_and_what_windows_cannot_have_are_refused_with_the_reason() {
    let host = host::shared();
    let daemon = Daemon::start(&host);
    let name = "docker.io/test/refused:1";
    daemon.convert(&host, "default", &["--drop-user"], image(&host, name));
    let bad = [
        (vec!["--net-host", name, "refused", "cmd"], "network"),
        (vec!["--read-only", name, "refused", "cmd"], "read-only"),
    ];
    for (flags, word) in bad {
        let (status, text) = daemon.ended(&[&RUN[..], &flags].concat());
        assert_ne!(status, Some(0), "{flags:?}");
        assert!(text.contains(word), "{flags:?}: {text}");
    }
    let pause = ["--namespace", "k8s.io", "run", "--runtime", "io.containerd.runhcs.v1"];
    let (_, text) = daemon.ended(&[&pause[..], &["transom.test/pause:1", "refused"]].concat());
    assert!(text.contains("no part of a Windows layer"), "{text}");
    let left = daemon.succeed(&["tasks", "list"]);
    assert!(!left.contains("refused"), "{left}");
}

/// Two layers, of which the upper one spells names in its own way.
fn image<'n>(host: &Host, name: &'n str) -> &'n str {
    let mut lower = Layer::new();
    lower.folder("Files/App").file("Files/App/kept.txt", b"kept");
    lower.file("Files/App/changed.txt", b"old").file("Files/App/removed.txt", b"there");
    lower.folder("Files/WINDOWS").folder("Files/WINDOWS/System32");
    lower.file("Files/WINDOWS/System32/own.txt", b"own");
    let mut upper = Layer::new();
    upper.folder("Files/APP").file("Files/APP/Changed.TXT", b"new\r\n");
    upper.whiteout("Files/app", "REMOVED.txt");
    let config = json!({
        "User": "ContainerUser", "Env": ["GREETING=hello"], "WorkingDir": r"C:\App",
        "Cmd": ["cmd", "/c", "ver"],
    });
    load(host, name, &config, &mut [lower, upper]);
    name
}

fn load(host: &Host, name: &str, config: &Value, layers: &mut [Layer]) {
    let folder = host.scratch();
    let file = folder.path().join("image.tar");
    archive::write(&file, name, config, layers);
    host.transom(&["load", "--input"]).arg(&file).succeed();
}
