//! How healthy a container is, as its checks tell. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spec::health::{Probe, RESULTS_KEPT};

/// What the checks of a container have told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// What they come to.
    pub status: Verdict,
    /// Failures in a row that count.
    pub failing_streak: u32,
    /// The last few, the newest last.
    pub log: Vec<Checked>,
}

/// What the checks come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing is known yet.
    #[default]
    Starting,
    /// The last check went well.
    Healthy,
    /// Too many went wrong, or nobody checks any more.
    Unhealthy,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// 0 is healthy; -1 when it did not end by itself.
    pub exit_code: i64,
    /// What it wrote, cut.
    pub output: String,
}

impl Verdict {
    /// As docker writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Health {
    /// Takes in a result; the verdict when it has changed.
    pub fn on(&mut self, checked: Checked, probe: &Probe, started: Timestamp) -> Option<Verdict> {
        let before = self.status;
        if checked.exit_code == 0 {
            self.failing_streak = 0;
            self.status = Verdict::Healthy;
        } else if !self.is_forgiven(&checked, probe, started) {
            self.failing_streak += 1;
            if self.failing_streak >= probe.retries {
                self.status = Verdict::Unhealthy;
            }
        }
        self.log.push(checked);
        let surplus = self.log.len().saturating_sub(RESULTS_KEPT);
        self.log.drain(..surplus);
        (self.status != before).then_some(self.status)
    }

    /// What fails while a container is starting does not count.
    fn is_forgiven(&self, checked: &Checked, probe: &Probe, started: Timestamp) -> bool {
        self.status == Verdict::Starting && in_start_period(checked.start, probe, started)
    }

    /// How long to wait before the next check.
    pub fn wait(&self, now: Timestamp, probe: &Probe, started: Timestamp) -> Duration {
        let starting = self.status == Verdict::Starting && in_start_period(now, probe, started);
        if starting { probe.start_interval } else { probe.interval }
    }

    /// Behind `Up 5 minutes`.
    pub fn remark(&self) -> &'static str {
        match self.status {
            Verdict::Starting => " (health: starting)",
            Verdict::Healthy => " (healthy)",
            Verdict::Unhealthy => " (unhealthy)",
        }
    }
}

fn in_start_period(at: Timestamp, probe: &Probe, started: Timestamp) -> bool {
    let since = Duration::try_from(at.duration_since(started)).unwrap_or_default();
    since < probe.start_period
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(start_period: u64) -> Probe {
        Probe {
            command: vec!["x".to_owned()],
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(30),
            start_period: Duration::from_secs(start_period),
            start_interval: Duration::from_secs(5),
            retries: 3,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn checked(second: i64, exit_code: i64) -> Checked {
        Checked { start: at(second), end: at(second), exit_code, output: String::new() }
    }

    #[test]
    fn three_failures_in_a_row_make_it_unhealthy_and_one_success_healthy() {
        let (mut health, probe) = (Health::default(), probe(0));
        let told: Vec<_> = [1, 1, -1, 1, 0]
            .iter()
            .map(|code| health.on(checked(1, *code), &probe, at(0)))
            .collect();
        assert_eq!(told, [None, None, Some(Verdict::Unhealthy), None, Some(Verdict::Healthy)]);
        assert_eq!((health.failing_streak, health.log.len()), (0, 5));
        health.on(checked(9, 1), &probe, at(0));
        assert_eq!((health.log.len(), health.log[4].start), (5, at(9)));
    }

    #[test]
    fn failures_while_it_starts_do_not_count_and_checks_come_quicker() {
        let (mut health, probe) = (Health::default(), probe(60));
        for second in 0..5 {
            assert_eq!(health.on(checked(second, 1), &probe, at(0)), None);
        }
        assert_eq!(health.failing_streak, 0);
        assert_eq!(health.wait(at(5), &probe, at(0)), Duration::from_secs(5));
        assert_eq!(health.on(checked(6, 0), &probe, at(0)), Some(Verdict::Healthy));
        assert_eq!(health.wait(at(7), &probe, at(0)), Duration::from_secs(30));
        health.on(checked(8, 1), &probe, at(0));
        assert_eq!(health.failing_streak, 1, "it has started, so this one counts");
    }
}
