//! Images from outside: load, run, tag, save, remove, and archives that mean harm.

use serde_json::json;

use crate::support::archive::{self, Layer};
use crate::support::host::{self, Host};

#[test]
fn upper_layers_hide_lower_ones_whatever_the_case_of_their_names() {
    let host = host::shared();
    let mut lower = Layer::new();
    lower.folder("Files/App").folder("Files/App/Sub");
    lower.file("Files/App/kept.txt", b"kept").file("Files/App/changed.txt", b"old");
    lower.file("Files/App/removed.txt", b"there").file("Files/App/Sub/gone.txt", b"there");
    let mut upper = Layer::new();
    upper.folder("Files/APP").file("Files/APP/Changed.TXT", b"new");
    upper.whiteout("Files/app", "REMOVED.txt").whiteout("Files/app", "sub");
    let name = "test/layers:1";
    load(&host, name, &mut [lower, upper]);
    let line = r"dir /b C:\app& type C:\app\changed.txt& type c:\APP\kept.txt";
    let output = host.transom(&["run", "--rm", name, "cmd", "/c", line]).succeed();
    let mut lines = output.lines();
    lines[..2].sort_by_key(|name| name.to_lowercase());
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0].to_lowercase(), "changed.txt");
    assert_eq!(lines[1..], ["kept.txt", "newkept"]);
}

#[test]
fn an_images_defaults_are_used_and_can_be_overridden() {
    let host = host::shared();
    let mut layer = Layer::new();
    layer.folder("Files/data");
    let config = json!({
        "Entrypoint": ["cmd", "/c"],
        "Cmd": ["echo %GREETING% from %CD%"],
        "Env": ["GREETING=hello"],
        "WorkingDir": r"C:\data",
    });
    let name = "test/defaults:1";
    load_with(&host, name, &config, &mut [layer]);
    let output = host.transom(&["run", "--rm", name]).succeed();
    assert_eq!(output.text().to_lowercase(), r"hello from c:\data");
    let output =
        host.transom(&["run", "--rm", "-e", "GREETING=bye", name, "echo %GREETING%"]).succeed();
    assert_eq!(output.text(), "bye");
}

#[test]
fn an_image_can_be_tagged_saved_removed_and_loaded_again() {
    let host = host::shared();
    let mut layer = Layer::new();
    layer.folder("Files/one").file("Files/one/a.txt", b"content");
    layer.link("Files/one/b.txt", "Files/one/a.txt").symlink("Files/one/c.txt", "a.txt");
    let (name, tag) = ("test/saved:1", "test/saved:again");
    load(&host, name, &mut [layer]);
    let id = |name: &str| {
        let image = host.transom(&["image", "inspect", name]).succeed().json();
        image[0]["Id"].as_str().unwrap().to_owned()
    };
    let first = id(name);
    host.transom(&["tag", name, tag]).succeed();
    assert_eq!(id(tag), first);
    let folder = host.scratch();
    let file = folder.path().join("saved.tar");
    host.transom(&["save", "--output"]).arg(&file).arg(tag).succeed();
    host.transom(&["rmi", name, tag]).succeed();
    host.transom(&["image", "inspect", name]).fail();
    host.transom(&["load", "--input"]).arg(&file).succeed();
    assert_eq!(id(tag), first);
    let line = r"type C:\one\b.txt& type C:\one\c.txt";
    let output = host.transom(&["run", "--rm", tag, "cmd", "/c", line]).succeed();
    assert_eq!(output.text(), "contentcontent");
}

#[test]
fn hostile_names_are_refused_and_named_and_nothing_is_left() {
    let host = host::shared();
    let cases = [
        ("Files/../../escape.txt", "escape.txt"),
        ("/etc/absolute.txt", "absolute.txt"),
        ("Files/CON", "CON"),
        ("Files/nul.txt", "nul.txt"),
        ("Files/a:stream", "a:stream"),
        ("Files/trailing.", "trailing."),
        ("Files/question?", "question?"),
    ];
    for (number, (entry, named)) in cases.into_iter().enumerate() {
        let mut layer = Layer::new();
        layer.file(entry, b"x");
        let name = format!("test/hostile:{number}");
        refused(&host, &name, &mut [layer], named);
    }
}

#[test]
fn a_link_cannot_lead_out_of_its_layer() {
    let host = host::shared();
    let mut through = Layer::new();
    through.symlink("Files/door", "/etc").file("Files/door/planted.txt", b"x");
    refused(&host, "test/hostile:door", &mut [through], "door/planted.txt");
    let mut hard = Layer::new();
    hard.link("Files/shadow", "../../../../../../etc/shadow");
    refused(&host, "test/hostile:hard", &mut [hard], "shadow");
    assert!(!std::path::Path::new("/etc/planted.txt").exists());
}

#[test]
fn two_names_that_windows_cannot_tell_apart_are_refused() {
    let host = host::shared();
    let mut layer = Layer::new();
    layer.file("Files/same.txt", b"1").file("Files/SAME.TXT", b"2");
    refused(&host, "test/hostile:case", &mut [layer], "SAME.TXT");
}

#[test]
fn an_archive_cut_short_leaves_nothing() {
    let host = host::shared();
    let folder = host.scratch();
    let file = folder.path().join("whole.tar");
    let mut layer = Layer::new();
    layer.file("Files/large.bin", &vec![7; 300_000]);
    archive::write(&file, "test/cut:1", &json!({}), &mut [layer]);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    host.transom(&["load", "--input"]).arg(&file).fail();
    host.transom(&["image", "inspect", "test/cut:1"]).fail();
}

/// Loading it, or at the latest making a container of it, fails and names the entry.
fn refused(host: &Host, name: &str, layers: &mut [Layer], entry: &str) {
    let folder = host.scratch();
    let file = folder.path().join("image.tar");
    archive::write(&file, name, &json!({}), layers);
    let mut output = host.transom(&["load", "--input"]).arg(&file).output();
    if output.errors().contains(entry) {
        host.transom(&["image", "inspect", name]).fail();
        return;
    }
    output = host.transom(&["create", name, "cmd"]).fail();
    assert!(output.errors().contains(entry), "`{entry}` is not named: {output:?}");
    host.transom(&["rmi", name]).succeed();
}

fn load(host: &Host, name: &str, layers: &mut [Layer]) {
    load_with(host, name, &json!({}), layers);
}

fn load_with(host: &Host, name: &str, config: &serde_json::Value, layers: &mut [Layer]) {
    let folder = host.scratch();
    let file = folder.path().join("image.tar");
    archive::write(&file, name, config, layers);
    host.transom(&["load", "--input"]).arg(&file).succeed();
}
