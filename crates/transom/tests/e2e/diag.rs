//! `transom diag`: looking into the shim of a running container.

use crate::support::container::Container;
use crate::support::host;
use crate::support::proc;

#[test]
fn a_shim_is_found_by_its_container_and_tells_what_it_does() {
    let host = host::shared();
    let container = Container::idle(&host);
    let name = format!("transom-{}", container.id());
    let list = host.transom(&["diag", "list"]).succeed().text();
    let row = list.lines().find(|line| line.starts_with(&name));
    let pid = row.and_then(|row| row.split_whitespace().nth(1)).expect(&list).to_owned();
    let shims = proc::named(&host, "containerd-shim-runhcs-v1");
    assert!(shims.iter().any(|shim| shim.pid.to_string() == pid), "{pid} of {shims:?}");

    for by in [container.id(), &name, &name[..40]] {
        assert_eq!(host.transom(&["diag", "pid", by]).succeed().text(), pid);
    }
    assert_eq!(host.transom(&["diag", "tasks", &name]).succeed().text(), container.id());
    let stacks = host.transom(&["diag", "stacks", &name]).succeed().text();
    assert!(stacks.contains("first process: Ok(Running("), "{stacks}");
    assert!(stacks.contains("threads"), "{stacks}");

    let refused = host.transom(&["diag", "exec", &name, "--", "cmd", "/c", "ver"]).fail();
    assert!(refused.errors().contains("task is not isolated"), "{refused:?}");
    let refused = host.transom(&["diag", "share", &name, "/etc", r"C:\etc"]).fail();
    assert!(refused.errors().contains("task is not isolated"), "{refused:?}");
    let refused = host.transom(&["diag", "pid", "nosuch"]).fail();
    assert!(refused.errors().contains("no shim and no container is named `nosuch`"), "{refused:?}");
}
