//! A shim that is killed: `delete` gives back what it held.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use shim::client::Stdio;

use crate::place::{self, Place, program, unique};

#[tokio::test]
async fn delete_cleans_up_after_a_shim_that_was_killed() {
    let place = Place::new();
    let id = unique("crash");
    let line = r"C:\windows\system32\hcs-probe.exe last";
    let bundle = place.bundle(&id, line, &json!({}));
    let client = place::shim(&place.launch(&id, &bundle)).await;
    client.create(&id, &bundle, &Stdio::default()).await.unwrap();
    client.start_process(&id, None).await.unwrap();
    let scratch = place.scratch(&id);
    assert!(scratch.join("prepared").exists());
    let pid = client.shim_pid().await.unwrap();
    let killed = Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).status();
    assert!(killed.unwrap().success());

    let delete = || delete(&place, &id, &bundle);
    let output = delete();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!output.stdout.is_empty(), "the answer is a message");
    assert!(!scratch.join("prepared").exists() && !scratch.join("active").exists());
    let again = delete();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
}

/// What containerd calls for a shim that is gone.
pub(crate) fn delete(place: &Place, id: &str, bundle: &Path) -> Output {
    let mut delete = Command::new(program());
    delete
        .args(["-namespace", "test", "-address", "a", "-publish-binary", "-", "-id", id])
        .arg("-bundle")
        .arg(bundle)
        .arg("delete")
        .current_dir(place.path())
        .env("TRANSOM_STATE", place.path())
        .env("TRANSOM_ROOT", place.path());
    place::output(&mut delete)
}
