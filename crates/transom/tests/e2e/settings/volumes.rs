//! Volumes: made, listed, shared, kept while in use, pruned.

use crate::support::container::{BASE, Container};
use crate::support::host;

#[test]
fn a_named_volume_outlives_its_containers_and_is_kept_while_one_has_it() {
    let host = host::shared();
    let name = format!("data-{}", std::process::id());
    host.transom(&["volume", "create", "--label", "kind=test", &name]).succeed();
    let place = format!(r"type=volume,source={name},target=C:\data");
    let run = |mount: &str, line: &str| {
        host.transom(&["run", "--rm", "--mount", mount, BASE, "cmd", "/c", line]).output()
    };
    run(&place, r"echo kept > C:\data\file");
    assert_eq!(run(&place, r"type C:\data\file").text(), "kept");
    let output = run(&format!("{place},readonly"), r"echo no > C:\data\other");
    assert!(output.errors().contains("enied") || output.text().contains("enied"), "{output:?}");
    let list = |filter: &str| {
        host.transom(&["volume", "ls", "--quiet", "--filter", filter]).succeed().lines()
    };
    assert_eq!(list("label=kind=test"), [name.as_str()]);
    let user = Container::create(&host, &["--mount", &place], &[BASE, "cmd"]);
    let refused = host.transom(&["volume", "rm", &name]).fail();
    assert!(refused.errors().contains(user.id()), "{refused:?}");
    assert!(!list("dangling=true").contains(&name));
    user.remove();
    host.transom(&["volume", "rm", &name]).succeed();
    assert!(list("label=kind=test").is_empty());
}

#[test]
fn a_volume_without_a_name_goes_with_its_container_when_asked_to() {
    let host = host::shared();
    let named = |container: &Container<'_>| {
        container.inspect()["Mounts"][0]["Name"].as_str().unwrap_or_default().to_owned()
    };
    let keep = Container::create(&host, &[r"-v=C:\anonymous"], &[BASE, "cmd"]);
    let go = Container::create(&host, &[r"-v=C:\anonymous"], &[BASE, "cmd"]);
    let (kept, gone) = (named(&keep), named(&go));
    keep.transom("rm", &[]).succeed();
    go.transom("rm", &["--volumes"]).succeed();
    host.transom(&["volume", "inspect", &gone]).fail();
    host.transom(&["volume", "rm", &kept]).succeed();
}

#[test]
fn a_create_that_fails_takes_back_only_the_volumes_that_it_made() {
    let host = host::shared();
    let id = std::process::id();
    let (old, new, taken) = (format!("old-{id}"), format!("new-{id}"), format!("taken-{id}"));
    let mount = |name: &str| format!(r"--mount=type=volume,source={name},target=C:\{name}");
    let line = format!(r"echo kept > C:\{old}\file");
    host.transom(&["run", "--rm", &mount(&old), BASE, "cmd", "/c", &line]).succeed();
    // What was written about it is lost; what is in it is not.
    let folder = host.root().join("volumes").join(&old);
    std::fs::write(folder.join("meta.json"), "").unwrap();
    let _holder = Container::create(&host, &["--name", &taken], &[BASE, "cmd"]);
    let flags = ["create", "--name", &taken, &mount(&old), &mount(&new), BASE, "cmd"];
    assert!(host.transom(&flags).fail().errors().contains("already in use"));
    assert!(std::fs::read_to_string(folder.join("_data/file")).unwrap().contains("kept"));
    host.transom(&["volume", "inspect", &new]).fail();
    host.transom(&["volume", "rm", &old]).succeed();
}
