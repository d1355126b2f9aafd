//! A whole life: a pod with two tasks, an exec, a kill, and everything deleted.

use schema::ExitCode;
use shim::client::{Stdio, TaskStatus};

use crate::place::{self, PATIENCE, Pipe, Place, end, exec_in, in_pod, to, unique};

const LASTS: &str = r"C:\windows\system32\hcs-probe.exe last";
/// What HCS ends a process with.
const ABORTED: ExitCode = ExitCode(1067);

#[tokio::test]
async fn a_pod_with_two_tasks_lives_and_is_deleted() {
    let place = Place::new();
    let pod = unique("pod");
    let bundle = place.bundle(&pod, LASTS, &in_pod("sandbox", &pod));
    let client = place::shim(&place.launch(&pod, &bundle)).await;
    assert!(
        client.address().starts_with(r"\\.\pipe\ProtectedPrefix\Administrators\containerd-shim-")
    );
    client.create(&pod, &bundle, &Stdio::default()).await.unwrap();
    client.start_process(&pod, None).await.unwrap();

    let (talker, sleeper) = (unique("talker"), unique("sleeper"));
    let said = Pipe::new("talker");
    let bundle = place.bundle(&talker, "cmd /c echo %COLOUR%&exit 7", &in_pod("container", &pod));
    let same = place::shim(&place.launch(&talker, &bundle)).await;
    assert_eq!(same.address(), client.address(), "a pod has one shim");
    client.create(&talker, &bundle, &to(&said)).await.unwrap();
    let heard = tokio::spawn(said.hear());
    client.start_process(&talker, None).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(&talker, None)).await.unwrap().unwrap();
    assert_eq!(exit.code, ExitCode(7));
    assert_eq!(heard.await.unwrap().trim(), "blue");
    client.delete(&talker, None).await.unwrap();
    assert!(!place.scratch(&talker).join("active").exists(), "its layers are unmounted");

    let bundle = place.bundle(&sleeper, LASTS, &in_pod("container", &pod));
    client.create(&sleeper, &bundle, &Stdio::default()).await.unwrap();
    let pid = client.start_process(&sleeper, None).await.unwrap();
    assert!(place.scratch(&sleeper).join("prepared").exists());
    exec_in(&client, &sleeper).await;
    let pids = client.pids(&sleeper).await.unwrap();
    assert!(pids.iter().any(|process| process.pid == pid.0), "{pids:?}");
    client.stats(&sleeper).await.unwrap();
    client.kill(&sleeper, None, 9, false).await.unwrap();
    let exit = tokio::time::timeout(PATIENCE, client.wait(&sleeper, None)).await.unwrap().unwrap();
    assert_eq!(exit.code, ABORTED);
    let state = client.state(&sleeper, None).await.unwrap();
    assert_eq!(state.status, TaskStatus::Stopped);
    client.delete(&sleeper, None).await.unwrap();

    client.kill(&pod, None, 9, false).await.unwrap();
    tokio::time::timeout(PATIENCE, client.wait(&pod, None)).await.unwrap().unwrap();
    client.delete(&pod, None).await.unwrap();
    end(&client, &pod).await;
}
