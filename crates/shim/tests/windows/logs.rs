//! Where a shim's log goes, and a logger in the place of a container's pipes.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use shim::client::{Launch, Stdio};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};

use crate::place::{self, PATIENCE, Place, end, unique};

/// Opens the log's pipe to read; between two readers it is not there for a moment.
async fn reader(id: &str) -> NamedPipeClient {
    let name = format!(r"\\.\pipe\containerd-shim-test-{id}-log");
    let begun = Instant::now();
    loop {
        match ClientOptions::new().write(false).open(&name) {
            Ok(pipe) => return pipe,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{name}: {error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn the_log_goes_to_whoever_reads_it_also_after_one_who_came_and_left() {
    let place = Place::new();
    let id = unique("log");
    let bundle = place.bundle(&id, r"C:\windows\system32\hcs-probe.exe last", &json!({}));
    let nobody = r"C:\there\is\no\publisher.exe".to_owned();
    let launch = Launch { publish_binary: nobody, ..place.launch(&id, &bundle) };
    let client = place::shim(&launch).await;
    for _ in 0..3 {
        drop(reader(&id).await);
    }
    let mut lines = BufReader::new(reader(&id).await).lines();
    // Nobody takes its events, and it says so.
    client.create(&id, &bundle, &Stdio::default()).await.unwrap();
    let told = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("event") {
                return;
            }
        }
        panic!("the pipe was closed before it was told");
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    client.delete(&id, None).await.unwrap();
    end(&client, &id).await;
}

async fn said(file: &Path) -> String {
    let begun = Instant::now();
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.contains("(the end)") {
            return text;
        }
        assert!(begun.elapsed() < PATIENCE, "the logger has not ended: {text}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_logger_hears_a_container_to_its_end() {
    let place = Place::new();
    let id = unique("logger");
    let bundle = place.bundle(&id, "cmd /c echo for the log&exit 4", &json!({}));
    let client = place::shim(&place.launch(&id, &bundle)).await;
    let file = place.path().join("log.txt");
    let path = file.to_str().unwrap().replace('\\', "%5C").replace(':', "%3A");
    let logger = format!("binary:///C:/windows/system32/hcs-probe.exe?log={path}");
    let stdio = Stdio { stdout: logger.clone(), stderr: logger, ..Stdio::default() };
    client.create(&id, &bundle, &stdio).await.unwrap();
    client.start_process(&id, None).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(&id, None)).await.unwrap().unwrap();
    assert_eq!(exit.code.0, 4);
    client.delete(&id, None).await.unwrap();
    let said = said(&file).await;
    assert!(said.starts_with("for the log"), "{said}");
    end(&client, &id).await;
}
