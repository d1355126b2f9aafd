//! What a container used: asked of the engine now and then while it runs, and once at its end.

use std::time::Duration;

use engine::System;
use schema::properties::{PropertyType, Statistics};
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(2);

/// What a container used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time.
    pub processor: Duration,
    /// The most memory at any moment that was looked at, in bytes.
    pub memory_peak: u64,
    /// Bytes read from the scratch.
    pub read: u64,
    /// Bytes written to it.
    pub written: u64,
}

impl Usage {
    fn take(&mut self, seen: &Statistics) {
        let memory = &seen.memory;
        let now = memory.memory_usage_commit_bytes.max(memory.memory_usage_commit_peak_bytes);
        self.processor = Duration::from_nanos(seen.processor.total_runtime_100ns * 100);
        self.memory_peak = self.memory_peak.max(now);
        self.read = seen.storage.read_size_bytes;
        self.written = seen.storage.write_size_bytes;
    }
}

/// Does `work`, and looks at what the container uses meanwhile.
pub(super) async fn record<S: System, T>(
    system: &S,
    usage: &mut Usage,
    work: impl Future<Output = T>,
) -> T {
    let mut work = std::pin::pin!(work);
    let mut clock = interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, when there is nothing to see yet.
    clock.tick().await;
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            _ = clock.tick() => look(system, usage).await,
        }
    };
    look(system, usage).await;
    done
}

/// A container that cannot be asked any more has been seen for the last time.
async fn look<S: System>(system: &S, usage: &mut Usage) {
    let Ok(properties) = system.properties(&[PropertyType::Statistics]).await else { return };
    if let Some(seen) = properties.statistics {
        usage.take(&seen);
    }
}
