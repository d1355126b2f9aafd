//! What builds keep beside layers: listed, filtered and pruned, and never what a build uses.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::add::server;
use super::{Context, build};
use crate::support::host::{self, Host};
use crate::support::wait;

fn listed(host: &Host, filters: &[&str]) -> Vec<Value> {
    let line = ["builder", "du", "--format", "json"];
    let mut du = host.transom(&line);
    for filter in filters {
        du = du.args(&["--filter", filter]);
    }
    let read = |line: &String| serde_json::from_str(line).expect("a line of JSON");
    du.succeed().lines().iter().map(read).collect()
}

#[test]
fn caches_of_steps_and_downloads_are_listed_and_pruned() {
    let host = host::Host::new("kept");
    let address = server(b"from afar");
    let context = Context::new(&format!(
        "# escape=`\nFROM transom/base\nADD {address}/file.txt C:/d/\n\
         RUN --mount=type=cache,id=packages,target=C:\\c echo kept>C:\\c\\kept.txt\n\
         RUN --mount=type=cache,target=C:\\other echo kept>C:\\other\\kept.txt\n"
    ));
    build(&host, &context, &["-t", "kept"]).succeed();
    let caches = listed(&host, &["type=exec.cachemount"]);
    assert_eq!(caches.len(), 2, "{caches:?}");
    for cache in &caches {
        assert_eq!((&cache["Mutable"], &cache["Reclaimable"]), (&"true".into(), &"true".into()));
        assert_eq!((&cache["UsageCount"], &cache["InUse"]), (&"1".into(), &"false".into()));
    }
    let of = |id: &str| format!("description=cached mount {id}");
    assert_eq!(listed(&host, &[&of("packages")]).len(), 1);
    assert_eq!(listed(&host, &[&of("/other"), "type=exec.cachemount"]).len(), 1);
    assert_eq!(listed(&host, &["description~=^http url .*/file.txt$", "type=regular"]).len(), 1);
    assert_eq!(listed(&host, &["type=source.local"]).len(), 0);
    assert_eq!(listed(&host, &["type=exec.cachemount", "until=1h"]).len(), 0);
    let table = host.transom(&["builder", "du"]).succeed().text();
    assert_eq!(table.matches("* ").count(), 2, "what may change has a mark: {table}");
    let table = host.transom(&["buildx", "du", "--verbose"]).succeed().text();
    assert!(table.contains("exec.cachemount") && table.contains("Total:"), "{table}");

    let prune =
        |flags: &[&str]| host.transom(&["builder", "prune", "-f"]).args(flags).succeed().text();
    prune(&["--filter", &of("packages")]);
    assert_eq!(listed(&host, &["type=exec.cachemount"]).len(), 1);
    prune(&["--max-used-space", "10g"]);
    assert_eq!(listed(&host, &["type=exec.cachemount"]).len(), 1, "there is room for it");
    prune(&["--filter", "type=exec.cachemount"]);
    assert_eq!(listed(&host, &["mutable"]).len(), 0);
    assert_eq!(listed(&host, &["description~=http url"]).len(), 1);
    let gone = prune(&["--all"]);
    assert!(!gone.contains("Total:\t0B"), "{gone}");
    assert_eq!(listed(&host, &[]), Vec::<Value>::new());
    // What is gone is made again.
    let said = build(&host, &context, &[]).succeed().errors();
    assert!(!said.contains("CACHED"), "{said}");
    let refused = host.transom(&["builder", "du", "--filter", "type=nothing"]).fail().errors();
    assert!(refused.contains("there is no type nothing"), "{refused}");
}

/// The registry of every chain, too, and layers both as they are stored and as they are used.
#[test]
fn what_builds_keep_is_told_as_large_as_it_is() {
    let host = host::Host::new("size");
    let steps =
        "RUN reg add HKLM\\Software\\Acme /v Flag /d 1 /f\nCOPY big C:/\nRUN echo 1>C:\\1\n";
    let context = Context::new("FROM transom/base\nRUN echo first\n");
    context.file("big", vec![b'x'; 3 << 20]);
    build(&host, &context, &[]).succeed();
    let disk = || -> u64 {
        let mut du = Command::new("du");
        du.args(["-sbc"]).args(["layers", "content/blobs", "build"]).current_dir(host.root());
        let output = du.output().expect("du is a part of every Linux");
        let text = String::from_utf8_lossy(&output.stdout);
        let total = text.lines().last().and_then(|line| line.split_whitespace().next());
        total.and_then(|size| size.parse().ok()).expect("du tells of them")
    };
    let told = || -> u64 { listed(&host, &[]).iter().map(|one| bytes(&one["Size"])).sum() };
    let (disk_before, told_before) = (disk(), told());
    context.file("Dockerfile", format!("FROM transom/base\nRUN echo first\n{steps}"));
    build(&host, &context, &[]).succeed();
    let (grown, told) = (disk() - disk_before, told() - told_before);
    assert!(grown > 6 << 20, "the file, and a registry or two: {grown}");
    assert!(told > grown / 10 * 9 && told < grown / 10 * 11, "{told} of {grown}");
}

/// A size as people read it.
fn bytes(size: &Value) -> u64 {
    let text = size.as_str().expect("a size");
    let (number, unit) = text.split_at(text.find(char::is_alphabetic).expect("it has a unit"));
    let unit = ["B", "kB", "MB", "GB"].iter().position(|known| *known == unit);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits: u64 = format!("{whole}{part:0<9}").parse().expect("a number");
    let unit = unit.expect("a unit that is known");
    digits / 1000_u64.pow(u32::try_from(3 - unit).expect("a few"))
}

#[test]
fn a_leftover_that_is_stuck_fails_what_prunes_and_nothing_else() {
    let host = host::alone();
    let stuck = host.root().join("content/ingest/stuck");
    std::fs::create_dir_all(&stuck).unwrap();
    // Its lock is no file, so that removing it fails, but only once.
    let left = host.root().join("build/run/files-stuck/lock");
    let leave = || std::fs::create_dir_all(&left).unwrap();
    let name = format!("stuck{}", std::process::id());
    let context = Context::new("FROM transom/base\nCOPY Dockerfile C:/d/\n");
    leave();
    let built = build(&host, &context, &["-t", &name]).succeed();
    assert!(built.errors().contains("build/run/files-stuck"), "{built:?}");
    for line in [&["builder", "prune", "--force"][..], &["prune", "--force"]] {
        leave();
        let pruned = host.transom(line).end_with(1);
        for stuck in ["content/ingest/stuck", "build/run/files-stuck"] {
            assert!(pruned.errors().contains(stuck), "{pruned:?}");
        }
    }
    std::fs::remove_dir(stuck).unwrap();
    host.transom(&["builder", "prune", "--force"]).succeed();
    host.transom(&["rmi", &name]).succeed();
}

#[test]
fn what_a_running_build_uses_is_not_pruned() {
    let host = host::shared();
    let id = format!("busy{}", std::process::id());
    let context = Context::new(&format!(
        "# escape=`\nFROM transom/base\n\
         RUN --mount=type=cache,id={id},target=C:\\c echo there>C:\\c\\x.txt& for /l %i in (1,1,100000000) do @(if not exist C:\\c\\go.txt ping -n 2 127.0.0.1 >nul)\n"
    ));
    let running = build(&host, &context, &[]).start(|command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    });
    let mut running = Ended(running);
    let filter = format!("description=cached mount {id}");
    wait::until("the cache is in use", || {
        let found = listed(&host, &[&filter, "inuse"]);
        (found.len() == 1).then_some(())
    });
    host.transom(&["builder", "prune", "--all", "--force", "--filter", &filter]).succeed();
    assert_eq!(listed(&host, &[&filter, "inuse"]).len(), 1);
    running.0.kill().expect("it runs");
    running.0.wait().expect("a child can be waited for");
    wait::until("the cache is free", || {
        host.transom(&["builder", "prune", "--force", "--filter", &filter]).succeed();
        listed(&host, &[&filter]).is_empty().then_some(())
    });
}

/// Ended whatever happens.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
