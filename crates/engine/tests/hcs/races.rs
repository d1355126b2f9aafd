//! What may happen between two calls.

use std::time::Duration;

use engine::{Engine as _, ErrorKind, System as _};
use schema::SystemId;
use schema::process::ProcessParameters;
use schema::properties::PropertyType;
use serde_json::json;

use crate::faults::Faults;
use crate::support::{engine, probe, started};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn an_end_between_opening_and_listening_is_not_missed() {
    let name = format!("missed-{}", std::process::id());
    let id = SystemId::new(name).expect("a plain name");
    let system = started("missed").await;
    assert_eq!(system.id(), &id);
    let _faults = Faults::order(json!([{
        // The error only says that what came before is lost.
        "Call": "HcsSetComputeSystemCallback", "DelayMs": 700, "Error": "0x1", "Times": 1,
    }]))
    .await;
    let engine = engine();
    let opening = tokio::spawn(async move { engine.open(&id).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    system.terminate().await.expect("terminate");
    let opened = tokio::time::timeout(PATIENCE, opening).await.expect("it is told").expect("ran");
    match opened {
        Err(error) => assert!(matches!(error.kind, ErrorKind::NotFound(_)), "{error:?}"),
        // On a slow machine it was opened after all, and heard the end.
        Ok(system) => drop(tokio::time::timeout(PATIENCE, system.wait()).await.expect("told")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_asker_has_gone_is_ended() {
    let _faults =
        Faults::order(json!([{ "Call": "HcsCreateProcess", "DelayMs": 500, "Times": 1 }])).await;
    let system = started("orphan").await;
    let parameters = ProcessParameters {
        command_line: probe("last"),
        create_std_out_pipe: true,
        ..ProcessParameters::default()
    };
    let abandoned = tokio::time::timeout(Duration::from_millis(50), system.spawn(&parameters));
    assert!(abandoned.await.is_err(), "it is late");
    let (mut was_seen, begun) = (false, std::time::Instant::now());
    loop {
        let told = system.properties(&[PropertyType::ProcessList]).await.expect("properties");
        let running = told.process_list.unwrap_or_default().len();
        was_seen |= running > 0;
        // It may be too short-lived to be seen; then it is enough that it does not come later.
        if running == 0 && (was_seen || begun.elapsed() > Duration::from_secs(5)) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody ends it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    system.terminate().await.expect("terminate");
}
