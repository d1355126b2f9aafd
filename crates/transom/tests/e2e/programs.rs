//! Real programs that nobody here wrote: Node, esbuild, ruff.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::support::container::Container;
use crate::support::{host, http, programs, wait};

#[test]
fn a_node_server_answers_on_a_published_port() {
    let image = programs::image();
    let host = host::shared();
    let port = http::free_port();
    let code = "require('http').createServer((q, a) => a.end('from ' + process.platform))\
                .listen(8080, () => console.log('listening'))";
    let publish = format!("--publish=127.0.0.1:{port}:8080");
    let server = Container::run(&host, &[&publish], &[image, "node", "-e", code]);
    server.wait_for_log("listening");
    let address = format!("127.0.0.1:{port}");
    let page = wait::until("a page", || http::get(&address));
    assert_eq!(page, "from win32");
    let shown = server.transom("port", &[]).succeed().text();
    assert_eq!(shown, format!("8080/tcp -> 127.0.0.1:{port}"));
    server.remove();
    assert_eq!(http::get(&address), None, "the port is still published");
}

#[test]
fn node_handles_what_stop_asks() {
    let image = programs::image();
    let host = host::shared();
    let code = "for (const s of ['SIGINT', 'SIGBREAK', 'SIGHUP', 'SIGTERM']) \
                process.on(s, () => { console.log('asked by ' + s); process.exit(7) });\
                setInterval(() => {}, 1000); console.log('up')";
    // Node hears of CTRL_C, CTRL_BREAK and CTRL_CLOSE; CTRL_SHUTDOWN it leaves to services.
    let flags = ["--stop-signal", "SIGINT"];
    let container = Container::run(&host, &flags, &[image, "node", "-e", code]);
    container.wait_for_log("up");
    let begun = Instant::now();
    container.transom("stop", &["--time", "30"]).succeed();
    assert!(begun.elapsed() < Duration::from_secs(20), "it was not asked");
    assert!(container.logs().text().contains("asked by SIG"), "{:?}", container.logs());
    assert_eq!(container.wait(), 7);
}

#[test]
fn node_sees_a_whole_windows_machine() {
    let image = programs::image();
    let host = host::shared();
    let code = "const os = require('os'), fs = require('fs');\
                fs.writeFileSync(process.cwd() + '/x.txt', 'y'.repeat(100000));\
                console.log(os.platform(), os.release().split('.')[0], \
                fs.readFileSync('C:\\\\work\\\\x.txt', 'utf8').length, process.cwd())";
    let output = host.transom(&["run", "--rm", image, "node", "-e", code]).succeed();
    assert_eq!(output.text(), r"win32 10 100000 C:\work");
}

#[test]
fn esbuild_bundles_from_a_bind_mount_to_a_bind_mount() {
    let image = programs::image();
    let host = host::shared();
    let folder = host.scratch();
    std::fs::write(folder.path().join("part.js"), "export const part = 'of the bundle';\n")
        .unwrap();
    let main = "import { part } from './part.js';\nconsole.log(part);\n";
    std::fs::write(folder.path().join("main.js"), main).unwrap();
    let mount = format!(r"--volume={}:C:\src", folder.path().display());
    let bundle = ["esbuild", r"C:\src\main.js", "--bundle", r"--outfile=C:\src\out\bundle.js"];
    host.transom(&["run", "--rm", &mount, image]).args(&bundle).succeed();
    let bundle = std::fs::read_to_string(folder.path().join("out/bundle.js")).unwrap();
    assert!(bundle.contains("of the bundle"), "{bundle}");
    assert!(!bundle.contains("import "), "{bundle}");
}

#[test]
fn ruff_lints_what_comes_through_stdin() {
    let image = programs::image();
    let host = host::shared();
    let line = ["run", "--rm", "--interactive", image, "ruff", "check", "--no-cache", "-"];
    let output = host.transom(&line).input("import os\nprint('x')\n").end_with(1);
    assert!(output.text().contains("F401"), "{output:?}");
    host.transom(&line).input("print('x')\n").succeed();
}

#[test]
fn a_large_source_goes_through_a_pipe_of_node() {
    let image = programs::image();
    let host = host::shared();
    let mut source = String::from("let sum = 0;\n");
    for number in 0..50_000 {
        writeln!(source, "sum += {number};").unwrap();
    }
    source.push_str("console.log(sum);\n");
    let line = ["run", "--rm", "--interactive", image, "node", "-"];
    assert_eq!(host.transom(&line).input(source).succeed().text(), "1249975000");
}
