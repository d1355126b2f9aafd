//! Streams over named pipes: a reader that comes back, and one that never was.

use serde_json::json;
use shim::client::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::windows::named_pipe::ServerOptions;

use crate::place::{self, PATIENCE, Pipe, Place, end, unique};

#[tokio::test]
async fn a_container_talks_on_when_its_reader_comes_back() {
    let place = Place::new();
    let id = unique("back");
    let bundle = place.bundle(&id, r"C:\windows\system32\hcs-probe.exe echo", &json!({}));
    let client = place::shim(&place.launch(&id, &bundle)).await;
    let (mut typed, said) = (Pipe::new("back-in"), Pipe::new("back-out"));
    let stdio = Stdio { stdin: typed.name.clone(), stdout: said.name.clone(), ..Stdio::default() };
    client.create(&id, &bundle, &stdio).await.unwrap();
    typed.server.connect().await.unwrap();
    said.server.connect().await.unwrap();
    client.start_process(&id, None).await.unwrap();

    typed.server.write_all(b"first\r\n").await.unwrap();
    let mut lines = BufReader::new(said.server).lines();
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
    assert_eq!(line.as_deref(), Some("first"));
    drop(lines);
    let again = ServerOptions::new().create(&said.name).unwrap();
    let back = tokio::spawn(async move {
        again.connect().await.unwrap();
        BufReader::new(again).lines().next_line().await.unwrap()
    });
    let mut words = 0;
    while !back.is_finished() {
        words += 1;
        typed.server.write_all(format!("more {words}\r\n").as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(words < 600, "nothing came");
    }
    let line = back.await.unwrap().unwrap();
    // What the old pipe still took went with its reader; from then on nothing is lost or halved.
    let number = line.strip_prefix("more ").and_then(|number| number.parse::<u32>().ok());
    assert!(number.is_some_and(|number| number <= words), "{line}");

    drop(typed);
    tokio::time::timeout(PATIENCE, client.kill(&id, None, 9, false)).await.unwrap().ok();
    tokio::time::timeout(PATIENCE, client.wait(&id, None)).await.unwrap().unwrap();
    client.delete(&id, None).await.unwrap();
    end(&client, &id).await;
}

#[tokio::test]
async fn a_pipe_that_nobody_made_fails_the_create_and_leaves_nothing() {
    let place = Place::new();
    let id = unique("nopipe");
    let bundle = place.bundle(&id, "cmd /c exit", &json!({}));
    let client = place::shim(&place.launch(&id, &bundle)).await;
    let stdio = Stdio { stdout: r"\\.\pipe\nobody-made-this".to_owned(), ..Stdio::default() };
    let refused = client.create(&id, &bundle, &stdio).await.unwrap_err();
    let told = format!("{:#}", anyhow::Error::from(refused));
    assert!(told.contains("nobody-made-this"), "{told}");
    assert!(!place.scratch(&id).join("active").exists(), "its layers are unmounted");
    end(&client, &id).await;
}
