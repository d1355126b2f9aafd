//! Folders of the host and volumes, as a Windows program sees them.

use std::path::Path;

use crate::support::container::{BASE, Container};
use crate::support::host::{self, Host};
use crate::support::probe::{self, PROBE};

fn cmd(host: &Host, flags: &[&str], line: &str) -> crate::support::command::Output {
    host.transom(&[&["run", "--rm"], flags, &[BASE, "cmd", "/c", line]].concat()).output()
}

#[test]
fn a_bind_mount_goes_both_ways() {
    let host = host::shared();
    let folder = host.scratch();
    std::fs::write(folder.path().join("in.txt"), "from the host").unwrap();
    for flag in [
        format!(r"--volume={}:C:\data", folder.path().display()),
        format!(r"--mount=type=bind,source={},target=C:\data", folder.path().display()),
    ] {
        let output = cmd(&host, &[&flag], r"type C:\data\in.txt& echo back> C:\data\out.txt");
        assert_eq!(output.text(), "from the host", "{output:?}");
        assert_eq!(read(&folder.path().join("out.txt")), "back");
        std::fs::remove_file(folder.path().join("out.txt")).unwrap();
    }
}

#[test]
fn a_read_only_mount_cannot_be_written() {
    let host = host::shared();
    let folder = host.scratch();
    for flag in [
        format!(r"--volume={}:C:\data:ro", folder.path().display()),
        format!(r"--mount=type=bind,source={},target=C:\data,readonly", folder.path().display()),
    ] {
        let line = [&*flag, &probe::mount(), BASE, PROBE, "put", r"C:\data\x.txt", "x"];
        let output = host.transom(&["run", "--rm"]).args(&line).fail();
        assert!(output.text().starts_with("error "), "{output:?}");
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}

#[test]
fn a_file_is_no_source_for_a_mount() {
    let host = host::shared();
    let folder = host.scratch();
    let file = folder.path().join("settings.ini");
    std::fs::write(&file, "[one]").unwrap();
    let flag = format!(r"--volume={}:C:\app\settings.ini:ro", file.display());
    let output = cmd(&host, &[&flag], "ver");
    assert!(output.errors().contains("must be a directory"), "{output:?}");
}

#[test]
fn a_missing_source_is_an_error_that_names_it() {
    let host = host::shared();
    let missing = host.folder().join("is-not-there");
    let flag = format!(r"--mount=type=bind,source={},target=C:\data", missing.display());
    let output = cmd(&host, &[&flag], "ver");
    assert!(output.errors().contains("is-not-there"), "{output:?}");
}

#[test]
fn a_named_volume_outlives_its_containers() {
    let host = host::shared();
    let name = format!("vol{}", std::process::id());
    let flag = format!(r"--volume={name}:C:\kept");
    cmd(&host, &[&flag], r"echo first> C:\kept\a.txt");
    let output = cmd(&host, &[&flag], r"type C:\kept\a.txt");
    assert_eq!(output.text(), "first", "{output:?}");
    let names = host.transom(&["volume", "ls", "--quiet"]).succeed().lines();
    assert!(names.contains(&name), "{names:?}");
    host.transom(&["volume", "rm", &name]).succeed();
    let names = host.transom(&["volume", "ls", "--quiet"]).succeed().lines();
    assert!(!names.contains(&name), "{names:?}");
}

#[test]
fn an_anonymous_volume_goes_with_its_container() {
    let host = host::shared();
    let container =
        Container::run(&host, &["--volume", r"C:\own"], &[BASE, "cmd", "/c", r"echo x> C:\own\x"]);
    container.wait();
    let mount = container.inspect()["Mounts"][0].take();
    let source = mount["Source"].as_str().unwrap().to_owned();
    assert_eq!(read(&Path::new(&source).join("x")), "x");
    container.transom("rm", &["--volumes"]).succeed();
    assert!(!Path::new(&source).exists());
}

#[test]
fn a_volume_in_use_is_not_removed() {
    let host = host::shared();
    let name = format!("used{}", std::process::id());
    let flag = format!(r"{name}:C:\kept");
    let container = Container::create(&host, &["--volume", &flag], &[BASE, "cmd"]);
    let output = host.transom(&["volume", "rm", &name]).fail();
    assert!(output.errors().contains("use"), "{output:?}");
    container.remove();
    host.transom(&["volume", "rm", &name]).succeed();
}

#[test]
fn a_file_can_be_copied_in_and_out() {
    let host = host::shared();
    let folder = host.scratch();
    std::fs::write(folder.path().join("in.txt"), "carried").unwrap();
    let container = Container::idle(&host);
    let inside = |path: &str| format!("{}:{path}", container.id());
    let source = folder.path().join("in.txt").display().to_string();
    host.transom(&["cp", &source, &inside(r"C:\Users\in.txt")]).succeed();
    assert_eq!(container.exec(&["cmd", "/c", r"type C:\users\IN.TXT"]).succeed().text(), "carried");
    let target = folder.path().join("out.txt").display().to_string();
    host.transom(&["cp", &inside(r"C:\users\in.txt"), &target]).succeed();
    assert_eq!(read(Path::new(&target)), "carried");
}

fn read(file: &Path) -> String {
    let text =
        std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.trim().to_owned()
}
