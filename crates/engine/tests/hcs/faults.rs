//! What the engine makes of calls that fail, are late, or are not understood.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Engine as _, ErrorKind, Process as _, System as _};
use schema::SystemId;
use schema::process::ProcessParameters;
use serde_json::json;
use tokio::sync::Mutex;

use crate::support::{document, engine, probe, started};

/// One test at a time orders faults, and none while others count on there being none.
pub(crate) static ORDERS: Mutex<()> = Mutex::const_new(());

/// Faults, as long as this lives.
pub(crate) struct Faults {
    _alone: tokio::sync::MutexGuard<'static, ()>,
    file: std::path::PathBuf,
}

impl Faults {
    pub(crate) async fn order(rules: serde_json::Value) -> Self {
        let alone = ORDERS.lock().await;
        let file = std::env::var_os("HCS_EMULATOR_FAULTS").expect("`cargo xtask test` sets it");
        let file = std::path::PathBuf::from(file);
        std::fs::write(&file, rules.to_string()).expect("the file can be written");
        Self { _alone: alone, file }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        // Another test's are written anew.
        let _ = std::fs::remove_file(&self.file);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_told_by_its_name() {
    let id = SystemId::new(format!("strict-{}", std::process::id())).expect("a plain name");
    let mut document = document();
    let container = document.container.as_mut().expect("a container");
    container.isolation_type = "Nonsense".to_owned();
    let refused = engine().create(&id, &document).await.expect_err("refused");
    let ErrorKind::InvalidDocument { field, .. } = &refused.kind else { panic!("{refused:?}") };
    assert_eq!(field, "Container.IsolationType");
    assert!(engine().open(&id).await.is_err(), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_fails_at_once_or_later_is_told_with_its_document() {
    for when in ["Submit", "Complete"] {
        let _faults = Faults::order(json!([{
            "Call": "HcsPauseComputeSystem", "Error": "0x80070005", "When": when,
            "Document": { "Error": -2_147_024_891_i64, "ErrorMessage": "not today" },
        }]))
        .await;
        let system = started(&format!("denied-{}", when.to_lowercase())).await;
        let refused = system.pause().await.expect_err("ordered");
        let ErrorKind::HostLacks { what, mend } = &refused.kind else { panic!("{refused:?}") };
        assert!(what.contains("0x80070005") && mend.contains("administrator"), "{what}: {mend}");
        if when == "Complete" {
            assert!(what.contains("not today"), "{what}");
        }
        system.terminate().await.expect("terminate");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_start_fails_halfway_leaves_the_system_unharmed() {
    let faults = Faults::order(json!([
        { "Call": "HcsCreateProcess", "Error": "0x80070002", "Times": 1 },
        { "Call": "HcsCreateProcess", "Error": "0x80070057", "Times": 1 },
    ]))
    .await;
    let system = started("halfway").await;
    let parameters =
        ProcessParameters { command_line: probe("exit 9"), ..ProcessParameters::default() };
    let refused = system.spawn(&parameters).await.expect_err("ordered");
    assert!(matches!(&refused.kind, ErrorKind::Guest(failure) if failure.code == 2), "{refused:?}");
    let refused = system.spawn(&parameters).await.expect_err("ordered, and no process is there");
    assert!(
        matches!(&refused.kind, ErrorKind::Guest(failure) if failure.code == 87),
        "{refused:?}"
    );
    drop(faults);
    let (process, _) = system.spawn(&parameters).await.expect("spawn");
    assert_eq!(process.wait().await.0, 9);
    system.terminate().await.expect("terminate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_call_holds_up_nobody_else_and_an_abandoned_one_ends_well() {
    let _faults =
        Faults::order(json!([{ "Call": "HcsPauseComputeSystem", "DelayMs": 1500, "Times": 1 }]))
            .await;
    let system = started("late").await;
    let begun = Instant::now();
    let pausing = Arc::new(system.clone());
    let abandoned = tokio::time::timeout(Duration::from_millis(50), pausing.pause()).await;
    assert!(abandoned.is_err(), "it is late");
    system.properties(&[]).await.expect("others are answered meanwhile");
    assert!(begun.elapsed() < Duration::from_millis(1400), "{:?}", begun.elapsed());
    while system.properties(&[]).await.expect("properties").state
        != schema::properties::State::Paused
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(begun.elapsed() < Duration::from_mins(1), "the pause went on without its asker");
    }
    system.terminate().await.expect("terminate");
}
