//! Devices of the host.

use crate::support::container::BASE;
use crate::support::host;
use crate::support::probe::{self, PROBE};

const GRAPHICS: &str = "--device=class/5B45201D-F2F2-4F3B-85BB-30FF1F953599";

fn render_nodes() -> Vec<String> {
    let nodes = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let names = nodes.filter_map(|node| node.file_name().into_string().ok());
    names.filter(|name| name.starts_with("renderD")).collect()
}

#[test]
fn graphics_are_the_render_nodes_or_a_reason() {
    let host = host::shared();
    let nodes = render_nodes();
    let line = [PROBE, "look", r"\\?\unix\dev\dri"];
    let flags = ["run", "--rm", GRAPHICS, &probe::mount(), BASE];
    let output = host.transom(&[&flags[..], &line].concat()).output();
    if nodes.is_empty() {
        assert!(output.errors().contains("no graphics processor"), "{output:?}");
    } else {
        assert!(output.text().starts_with("ok"), "{output:?}");
    }
}

#[test]
fn another_device_is_refused_by_name() {
    let host = host::shared();
    let device = "--device=class/86E0D1E0-8089-11D0-9CE4-08003E301F73";
    let output = host.transom(&["run", "--rm", device, BASE, "cmd", "/c", "ver"]).fail();
    assert!(output.errors().contains("86E0D1E0"), "{output:?}");
}
