//! An image with real programs in it.

use std::sync::LazyLock;

use serde_json::json;

use super::archive::{self, Layer};
use super::fetch::programs;
use super::host;

const IMAGE: &str = "test/programs:1";

static LOADED: LazyLock<()> = LazyLock::new(load);

/// The name of the image with Node, esbuild and ruff, loaded into the shared host. To be called
/// before a test takes its turn.
pub(crate) fn image() -> &'static str {
    LazyLock::force(&LOADED);
    IMAGE
}

fn load() {
    let host = host::shared();
    let read =
        |name: &str| std::fs::read(programs().join(name)).expect("what was fetched can be read");
    let mut node = Layer::new();
    node.folder("Files/Program Files").folder("Files/Program Files/nodejs");
    node.file("Files/Program Files/nodejs/node.exe", &read("node.exe"));
    let mut tools = Layer::new();
    tools.folder("Files/tools").folder("Files/work");
    tools.file("Files/tools/esbuild.exe", &read("esbuild.exe"));
    tools.file("Files/tools/ruff.exe", &read("ruff.exe"));
    let folder = host.scratch();
    let file = folder.path().join("programs.tar");
    let path = r"PATH=C:\Windows\system32;C:\Windows;C:\Program Files\nodejs;C:\tools";
    let config = json!({ "Env": [path], "Cmd": ["node"], "WorkingDir": r"C:\work" });
    archive::write(&file, IMAGE, &config, &mut [node, tools]);
    host.transom(&["load", "--input"]).arg(&file).succeed();
}
