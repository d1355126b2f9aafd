//! When a container that has ended is started again: docker's restart policies. Pure.

use std::time::Duration;

use spec::api::RestartPolicy;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_mins(1);
/// A run as long as this was a good one.
const GOOD_RUN: Duration = Duration::from_secs(10);

/// How long to wait before the next start.
#[derive(Debug, Default)]
pub struct Backoff {
    last: Option<Duration>,
}

impl Backoff {
    /// After a run of this length: 100 ms, doubled each time up to a minute, and 100 ms again
    /// after a good run.
    pub fn after(&mut self, run: Duration) -> Duration {
        let next = match self.last {
            Some(last) if run < GOOD_RUN => (last * 2).min(LONGEST),
            _ => FIRST,
        };
        self.last = Some(next);
        next
    }
}

/// Whether `policy` starts it again, after `restarts` times already.
pub fn wanted(policy: &RestartPolicy, code: u32, restarts: u32, stopped_by_user: bool) -> bool {
    if stopped_by_user {
        return false;
    }
    match policy.name.as_str() {
        "always" | "unless-stopped" => true,
        "on-failure" => {
            let most = policy.maximum_retry_count;
            code != 0 && (most <= 0 || i64::from(restarts) < most)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str, most: i64) -> RestartPolicy {
        RestartPolicy { name: name.to_owned(), maximum_retry_count: most }
    }

    #[test]
    fn waiting_doubles_to_a_minute_and_starts_over_after_a_good_run() {
        let mut backoff = Backoff::default();
        let short = Duration::from_secs(1);
        let mut waits: Vec<u128> = (0..12).map(|_| backoff.after(short).as_millis()).collect();
        assert_eq!(waits.drain(..4).collect::<Vec<_>>(), [100, 200, 400, 800]);
        assert_eq!(waits.last(), Some(&60_000));
        assert_eq!(backoff.after(GOOD_RUN), FIRST);
    }

    #[test]
    fn on_failure_counts_and_success_ends_it() {
        let three = policy("on-failure", 3);
        assert!(wanted(&three, 1, 2, false));
        assert!(!wanted(&three, 1, 3, false));
        assert!(!wanted(&three, 0, 0, false));
        assert!(wanted(&policy("on-failure", 0), 1, 99, false));
    }

    #[test]
    fn what_the_user_stopped_stays_stopped() {
        assert!(wanted(&policy("always", 0), 0, 5, false));
        for name in ["always", "unless-stopped", "on-failure"] {
            assert!(!wanted(&policy(name, 0), 1, 0, true));
        }
        assert!(!wanted(&policy("no", 0), 1, 0, false));
    }
}
