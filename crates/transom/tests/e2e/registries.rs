//! Registries: who may speak to them, and all tags of a repository at once.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use rustix::process::Signal;

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::http;
use crate::support::registry::Registry;
use crate::support::terminal::Terminal;
use crate::support::wait;

#[test]
fn a_login_is_checked_kept_where_docker_keeps_it_and_forgotten() {
    let host = host::shared();
    let registry = Registry::guarded();
    let folder = host.scratch();
    let file = folder.path().join("config.json");
    std::fs::write(&file, r#"{"detachKeys":"ctrl-x"}"#).unwrap();
    std::os::unix::fs::chown(&file, Some(1234), Some(4321)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let transom = |line: &[&str]| host.transom(line).env("DOCKER_CONFIG", folder.path());
    let (address, image) = (registry.address(), registry.name("guarded"));
    let container = Container::create(&host, &[], &[BASE, "cmd"]);
    for tag in ["first", "second"] {
        transom(&["commit", container.id(), &format!("{image}:{tag}")]).succeed();
    }
    let stdin = |password: &str| {
        let line = ["login", "--username", "user", "--password-stdin", address];
        transom(&line).input(password)
    };
    let refused = stdin("wrong\n").fail();
    assert!(refused.errors().contains("refuses this name and password"), "{refused:?}");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("auths"));
    transom(&["push", "--all-tags", &image]).fail();

    assert_eq!(stdin("secret\n").succeed().text(), "Login Succeeded");
    let about = std::fs::metadata(&file).unwrap();
    assert_eq!((about.uid(), about.gid(), about.mode() & 0o777), (1234, 4321, 0o640));
    let pushed = transom(&["push", "--all-tags", &image]).succeed().lines();
    assert!(pushed[0].starts_with("first: ") && pushed[1].starts_with("second: "), "{pushed:?}");
    let tags = ["first", "second"].map(|tag| format!("{image}:{tag}"));
    transom(&["rmi", &tags[0], &tags[1]]).succeed();
    let pulled = transom(&["pull", "--quiet", "--all-tags", &image]).succeed().lines();
    assert_eq!(pulled, tags);
    transom(&["pull", "--all-tags", &tags[0]]).fail();

    transom(&["logout", address]).succeed();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("ctrl-x") && !text.contains(address), "{text}");
    assert!(transom(&["logout", address]).succeed().text().starts_with("Not logged in"));
    transom(&["pull", &tags[0]]).fail();
    transom(&["rmi", &tags[0], &tags[1]]).succeed();
}

#[test]
fn a_login_without_a_terminal_wants_its_password_from_stdin() {
    let host = host::shared();
    let refused = host.transom(&["login", "--username", "user", "127.0.0.1:1"]).fail();
    assert!(refused.errors().contains("non-TTY"), "{refused:?}");
    let line = ["login", "--username=user", "--password-stdin", "127.0.0.1:1"];
    let nobody = host.transom(&line).input("secret").fail();
    assert!(nobody.errors().contains("log in to `127.0.0.1:1`"), "{nobody:?}");
}

#[test]
fn a_password_is_typed_unseen_and_whatever_ends_that_leaves_the_terminal_as_it_was() {
    let host = host::shared();
    let asked = || {
        let terminal = Terminal::start(&host, &["login", "--username=user", "127.0.0.1:1"]);
        terminal.wait_for("Password:");
        wait::until("what is typed is hidden", || (!terminal.echoes()).then_some(()));
        terminal
    };
    for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let terminal = asked();
        terminal.signal(signal);
        wait::until("the terminal is as it was", || terminal.echoes().then_some(()));
        assert_eq!(terminal.end(), status);
    }
    let mut terminal = asked();
    terminal.line("secret");
    terminal.wait_for("log in to `127.0.0.1:1`");
    assert!(terminal.echoes() && !terminal.screen().contains("secret"), "{}", terminal.screen());
    assert_eq!(terminal.end(), 1);
}

#[test]
fn nobody_is_logged_in_to_what_is_no_registry() {
    let host = host::shared();
    for status in ["200 OK", "404 Not Found", "503 Service Unavailable"] {
        let address = http::answering(status, "a page for people");
        let line = ["login", "--username=user", "--password-stdin", &address];
        let folder = host.scratch();
        let said = host.transom(&line).env("DOCKER_CONFIG", folder.path()).input("secret").fail();
        assert!(said.errors().contains("does not answer as a registry"), "{status}: {said:?}");
        assert!(!folder.path().join("config.json").exists(), "{status}");
    }
}

#[test]
fn a_helper_forgets_a_login_that_only_it_knows() {
    let host = host::shared();
    let folder = host.scratch();
    let config = r#"{"credHelpers":{"r.example:5000":"transom-test"}}"#;
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    // What is known is a file, so that what was asked for shows.
    let script = "#!/bin/sh\nread -r key\n[ \"$1\" = erase ] || exit 2\n\
                  rm \"$(dirname \"$0\")/$key\" 2>/dev/null && exit 0\n\
                  echo 'credentials not found in native keychain'; exit 1\n";
    let helper = folder.path().join("docker-credential-transom-test");
    std::fs::write(&helper, script).unwrap();
    std::fs::set_permissions(&helper, PermissionsExt::from_mode(0o755)).unwrap();
    let known = folder.path().join("r.example:5000");
    std::fs::write(&known, "").unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let line = || {
        let line = host.transom(&["logout", "r.example:5000"]);
        line.env("DOCKER_CONFIG", folder.path()).env("PATH", &path)
    };
    let logout = || line().succeed().text();
    assert!(logout().starts_with("Removing login"), "the helper knew it");
    assert!(!known.exists());
    assert!(logout().starts_with("Not logged in"), "and no more");
    // What is in the file goes whatever the helper says.
    std::fs::write(&helper, "#!/bin/sh\necho locked; exit 1\n").unwrap();
    let config = config.replace("}}", r#"},"auths":{"r.example:5000":{}}}"#);
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let said = line().succeed();
    assert!(said.text().starts_with("Removing login"), "{said:?}");
    assert!(said.errors().contains("locked"), "{said:?}");
    assert!(line().fail().errors().contains("locked"), "only the helper may have some");
}
