//! What a shim that waits holds, and how long it takes until it answers.
//!
//! Under Wine a process is one of the host's too: its memory is read where the host shows it. What it
//! holds with a container has the test doubles in it, and is printed and not judged; so is time, which
//! is the machine's as much as the shim's.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use shim::client::Stdio;

use crate::place::{self, Place, end, unique};

/// What it may take, in KiB.
const LIMIT: u64 = 32 * 1024 / 5;

/// Anonymous memory of a process of this shim in KiB: what Windows calls its private bytes. Nothing
/// where there is no `/proc`.
fn private_memory(id: &str) -> Option<u64> {
    let status = std::fs::read_to_string(folder(id)?.join("status")).ok()?;
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Some(value("RssAnon:")? + value("VmSwap:").unwrap_or(0))
}

/// The host's folder of the shim that serves `id`.
fn folder(id: &str) -> Option<PathBuf> {
    let processes = std::fs::read_dir(r"Z:\proc").ok()?.filter_map(Result::ok);
    let mut found = processes.map(|process| process.path()).filter(|process| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let is_shim = words.next().is_some_and(|program| program.contains("containerd-shim-"));
        is_shim && words.any(|word| word == id)
    });
    found.next()
}

#[tokio::test]
async fn a_shim_that_waits_takes_a_fifth_of_microsofts_memory() {
    let place = Place::new();
    let id = unique("idle");
    let bundle = place.bundle(&id, r"C:\windows\system32\hcs-probe.exe last", &json!({}));
    let begun = Instant::now();
    let client = place::shim(&place.launch(&id, &bundle)).await;
    client.shim_pid().await.unwrap();
    let answered = begun.elapsed();
    let fresh = private_memory(&id);
    client.create(&id, &bundle, &Stdio::default()).await.unwrap();
    client.start_process(&id, None).await.unwrap();
    let serving = private_memory(&id);
    client.kill(&id, None, 9, false).await.unwrap();
    client.wait(&id, None).await.unwrap();
    client.delete(&id, None).await.unwrap();
    end(&client, &id).await;
    eprintln!("first answer after {answered:?}");
    let (Some(fresh), Some(serving)) = (fresh, serving) else {
        eprintln!("skipped: no /proc to measure by");
        return;
    };
    eprintln!("private memory: {fresh} KiB when it waits, {serving} KiB with a container");
    assert!(fresh <= LIMIT, "{fresh} KiB when it waits");
}
