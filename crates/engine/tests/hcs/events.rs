//! Control events: each reaches the program that it is sent to, in HCS' systems and in jobs.

use std::time::Duration;

use engine::{HostSystem, Process as _, System as _};
use schema::ExitCode;
use schema::process::{ControlEvent, ProcessParameters};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::probe;
use crate::{jobs, support};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

async fn every_event_reaches_a_process(system: HostSystem) {
    for event in ControlEvent::ALL {
        let parameters = ProcessParameters {
            command_line: probe("event"),
            create_std_out_pipe: true,
            ..ProcessParameters::default()
        };
        let (process, stdio) = system.spawn(&parameters).await.expect("spawn");
        let mut lines = BufReader::new(stdio.stdout.expect("asked for")).lines();
        assert_eq!(lines.next_line().await.expect("a line").as_deref(), Some("listening"));
        assert!(process.signal(event).await.expect("signal"));
        let ended = tokio::time::timeout(PATIENCE, process.wait()).await;
        assert_eq!(ended.ok(), Some(ExitCode(100 + event.code())), "{event:?}");
    }
    system.terminate().await.expect("terminate");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_control_event_reaches_a_process_of_a_job() {
    every_event_reaches_a_process(jobs::started("events").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_control_event_reaches_a_process_of_a_compute_system() {
    let _no_faults = crate::faults::ORDERS.lock().await;
    every_event_reaches_a_process(support::started("events").await).await;
}
