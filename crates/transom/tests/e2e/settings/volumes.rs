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
